/** What is logged: one line of JSON a request, and of people and secrets nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modes, startApp, type TestApp, TEST_KEY } from '../support/app.ts';
import { makeService } from '../support/clinic.ts';
import { sendRaw, head } from './raw-http.ts';
import { bodies, makeWorld, pathOf, type World } from './world.ts';
import { listRoutes } from './route-list.ts';

const NONE = { 'x-api-key': '' };
const CANARY = {
  name: 'Xantippe Quelônia Zwingli',
  phone: '+5511940028922',
  email: 'canario.zwingli@correio.test',
  taxId: '529.982.247-25',
  notes: 'mensagem-canario-jacaranda',
  address: 'Rua Jabuticabeira Canária',
  password: 'senha-canario-trapezio-77',
  key: 'chave-canario-errada-0123456789',
  external: 'externo-canario-9182736455',
  header: 'cabecalho-canario',
};
/** In every spelling a log line might hold them. */
const NEVER = [
  ...Object.values(CANARY),
  '11940028922',
  '940028922',
  '94002-8922',
  '52998224725',
  'Zwingli',
  'zwingli',
  'jacaranda',
  'Jabuticabeira',
  'senha-da-dona-123',
  TEST_KEY,
];

describe.each(modes)('logs on $engine + $cache', (mode) => {
  let app: TestApp;
  let world: World;
  const secrets: string[] = [];
  beforeAll(async () => {
    app = await startApp(mode, { env: { LOG_LEVEL: 'debug' } });
    world = await makeWorld(app);
  });
  afterAll(() => app.close());

  test('nothing of people and no secret is in any line, whatever was called and however it failed', async () => {
    const person = {
      name: CANARY.name,
      phone: CANARY.phone,
      email: CANARY.email,
      tax_id: CANARY.taxId,
      notes: CANARY.notes,
      external_id: CANARY.external,
      address: { street: CANARY.address },
    };
    const tutor = await app.call('POST', '/api/tutors', person, { 'idempotency-key': 'log-1' });
    expect(tutor.status, tutor.text).toBe(201);
    const { id } = tutor.body.data;
    // Known phone, known external id (a unique violation inside the database), replays, searches.
    expect((await app.call('POST', '/api/tutors', person)).status).toBe(409);
    expect((await app.call('POST', '/api/tutors', { ...person, phone: '+5511940028923' })).status).toBe(409);
    expect((await app.call('PATCH', `/api/tutors/${world.other.id}`, { external_id: CANARY.external })).status).toBe(409);
    expect((await app.call('PATCH', `/api/tutors/${world.other.id}`, { phone: CANARY.phone })).status).toBe(409);
    for (const query of [
      `phone=${encodeURIComponent(CANARY.phone)}`,
      `q=${CANARY.name}`,
      `external_id=${CANARY.external}`,
      `q=${CANARY.email}`,
      `cursor=${CANARY.notes}`,
    ])
      await app.call('GET', `/api/tutors?${query}`);
    await app.call('GET', `/api/tutors/${CANARY.notes}`);
    await app.call('GET', `/${CANARY.notes}/${encodeURIComponent(CANARY.phone)}?x=${CANARY.email}`);
    await app.call('GET', `/api/customers/${id}/export`);
    for (const body of [
      `{"name":"${CANARY.name}`,
      JSON.stringify({ ...person, nonsense: CANARY.notes, [CANARY.notes]: 1 }),
      JSON.stringify({ ...person, email: `${CANARY.email} x` }),
      Buffer.from([0x22, ...Buffer.from(CANARY.notes), 0xff]),
    ]) {
      expect((await app.call('POST', '/api/customers', body)).status).toBeGreaterThanOrEqual(400);
    }
    // Every writing route, with the canary in each text of its body.
    for (const route of (await listRoutes(app)).filter(({ body }) => body)) {
      const sample = bodies(world)[route.name]!();
      const told = Object.fromEntries(Object.entries(sample).map(([name, value]) => [name, name === 'name' || name === 'notes' ? CANARY.notes : value]));
      await app.call(route.method, pathOf(route, world), told, {
        'x-request-id': 'x',
        'user-agent': CANARY.header,
        referer: `https://x.test/${CANARY.email}`,
        'x-forwarded-for': CANARY.header,
      });
      await app.call(route.method, pathOf(route, world), { ...told, [CANARY.notes]: CANARY.phone });
    }
    // Ways in.
    for (const headers of [
      { 'x-api-key': CANARY.key },
      { ...NONE, authorization: `Bearer ${CANARY.key}` },
      { ...NONE, cookie: `caramelo=${CANARY.key}` },
      { 'idempotency-key': `${CANARY.notes} ` },
      { 'if-match': CANARY.notes },
    ] as Record<string, string>[])
      await app.call('POST', '/api/tutors', person, headers);
    await app.call('POST', '/api/users', { email: CANARY.email, name: CANARY.name, role: 'attendant', password: CANARY.password });
    await app.call('POST', '/api/users', { email: CANARY.email, name: CANARY.name, role: 'attendant', password: CANARY.password });
    await app.call('POST', '/api/auth/login', { email: CANARY.email, password: `${CANARY.password}x` }, NONE);
    const login = await app.call('POST', '/api/auth/login', { email: CANARY.email, password: CANARY.password }, NONE);
    expect(login.status, login.text).toBe(200);
    secrets.push(/=([^;]+)/.exec(login.headers.getSetCookie()[0]!)![1]!);
    const key = await app.call('POST', '/api/api-keys', { name: CANARY.name, scopes: ['ai:read'] });
    secrets.push(key.body.data.key);
    await app.call('GET', '/api/auth/me', undefined, { 'x-api-key': key.body.data.key });
    await sendRaw(app.url, head('GET', `/api/tutors/%E0?q=${CANARY.notes}`, { 'x-api-key': CANARY.key }));
    await sendRaw(app.url, `GET /${CANARY.notes} ${CANARY.key}\r\n\r\n`);
    await app.call('DELETE', `/api/customers/${id}?erase=true`);
    // A failure on our side, with the statement and its values near.
    await app.db.tx((tx) => tx.script('alter table products rename to products_gone'));
    expect((await app.call('POST', '/api/products', { name: CANARY.notes, price_cents: 1 })).status).toBe(500);
    await app.db.tx((tx) => tx.script('alter table products_gone rename to products'));
    await app.db.tx((tx) =>
      tx.script(
        mode.engine === 'postgresql'
          ? "alter table products add constraint canary check (name <> 'mensagem-canario-jacaranda') not valid"
          : "create trigger canary before insert on products when new.name = 'mensagem-canario-jacaranda' begin select raise(abort, 'CHECK constraint failed'); end",
      ),
    );
    expect((await app.call('POST', '/api/products', { name: CANARY.notes, price_cents: 1 })).status).toBeGreaterThanOrEqual(400);

    const text = app.logs().join('');
    expect(text.length).toBeGreaterThan(10_000);
    for (const word of [...NEVER, ...secrets])
      expect(
        text.split('\n').filter((line) => line.includes(word) || line.includes(encodeURIComponent(word))),
        word,
      ).toEqual([]);
  });

  test('one line a request, with its id, route, status and time; ids instead of paths', async () => {
    await makeService(app);
    const from = app.logs().length;
    const calls: [string, string, unknown, Record<string, string>, string | undefined][] = [
      ['GET', `/api/tutors/${world.other.id}?x=1`, undefined, {}, '/api/tutors/{id}'],
      ['GET', '/api/tutors/nope', undefined, {}, '/api/tutors/{id}'],
      ['POST', '/api/tutors', '{', {}, '/api/tutors'],
      ['GET', '/api/tutors', undefined, NONE, undefined],
      ['GET', '/nowhere/at/all', undefined, {}, undefined],
      ['DELETE', '/api/tutors', undefined, {}, undefined],
      ['GET', '/health/live', undefined, NONE, '/health/live'],
    ];
    const answers = [];
    for (const [method, path, body, headers] of calls)
      answers.push(await app.call(method, path, body, { 'x-request-id': `linha-${answers.length}-0000`, ...headers }));
    const lines = app
      .logs()
      .slice(from)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(app.logs().every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
    for (const [i, [method, , , , route]] of calls.entries()) {
      const mine = lines.filter((line) => line['req'] === `linha-${i}-0000` && line['msg'] === 'request');
      expect(mine, `${method} ${i}`).toHaveLength(1);
      expect(mine[0]).toMatchObject({
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        method,
        status: answers[i]!.status,
        ms: expect.any(Number),
      });
      expect(mine[0]!['route']).toBe(route);
      expect(answers[i]!.headers.get('x-request-id')).toBe(`linha-${i}-0000`);
    }
  });

  test('nothing a caller sends can forge a line', async () => {
    const from = app.logs().length;
    await sendRaw(
      app.url,
      head('GET', '/api/tutors?q=%0a%7b%22level%22%3a%22info%22%2c%22msg%22%3a%22forged%22%7d', { 'x-api-key': TEST_KEY, 'x-request-id': '{"forged":1}' }),
    );
    await app.call('GET', '/api/tutors', undefined, { 'x-request-id': 'a\u0085b' });
    for (const line of app.logs().slice(from)) {
      expect(line).not.toContain('forged');
      expect(typeof JSON.parse(line)).toBe('object');
    }
  });
});
