/** Every route of the list, and what is beside it: who may call, in which words it refuses, what every answer wears. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identifier, sql } from '../../server/platform/db/sql.ts';
import { allModes, type Call, modes, startApp, type TestApp } from '../support/app.ts';
import { expectDressed, expectEnvelope, expectRefusal } from './expectations.ts';
import { head, sendRaw } from './raw-http.ts';
import { type ListedRoute, listRoutes } from './route-list.ts';
import { contents } from './tables.ts';
import { bodies, makeWorld, pathOf, type World } from './world.ts';

/** What the contract opens to everybody; its webhooks, feeds and the console's files join when they exist. */
const OPEN =
  /^\/(health(\/(live|ready))?|api\/auth\/login|api\/openapi\.json|api\/docs(\/.*)?|api\/payments\/webhooks\/\{provider\}|api\/whatsapp\/webhook|api\/calendars\/\{token\}\.ics)$/;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const NONE = { 'x-api-key': '' };

describe.each(allModes)('the gateway on $engine + $cache', (mode) => {
  let app: TestApp;
  let world: World;
  let routes: ListedRoute[];
  beforeAll(async () => {
    app = await startApp(mode);
    world = await makeWorld(app);
    routes = await listRoutes(app);
  });
  afterAll(() => app.close());

  test('health tells what is in use; strangers learn no more than that', async () => {
    const known = await app.call('GET', '/health');
    expect(known.status).toBe(200);
    expect(known.body.data).toMatchObject({ status: 'ok', database: { engine: mode.engine, migrations_pending: 0 }, cache: { using: mode.cache } });
    const stranger = await app.call('GET', '/health', undefined, NONE);
    expect(stranger.body.data).toMatchObject({ status: 'ok', database: { state: 'ok', engine: mode.engine }, cache: { using: mode.cache } });
    expect(stranger.text).not.toMatch(/jobs_|pending|version":"?\d+"?,"roles|roles/);
    for (const path of ['/health/live', '/health/ready']) expect((await app.call('GET', path, undefined, NONE)).status).toBe(200);
  });

  test('only what the contract opens is open', () => {
    expect(routes.filter((route) => route.open !== OPEN.test(route.path)).map((route) => route.name)).toEqual([]);
    expect(routes.length).toBeGreaterThan(50);
  });

  test('reading needs the resource’s :read, everything else its :write', () => {
    const scopeOf: [RegExp, string | undefined][] = [
      [/^\/api\/auth\//, undefined],
      [/^\/api\/(customers|tutors|pets)\b/, 'customers'],
      [/^\/api\/(services|products|resources)\b/, 'catalog'],
      [/^\/api\/(users|api-keys)\b/, 'accounts'],
      [/^\/metrics$/, 'reports'],
      [/^\/api\/(appointments|orders|payments|conversations|campaigns|ai|whatsapp|settings|reports)\b/, ''],
    ];
    for (const { name, method, path, scope } of routes.filter(({ open }) => !open)) {
      const [pattern, resource] = scopeOf.find(([one]) => one.test(path))!;
      const expected = resource === '' ? pattern.exec(path)![1] : resource;
      expect({ name, scope }).toEqual({ name, scope: expected && `${expected}:${method === 'GET' ? 'read' : 'write'}` });
    }
  });

  test('without credentials every call is 401, before body, path or look-up is examined', async () => {
    const paths = new Set(routes.filter((route) => !route.open).map((route) => route.path));
    const places = [...paths].flatMap((path) => [
      pathOf({ path }, world),
      ...(path.includes('{') ? [pathOf({ path }, world, 'nonsense'), pathOf({ path }, world, '%E0%A4%A')] : []),
    ]);
    const unknown = [
      '/api',
      '/api/',
      '/api/nowhere',
      '/api/tutors/x/y/z',
      '/nowhere',
      '/api/docs/secret',
      '/api/docs/../tutors',
      '/api/openapi.json/x',
      '/health/x',
      '/metrics',
      '/api/auth',
      '/API/TUTORS',
      '/api/tutors/',
      '//api/tutors',
      '/api/%74utors',
      '/api/tutors%2f',
      '/.env',
      '/.git/config',
      '/server/main.ts',
      '/index.html',
    ];
    app.statements();
    for (const path of [...places, ...unknown]) {
      for (const method of METHODS) {
        const bytes = head(method, path, method === 'GET' || method === 'HEAD' ? {} : { 'content-type': 'application/json', 'content-length': '1' });
        const answer = await sendRaw(app.url, bytes + (method === 'GET' || method === 'HEAD' ? '' : '{'));
        expect({ method, path, status: answer.status }).toEqual({ method, path, status: 401 });
        expectDressed(answer);
        if (method !== 'HEAD') expectRefusal(answer, 401, 'UNAUTHENTICATED');
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
    }
    // Reading a body or a row would have shown: the limits are no statements.
    expect(
      app
        .statements()
        .map(({ text }) => text)
        .filter((text) => !/\b(instances|cache_invalidations|jobs|sessions|login_attempts|idempotency_keys|events)\b/.test(text)),
    ).toEqual([]);
    const big = await app.call('POST', '/api/tutors', 'x'.repeat(300_000), NONE);
    expectRefusal(big, 401, 'UNAUTHENTICATED');
  });

  test('credentials that are none are 401 on every route', async () => {
    const wrong: Record<string, string>[] = [
      { 'x-api-key': 'wrong-key-0123456789' },
      { 'x-api-key': '', authorization: 'Bearer wrong-key-0123456789' },
      { 'x-api-key': '', authorization: 'Basic eDp5' },
      { 'x-api-key': '', cookie: 'caramelo=x; __Host-caramelo=y' },
      { 'x-api-key': "' or 1=1 --" },
      { 'x-api-key': 'x'.repeat(5_000) },
    ];
    for (const [i, route] of routes.filter(({ open }) => !open).entries()) {
      const answer = await app.call(route.method, pathOf(route, world), undefined, wrong[i % wrong.length]);
      expectRefusal(answer, 401, 'UNAUTHENTICATED');
    }
  });

  test('methods that a path does not offer: 405, naming those it does', async () => {
    const offered = new Map<string, Set<string>>();
    for (const { method, path } of routes) offered.set(path, (offered.get(path) ?? new Set()).add(method));
    for (const [path, methods] of offered) {
      if (methods.has('PATCH')) methods.add('PUT');
      for (const method of METHODS.filter((one) => !methods.has(one) && !(one === 'HEAD' && methods.has('GET')))) {
        const answer = await app.call(method, pathOf({ path }, world));
        expect({ method, path, status: answer.status, allow: answer.headers.get('allow')?.split(', ').sort() }).toEqual({
          method,
          path,
          status: 405,
          allow: [...methods].sort(),
        });
        if (method !== 'HEAD') expectRefusal(answer, 405, 'METHOD_NOT_ALLOWED');
      }
    }
    for (const path of ['/api/nowhere', '/nowhere', '/api', '/api/tutors/x/y', '/api/docs/x']) expectRefusal(await app.call('GET', path), 404, 'NOT_FOUND');
  });

  test('good answers wear the envelope; HEAD answers as GET without a body', async () => {
    for (const route of routes.filter(({ method }) => method === 'GET')) {
      const query = route.path.endsWith('/availability') ? `?service_id=${world.service.id}&from=2027-02-03&to=2027-02-03` : '';
      const path = pathOf(route, world) + query;
      const answer = await app.call('GET', path);
      if (route.path === '/api/orders/{id}') {
        expectRefusal(answer, 404, 'NOT_FOUND');
        continue;
      }
      expect({ path, status: answer.status }, answer.text).toEqual({ path, status: 200 });
      expectDressed(answer);
      expect(answer.headers.get('cache-control')).toMatch(/no-store/);
      if (path !== '/metrics' && path !== '/api/openapi.json') {
        expect(Object.keys(answer.body)).toEqual(['success', 'data', 'meta']);
        expect(answer.body.meta).toMatchObject({ timestamp: expect.stringMatching(/^\d{4}-.*Z$/), version: expect.any(String) });
        expect('next_cursor' in answer.body.meta).toBe(route.paged);
      }
      const bare = await app.call('HEAD', path);
      expect({ path, status: bare.status, text: bare.text, type: bare.headers.get('content-type') }).toEqual({
        path,
        status: 200,
        text: '',
        type: answer.headers.get('content-type'),
      });
      expect(Number(bare.headers.get('content-length'))).toBeGreaterThan(0);
      expectDressed(bare);
    }
    for (const path of ['/', '/api/docs', '/api/docs/start.js', '/api/docs/swagger-ui.css']) {
      const page = await app.call('GET', path, undefined, NONE);
      expect([200, 302], path).toContain(page.status);
      expect(page.headers.get('x-content-type-options')).toBe('nosniff');
      expect(page.headers.get('x-powered-by')).toBeNull();
      expect(page.text).not.toMatch(/https?:\/\/(?!www\.w3\.org)[\w.]+\.(com|net|io)\/[^"']*\.(js|css)["']/);
    }
  });

  test('PUT is accepted as PATCH; a 204 and a 201 are dressed too; a request id is kept when it is harmless', async () => {
    for (const route of routes.filter(({ method, path }) => method === 'PATCH' && path !== '/api/auth/me')) {
      const answer = await app.call('PUT', pathOf(route, world), bodies(world)[route.name]!());
      expect({ route: route.name, status: answer.status }, answer.text).toEqual({ route: route.name, status: 200 });
    }
    const made = await app.call('POST', '/api/products', { name: 'Bola', price_cents: 100 }, { 'x-request-id': 'pedido-123456' });
    expect([made.status, made.headers.get('x-request-id')]).toEqual([201, 'pedido-123456']);
    expectDressed(made);
    const gone = await app.call('DELETE', `/api/products/${made.body.data.id}`, undefined, { 'x-request-id': 'a b<script>' });
    expect([gone.status, gone.text, gone.headers.get('content-type')]).toEqual([204, '', null]);
    expect(gone.headers.get('x-request-id')).not.toContain('script');
    expectDressed(gone);
  });
});

describe.each(modes)('scopes and failures on $engine + $cache', (mode) => {
  let app: TestApp;
  let world: World;
  let routes: ListedRoute[];
  beforeAll(async () => {
    app = await startApp(mode);
    world = await makeWorld(app);
    routes = await listRoutes(app);
  });
  afterAll(() => app.close());

  test('a key without the scope is 403 before body and path are looked at; with exactly that scope it is not', async () => {
    const scopes = [...new Set(routes.flatMap(({ scope }) => scope ?? []))];
    const keys = new Map<string, Call>();
    for (const scope of scopes) keys.set(scope, await app.as({ scopes: [scope] }));
    const others = await Promise.all(scopes.map(async (scope) => [scope, await app.as({ scopes: scopes.filter((one) => one !== scope) })] as const)).then(
      (pairs) => new Map(pairs),
    );
    const before = await contents(app.db);
    for (const route of routes.filter(({ scope }) => scope !== undefined)) {
      for (const path of [pathOf(route, world), pathOf(route, world, 'nonsense')]) {
        const answer = await others.get(route.scope!)!(route.method, path, route.method === 'GET' ? undefined : '{broken');
        expectRefusal(answer, 403, 'FORBIDDEN');
        expect(answer.body.details).toEqual({ scope: route.scope });
      }
      // An id of nobody, so that nothing happens: allowed, and nothing there.
      const allowed = await keys.get(route.scope!)!(route.method, pathOf(route, world, 'nonsense'), route.body ? '{broken' : undefined);
      const happens = route.method === 'DELETE' && !route.path.includes('{');
      if (!happens) expect({ route: route.name, status: allowed.status }).not.toEqual({ route: route.name, status: 403 });
    }
    expect({ ...(await contents(app.db)), settings: '', audit_log: '', events: '' }).toEqual({ ...before, settings: '', audit_log: '', events: '' });
  });

  test('a session’s change that comes from another site is refused on every route', async () => {
    const login = await app.call('POST', '/api/auth/login', { email: 'dona@clinica.test', password: 'senha-da-dona-123' }, NONE);
    const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!;
    expect((await app.call('GET', '/api/auth/me', undefined, { ...NONE, cookie })).body.data.kind).toBe('user');
    const before = await contents(app.db);
    for (const route of routes.filter(({ method, open }) => method !== 'GET' && !open)) {
      for (const from of [{ origin: 'https://evil.test' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[]) {
        const answer = await app.call(route.method, pathOf(route, world), bodies(world)[route.name]?.(), { ...NONE, cookie, ...from });
        expectRefusal(answer, 403, 'FORBIDDEN');
      }
    }
    expect(await contents(app.db)).toEqual(before);
  });

  test('when our side fails, every route says so in the envelope and tells nothing of the inside', async () => {
    const broken = await startApp(mode);
    try {
      const its = await makeWorld(broken);
      for (const table of [
        'tutors',
        'pets',
        'services',
        'products',
        'resources',
        'appointments',
        'settings',
        'closed_days',
        'orders',
        'consents',
        'pet_guardians',
        'console_users',
      ])
        await broken.db.tx((tx) => tx.script(`alter table ${table} rename to ${table}_gone`));
      await broken.db.run(sql`update ${identifier('api_keys')} set last_used_at = null`);
      let failed = 0;
      for (const route of routes.filter(({ path, open }) => !open && !/^\/(metrics|api\/(auth|api-keys))/.test(path))) {
        const answer = await broken.call(route.method, pathOf(route, its), bodies(its)[route.name]?.());
        // What is cached, or refused before a look-up, is still answered.
        if (answer.status < 500) continue;
        failed++;
        expect([500, 503], `${route.name}: ${answer.text}`).toContain(answer.status);
        expect(answer.body.code).toBe(answer.status === 500 ? 'INTERNAL_ERROR' : 'UNAVAILABLE');
        expectEnvelope(answer);
        expect(answer.body.details).toEqual({});
      }
      expect(failed).toBeGreaterThan(30);
    } finally {
      await broken.close();
    }
  });
});
