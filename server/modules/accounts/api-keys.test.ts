import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { createCall, modes, startApp, TEST_KEY, type TestApp } from '../../../test/support/app.ts';
import { SCOPES } from './scopes.ts';

describe.each(modes)('API keys on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const make = (body: object) => app.call('POST', '/api/api-keys', { name: 'chave', scopes: ['customers:read'], ...body });
  const status = async (key: string, path = '/api/auth/me') => (await createCall(app.url, key)('GET', path)).status;

  test('are shown once, work at once, hold only their scopes, and end when revoked', async () => {
    const made = await make({ scopes: ['customers:read', 'ai:read', 'customers:read'] });
    expect(made.status).toBe(201);
    const { id, key } = made.body.data;
    expect(key).toMatch(/^car_[\w-]{43}$/);
    expect(made.body.data).toMatchObject({
      prefix: key.slice(0, 8),
      scopes: ['ai:read', 'customers:read'],
      origin: 'created',
      revoked_at: null,
      expires_at: null,
    });
    const call = createCall(app.url, key);
    expect((await call('GET', '/api/auth/me')).body.data).toMatchObject({
      kind: 'api_key',
      key: { id, prefix: key.slice(0, 8) },
      scopes: ['ai:read', 'customers:read'],
    });
    expect([(await call('GET', '/api/tutors')).status, (await call('POST', '/api/tutors', {})).status, (await call('GET', '/api/users')).status]).toEqual([
      200, 403, 403,
    ]);
    const bearer = await createCall(app.url, '')('GET', '/api/auth/me', undefined, { authorization: `Bearer ${key}` });
    expect(bearer.status).toBe(200);
    for (const path of ['/api/api-keys', `/api/api-keys/${id}`]) {
      const read = await app.call('GET', path);
      expect(read.status).toBe(200);
      expect(read.text).not.toContain(key);
      expect(read.text).not.toContain('digest');
    }
    expect((await app.call('DELETE', `/api/api-keys/${id}`)).status).toBe(204);
    expect(await status(key)).toBe(401);
    expect((await app.call('DELETE', `/api/api-keys/${id}`)).status).toBe(204);
    expect((await app.call('GET', `/api/api-keys/${id}`)).body.data.revoked_at).not.toBeNull();
  });

  test('bad input is refused', async () => {
    const past = new Date(Date.now() - 60_000).toISOString();
    for (const body of [
      { scopes: [] },
      { scopes: ['customers'] },
      { scopes: ['*'] },
      { scopes: 'customers:read' },
      { scopes: ['customers:read', 'pets:read'] },
      { name: '' },
      { expires_at: past },
      { expires_at: 'amanhã' },
      { key: 'car_mine' },
      { origin: 'environment' },
    ]) {
      expect(await make(body)).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED' } });
    }
    expect((await app.call('DELETE', '/api/api-keys/00000000-0000-7000-8000-000000000000')).status).toBe(404);
    expect((await app.call('GET', '/api/api-keys/none')).status).toBe(404);
  });

  test('each creation makes another key, whatever the Idempotency-Key', async () => {
    const call = () => app.call('POST', '/api/api-keys', { name: 'duas', scopes: ['ai:read'] }, { 'idempotency-key': 'duas-1' });
    const [one, two] = [await call(), await call()];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(one.body.data.key).not.toBe(two.body.data.key);
  });

  test('expire by the database’s clock, not by the app’s', async () => {
    const soon = await make({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    app.clock.advance(7_200_000);
    try {
      expect(await status(soon.body.data.key)).toBe(200);
    } finally {
      app.clock.advance(-7_200_000);
    }
    const other = await make({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    await app.db.run(sql`update api_keys set expires_at = ${new Date(Date.now() - 1).toISOString()} where id = ${other.body.data.id}`);
    expect(await status(other.body.data.key)).toBe(401);
  });

  test('nobody revokes a key that may do more than they', async () => {
    const clerk = await app.as({ scopes: ['accounts:read', 'accounts:write'] });
    const strong = await make({ scopes: SCOPES });
    expect((await clerk('DELETE', `/api/api-keys/${strong.body.data.id}`)).status).toBe(403);
    const weak = await clerk('POST', '/api/api-keys', { name: 'fraca', scopes: ['accounts:read'] });
    expect((await clerk('DELETE', `/api/api-keys/${weak.body.data.id}`)).status).toBe(204);
  });

  test.each([
    ['nothing', ''],
    ['a prefix of the right one', TEST_KEY.slice(0, -1)],
    ['the right one and more', `${TEST_KEY}x`],
    ['another case', TEST_KEY.toUpperCase()],
    ['one too long to be any', `${TEST_KEY}${'x'.repeat(300)}`],
    ['characters no key has', `${TEST_KEY}\u00e9`],
    ['a list', `${TEST_KEY}, ${TEST_KEY}`],
    ['SQL', `' or '1'='1' -- 0123456789`],
  ])('%s lets nobody in', async (_what, key) => {
    expect(await status(key)).toBe(401);
    expect(await status(key, '/api/api-keys')).toBe(401);
  });

  test('with a key, the key alone decides', async () => {
    const answer = await app.call('POST', '/api/auth/login', { email: 'dona@clinica.test', password: 'senha-da-dona-123' }, { 'x-api-key': '' });
    const cookie = answer.headers.get('set-cookie')!.split(';')[0]!;
    expect((await createCall(app.url, 'wrong-key-0123456789')('GET', '/api/auth/me', undefined, { cookie })).status).toBe(401);
  });

  test('its last use is kept, to the minute', async () => {
    const made = await make({ name: 'usada' });
    await status(made.body.data.key);
    await expect.poll(async () => (await app.call('GET', `/api/api-keys/${made.body.data.id}`)).body.data.last_used_at).not.toBeNull();
  });

  test('neither keys, tokens nor passwords stand in the database or the log', async () => {
    const made = await make({ name: 'segredo' });
    const { id } = (
      await app.call(
        'POST',
        '/api/users',
        { email: 'segredo@clinica.test', name: 'S', role: 'viewer', password: 'segredo-canario-1' },
        { 'idempotency-key': 'segredo-1' },
      )
    ).body.data;
    const login = await app.call('POST', '/api/auth/login', { email: 'segredo@clinica.test', password: 'segredo-canario-1' }, { 'x-api-key': '' });
    await app.call('PATCH', `/api/users/${id}`, { password: 'segredo-canario-2' });
    await app.call('POST', '/api/auth/login', { email: 'segredo@clinica.test', password: 'segredo-canario-3' }, { 'x-api-key': '' });
    const session = /caramelo=[\w-]{36}\.([\w-]{43});/.exec(login.headers.get('set-cookie')!)![1]!;
    const tables = [sql`console_users`, sql`sessions`, sql`api_keys`, sql`login_attempts`, sql`audit_log`, sql`idempotency_keys`, sql`events`, sql`jobs`];
    let everything = app.logs().join('\n');
    for (const table of tables) everything += JSON.stringify(await app.db.all(sql`select * from ${table}`));
    expect(everything).toContain(id);
    for (const secret of [made.body.data.key, session, TEST_KEY, 'segredo-canario', 'senha-da-dona-123']) expect(everything).not.toContain(secret);
  });
});
