import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { createCall, modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { addUser, asBrowser, cookieOf, EMAIL, logIn, newAddress, PASSWORD, PROXY } from './accounts.fixtures.ts';
import { SCOPES } from './scopes.ts';

describe.each(modes)('login on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode, PROXY);
  });
  afterAll(() => app.close());

  test('opens a session, whatever the case of the e-mail', async () => {
    const answer = await logIn(app, { email: 'Dona@Clinica.TEST' });
    expect(answer.status).toBe(200);
    expect(answer.body.data.user).toMatchObject({ email: EMAIL, role: 'owner' });
    expect(answer.text).not.toMatch(/password|argon2/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const me = await asBrowser(app, cookieOf(answer))('GET', '/api/auth/me');
    expect(me.body.data).toMatchObject({ kind: 'user', user: { email: EMAIL, role: 'owner' }, scopes: [...SCOPES].sort() });
  });

  test('the cookie is bound to TLS and this host when there is TLS, and plain in a plain network', async () => {
    const plain = await logIn(app);
    expect(plain.headers.get('set-cookie')).toMatch(/^caramelo=[\w-]{36}\.[\w-]{43}; HttpOnly; SameSite=Lax; Path=\/; Max-Age=\d+$/);
    const secure = await logIn(app, { headers: { 'x-forwarded-proto': 'https' } });
    expect(secure.headers.get('set-cookie')).toMatch(/^__Host-caramelo=[\w-]{36}\.[\w-]{43}; Secure; HttpOnly; SameSite=Lax; Path=\/; Max-Age=\d+$/);
  });

  test('answers alike for a wrong password, nobody’s e-mail and a disabled user', async () => {
    const id = await addUser(app, 'saiu@clinica.test');
    await app.call('PATCH', `/api/users/${id}`, { disabled: true });
    const answers = [
      await logIn(app, { password: 'senha-errada-1' }),
      await logIn(app, { email: 'ninguem@clinica.test' }),
      await logIn(app, { email: 'saiu@clinica.test' }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(answer.text).toBe(answers[0]!.text);
    }
    expect(answers[0]!.body).toMatchObject({ code: 'UNAUTHENTICATED', message: 'The e-mail or the password is wrong.' });
  });

  test('refuses what is no login', async () => {
    for (const body of [
      {},
      { email: EMAIL },
      { email: EMAIL, password: ['x'] },
      { email: { $gt: '' }, password: PASSWORD },
      { email: EMAIL, password: PASSWORD, role: 'owner' },
      { email: EMAIL, password: 'x'.repeat(257) },
      { email: 'a\u0000@b.co', password: PASSWORD },
    ]) {
      expect((await app.call('POST', '/api/auth/login', body, { 'x-api-key': '' })).status).toBe(422);
    }
  });

  test('always gives a new token, and ends the one the browser held', async () => {
    const first = cookieOf(await logIn(app));
    const second = cookieOf(await logIn(app, { headers: { cookie: first, origin: app.url } }));
    expect(second).not.toBe(first);
    expect((await asBrowser(app, first)('GET', '/api/auth/me')).status).toBe(401);
    expect((await asBrowser(app, second)('GET', '/api/auth/me')).status).toBe(200);
    const chosen = `${second.slice(0, -43)}${'A'.repeat(43)}`;
    expect(cookieOf(await logIn(app, { headers: { cookie: chosen, origin: app.url } }))).not.toBe(chosen);
    expect((await asBrowser(app, chosen)('GET', '/api/auth/me')).status).toBe(401);
  });

  test('another site can neither log its visitor in nor act with their cookie', async () => {
    expect(await logIn(app, { headers: { origin: 'https://evil.test' } })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    const cookie = cookieOf(await logIn(app));
    const call = createCall(app.url, '');
    const change = (headers: Record<string, string>) => call('PATCH', '/api/auth/me', { name: 'Dona' }, { cookie, ...headers });
    for (const headers of [
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: app.url },
    ] as Record<string, string>[]) {
      expect(await change(headers)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    }
    expect((await change({ origin: app.url })).status).toBe(200);
    expect((await change({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    expect([(await change({})).status, 'a script with a cookie jar']).toEqual([200, 'a script with a cookie jar']);
    expect((await call('GET', '/api/auth/me', undefined, { cookie, origin: 'https://evil.test' })).status).toBe(200);
  });

  test('logout ends the session at once and clears the cookie; an API key has none to end', async () => {
    const browser = asBrowser(app, cookieOf(await logIn(app)));
    expect((await browser('GET', '/api/auth/me')).status).toBe(200);
    const out = await browser('POST', '/api/auth/logout');
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toMatch(/^caramelo=; .*Max-Age=0$/);
    expect((await browser('GET', '/api/auth/me')).status).toBe(401);
    expect((await app.call('POST', '/api/auth/logout')).status).toBe(204);
  });

  test('a session ends after twelve idle hours, after thirty days, and for a disabled user', async () => {
    const id = await addUser(app, 'vence@clinica.test');
    const alive = async (change: (sessionOf: string) => Promise<unknown>) => {
      const answer = await logIn(app, { email: 'vence@clinica.test' });
      await change(id);
      return (await asBrowser(app, cookieOf(answer))('GET', '/api/auth/me')).status;
    };
    const aged = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    expect(await alive((user) => app.db.run(sql`update sessions set last_seen_at = ${aged(11.9)} where user_id = ${user}`))).toBe(200);
    expect(await alive((user) => app.db.run(sql`update sessions set last_seen_at = ${aged(12.1)} where user_id = ${user}`))).toBe(401);
    expect(await alive((user) => app.db.run(sql`update sessions set expires_at = ${aged(0.001)} where user_id = ${user}`))).toBe(401);
    expect(await alive((user) => app.call('PATCH', `/api/users/${user}`, { disabled: true }))).toBe(401);
    const [session] = await app.db.all<{ created_at: string; expires_at: string }>(
      sql`select created_at, expires_at from sessions order by created_at desc limit 1`,
    );
    expect(Date.parse(session!.expires_at) - Date.parse(session!.created_at)).toBeGreaterThan(29.9 * 86_400_000);
  });

  test('the app’s own clock cannot stretch a session', async () => {
    const browser = asBrowser(app, cookieOf(await logIn(app)));
    await app.db.run(sql`update sessions set last_seen_at = ${new Date(Date.now() - 13 * 3_600_000).toISOString()}`);
    app.clock.advance(-86_400_000);
    try {
      expect((await browser('GET', '/api/auth/me')).status).toBe(401);
    } finally {
      app.clock.advance(86_400_000);
    }
  });

  test('a changed password ends every session of that user, and only theirs', async () => {
    const id = await addUser(app, 'troca@clinica.test');
    const [one, two] = [
      asBrowser(app, cookieOf(await logIn(app, { email: 'troca@clinica.test' }))),
      asBrowser(app, cookieOf(await logIn(app, { email: 'troca@clinica.test' }))),
    ];
    const other = asBrowser(app, cookieOf(await logIn(app)));
    expect((await one('GET', '/api/auth/me')).status).toBe(200);
    expect((await app.call('PATCH', `/api/users/${id}`, { name: 'Outro nome' })).status).toBe(200);
    expect((await one('GET', '/api/auth/me')).status).toBe(200);
    expect((await app.call('PATCH', `/api/users/${id}`, { password: 'uma-senha-nova-1' })).status).toBe(200);
    expect([(await one('GET', '/api/auth/me')).status, (await two('GET', '/api/auth/me')).status, (await other('GET', '/api/auth/me')).status]).toEqual([
      401, 401, 200,
    ]);
    expect((await logIn(app, { email: 'troca@clinica.test' })).status).toBe(401);
    expect((await logIn(app, { email: 'troca@clinica.test', password: 'uma-senha-nova-1' })).status).toBe(200);
  });

  test('a login with the old password that races its change leaves no session behind', async () => {
    let password = PASSWORD;
    const id = await addUser(app, 'corrida@clinica.test');
    for (let round = 0; round < 6; round++) {
      const next = `senha-da-rodada-${round}`;
      const [opened] = await Promise.all([logIn(app, { email: 'corrida@clinica.test', password }), app.call('PATCH', `/api/users/${id}`, { password: next })]);
      expect([200, 401]).toContain(opened.status);
      if (opened.status === 200) expect((await asBrowser(app, cookieOf(opened))('GET', '/api/auth/me')).status).toBe(401);
      password = next;
    }
    expect(await app.db.all(sql`select id from sessions where user_id = ${id}`)).toEqual([]);
  });

  test('one changes one’s own name freely, the password only by knowing it, and goes on with a new session', async () => {
    await addUser(app, 'eu@clinica.test', 'viewer');
    const cookies = [cookieOf(await logIn(app, { email: 'eu@clinica.test' })), cookieOf(await logIn(app, { email: 'eu@clinica.test' }))];
    const [me, elsewhere] = cookies.map((cookie) => asBrowser(app, cookie));
    expect((await me!('PATCH', '/api/auth/me', { name: 'Eu mesma' })).body.data.user.name).toBe('Eu mesma');
    for (const body of [
      { password: 'outra-senha-12' },
      { password: 'outra-senha-12', current_password: 'errada-errada' },
      { password: 'curta', current_password: PASSWORD },
      { role: 'owner' },
      {},
    ]) {
      expect((await me!('PATCH', '/api/auth/me', body)).status).toBe(422);
    }
    const changed = await me!('PATCH', '/api/auth/me', { password: 'outra-senha-12', current_password: PASSWORD });
    expect(changed.status).toBe(200);
    expect([(await me!('GET', '/api/auth/me')).status, (await elsewhere!('GET', '/api/auth/me')).status]).toEqual([401, 401]);
    expect((await asBrowser(app, cookieOf(changed))('GET', '/api/auth/me')).status).toBe(200);
    expect((await app.call('PATCH', '/api/auth/me', { name: 'Chave' })).status).toBe(403);
  });

  test('who found an open console cannot guess its password without end', async () => {
    await addUser(app, 'aberto@clinica.test');
    const browser = asBrowser(app, cookieOf(await logIn(app, { email: 'aberto@clinica.test' })));
    const guess = () => browser('PATCH', '/api/auth/me', { password: 'outra-senha-12', current_password: 'chute-chute' });
    const statuses = (await Promise.all(Array.from({ length: 8 }, guess))).map((answer) => answer.status);
    expect(statuses.toSorted()).toEqual([422, 422, 422, 422, 422, 429, 429, 429]);
  });
});

describe.each(modes)('guessing passwords on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode, PROXY);
  });
  afterAll(() => app.close());

  const wrong = (email: string, ip: string) => logIn(app, { email, ip, password: 'senha-errada-1' });

  test('five wrong ones from one network, even at once, and then it waits; the victim elsewhere does not', async () => {
    const ip = newAddress();
    const statuses = (await Promise.all(Array.from({ length: 9 }, () => wrong(EMAIL, ip)))).map((answer) => answer.status);
    expect(statuses.toSorted()).toEqual([401, 401, 401, 401, 401, 429, 429, 429, 429]);
    const right = await logIn(app, { ip });
    expect(right).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await logIn(app)).status).toBe(200);
  });

  test('an e-mail nobody has is limited in the same way', async () => {
    const ip = newAddress();
    const statuses: number[] = [];
    for (let i = 0; i < 7; i++) statuses.push((await wrong('fantasma@clinica.test', ip)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  test('one network cannot try many accounts', async () => {
    const ip = newAddress();
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) statuses.push((await wrong(`alvo${i}@clinica.test`, ip)).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
    expect((await logIn(app, { ip })).status).toBe(429);
  });

  test('right passwords do not count', async () => {
    const ip = newAddress();
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) statuses.push((await logIn(app, { ip })).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test('many networks together exhaust an account, but not for a network or a browser that holds a session of it', async () => {
    await addUser(app, 'vitima@clinica.test');
    const home = newAddress();
    const shared = newAddress();
    const atHome = cookieOf(await logIn(app, { email: 'vitima@clinica.test', ip: home }));
    for (let network = 0; network < 5; network++) {
      const ip = network === 0 ? shared : newAddress();
      for (let i = 0; i < 5; i++) await wrong('vitima@clinica.test', ip);
    }
    const from = (ip: string, headers = {}) => logIn(app, { email: 'vitima@clinica.test', ip, headers }).then((answer) => answer.status);
    expect(await from(newAddress())).toBe(429);
    expect(await from(home)).toBe(200);
    expect(await from(shared)).toBe(429);
    expect(await from(shared, { cookie: atHome, origin: app.url })).toBe(200);
    expect(await from(newAddress(), { cookie: cookieOf(await logIn(app)), origin: app.url })).toBe(429);
  });

  test('a window ends by the database’s clock', async () => {
    const ip = newAddress();
    for (let i = 0; i < 6; i++) await wrong(EMAIL, ip);
    expect((await logIn(app, { ip })).status).toBe(429);
    await app.db.run(sql`update login_attempts set resets_at = ${new Date(Date.now() - 1000).toISOString()}`);
    expect((await logIn(app, { ip })).status).toBe(200);
  });
});

describe.each(modes.filter((mode) => mode.engine === 'postgresql'))('two instances on $engine + $cache', (mode) => {
  let app: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    app = await startApp(mode, PROXY);
    other = await app.another(PROXY);
  });
  afterAll(async () => {
    await other.close();
    await app.close();
  });

  test('share keys, and what one revokes the other refuses within a second', async () => {
    const made = await app.call('POST', '/api/api-keys', { name: 'dois', scopes: ['customers:read'] });
    const elsewhere = createCall(other.url, made.body.data.key as string);
    const status = async () => (await elsewhere('GET', '/api/auth/me')).status;
    expect(await status()).toBe(200);
    await app.call('DELETE', `/api/api-keys/${made.body.data.id}`);
    // Busy callers must not keep themselves alive.
    for (let i = 0; i < 9; i++) {
      await status();
      await sleep(100);
    }
    await sleep(100);
    expect(await status()).toBe(401);
  });

  test('count guesses together', async () => {
    const ip = newAddress();
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => (await logIn(i % 2 ? app : other, { ip, password: 'senha-errada-1' })).status),
    );
    expect(statuses.toSorted()).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  });
});
