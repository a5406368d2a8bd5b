import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCall, modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { ROLES, SCOPES, scopesOfRole } from './scopes.ts';

const PASSWORD = 'senha-de-teste-1';

describe.each(modes)('console users on $engine + $cache', (mode) => {
  let app: TestApp;
  let ownerId: string;
  beforeAll(async () => {
    app = await startApp(mode);
    ownerId = (await app.call('GET', '/api/users?role=owner')).body.data[0].id;
  });
  afterAll(() => app.close());

  const add = (email: string, role: string, more: object = {}) => app.call('POST', '/api/users', { email, name: 'Pessoa', role, password: PASSWORD, ...more });
  /** The console's call, as that user. */
  async function asUser(email: string) {
    const answer = await app.call('POST', '/api/auth/login', { email, password: PASSWORD }, { 'x-api-key': '' });
    expect(answer.status).toBe(200);
    const cookie = answer.headers.get('set-cookie')!.split(';')[0]!;
    const call = createCall(app.url, '');
    return (method: string, path: string, body?: unknown, headers = {}) => call(method, path, body, { cookie, origin: app.url, ...headers });
  }

  test('are created, read, listed, changed and removed', async () => {
    const made = await add('Ana@Clinica.test', 'attendant');
    expect(made).toMatchObject({
      status: 201,
      body: { data: { email: 'ana@clinica.test', role: 'attendant', disabled_at: null, last_login_at: null, version: 1 } },
    });
    expect(made.text).not.toMatch(/password|argon2|digest/);
    const path = `/api/users/${made.body.data.id}`;
    expect((await app.call('GET', path)).body.data).toEqual(made.body.data);
    const changed = await app.call('PATCH', path, { name: 'Ana Lima', role: 'viewer', disabled: true }, { 'if-match': '1' });
    expect(changed.body.data).toMatchObject({ name: 'Ana Lima', role: 'viewer', version: 2 });
    expect(changed.body.data.disabled_at).not.toBeNull();
    expect((await app.call('PATCH', path, { disabled: false })).body.data.disabled_at).toBeNull();
    expect((await app.call('GET', '/api/users?role=viewer')).body.data.map((row: { id: string }) => row.id)).toContain(made.body.data.id);
    expect((await app.call('DELETE', path)).status).toBe(204);
    expect((await app.call('GET', path)).status).toBe(404);
  });

  test('bad input, a taken e-mail, an old version and an unknown id are refused', async () => {
    const made = await add('beto@clinica.test', 'viewer');
    const { id } = made.body.data;
    for (const body of [
      { password: 'curta' },
      { password: 'x'.repeat(257) },
      { role: 'admin' },
      { email: 'x' },
      { name: '\u200b' },
      { id: 'x' },
      { password_hash: 'x' },
      { disabled_at: null },
      {},
    ]) {
      expect((await app.call('PATCH', `/api/users/${id}`, body)).status).toBe(422);
    }
    expect((await add('beto2@clinica.test', 'viewer', { version: 9 })).status).toBe(422);
    expect(await add('BETO@clinica.test', 'viewer')).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS', details: { id } } });
    await add('bia@clinica.test', 'viewer');
    expect(await app.call('PATCH', `/api/users/${id}`, { email: 'bia@clinica.test' })).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS' } });
    expect((await app.call('PATCH', `/api/users/${id}`, { name: 'B' }, { 'if-match': '7' })).status).toBe(412);
    expect((await app.call('DELETE', `/api/users/${id}`, undefined, { 'if-match': '7' })).status).toBe(412);
    expect((await app.call('PATCH', '/api/users/00000000-0000-7000-8000-000000000000', { name: 'B' })).status).toBe(404);
  });

  test('a retried creation with one Idempotency-Key makes one user', async () => {
    const body = { email: 'uma@clinica.test', name: 'Uma', role: 'viewer', password: PASSWORD };
    const [first, again] = [
      await app.call('POST', '/api/users', body, { 'idempotency-key': 'uma-1' }),
      await app.call('POST', '/api/users', body, { 'idempotency-key': 'uma-1' }),
    ];
    expect(first.status).toBe(201);
    expect(again.text).toBe(first.text);
  });

  test('the last owner can be neither demoted nor disabled nor removed', async () => {
    for (const refused of [
      await app.call('PATCH', `/api/users/${ownerId}`, { role: 'viewer' }),
      await app.call('PATCH', `/api/users/${ownerId}`, { disabled: true }),
      await app.call('DELETE', `/api/users/${ownerId}`),
    ]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    }
    expect((await app.call('PATCH', `/api/users/${ownerId}`, { role: 'owner', disabled: false })).status).toBe(200);
    const disabled = await add('fora@clinica.test', 'owner');
    await app.call('PATCH', `/api/users/${disabled.body.data.id}`, { disabled: true });
    expect((await app.call('DELETE', `/api/users/${ownerId}`)).status).toBe(409);
    expect((await app.call('DELETE', `/api/users/${disabled.body.data.id}`)).status).toBe(204);
  });

  test('of owners removed, demoted and disabled at once one always stays', async () => {
    for (let round = 0; round < 5; round++) {
      const ids = [ownerId];
      for (let i = 0; i < 3; i++) ids.push((await add(`dono${round}-${i}@clinica.test`, 'owner')).body.data.id);
      const ways = [
        (id: string) => app.call('PATCH', `/api/users/${id}`, { role: 'viewer' }),
        (id: string) => app.call('PATCH', `/api/users/${id}`, { disabled: true }),
        (id: string) => app.call('DELETE', `/api/users/${id}`),
      ];
      const statuses = await Promise.all(ids.map(async (id, i) => (await ways[(i + round) % 3]!(id)).status));
      expect(statuses.filter((status) => status === 409)).toHaveLength(1);
      const left = (await app.call('GET', '/api/users?role=owner&limit=100')).body.data.filter(
        (row: { disabled_at: string | null }) => row.disabled_at === null,
      );
      expect(left).toHaveLength(1);
      ownerId = left[0].id;
    }
  });

  test('each role reaches what its scopes say, and nothing else', async () => {
    const samples = {
      'customers:read': '/api/tutors',
      'catalog:read': '/api/services',
      'settings:read': '/api/settings',
      'accounts:read': '/api/users',
      'reports:read': '/metrics',
    };
    for (const role of ROLES) {
      await add(`papel-${role}@clinica.test`, role);
      const call = await asUser(`papel-${role}@clinica.test`);
      expect((await call('GET', '/api/auth/me')).body.data.scopes).toEqual([...scopesOfRole(role)].sort());
      for (const [scope, path] of Object.entries(samples)) {
        expect([role, path, (await call('GET', path)).status]).toEqual([role, path, scopesOfRole(role).has(scope as never) ? 200 : 403]);
      }
      const writes = [
        ['POST', '/api/users', 'accounts:write'],
        ['POST', '/api/api-keys', 'accounts:write'],
        ['POST', '/api/tutors', 'customers:write'],
        ['POST', '/api/services', 'catalog:write'],
      ] as const;
      for (const [method, path, scope] of writes) {
        expect([role, path, (await call(method, path, {})).status]).toEqual([role, path, scopesOfRole(role).has(scope) ? 422 : 403]);
      }
    }
  });

  test('a changed role counts at once', async () => {
    const { id } = (await add('muda@clinica.test', 'owner')).body.data;
    const call = await asUser('muda@clinica.test');
    expect((await call('GET', '/api/users')).status).toBe(200);
    await app.call('PATCH', `/api/users/${id}`, { role: 'viewer' });
    expect((await call('GET', '/api/users')).status).toBe(403);
    expect((await call('PATCH', `/api/users/${id}`, { role: 'owner' })).status).toBe(403);
  });

  test('accounts:write alone raises nobody: neither a new user, nor a key, nor by an owner’s password', async () => {
    const clerk = await app.as({ scopes: ['accounts:read', 'accounts:write', 'reports:read'] });
    const viewer = { email: 'novo@clinica.test', name: 'Novo', role: 'viewer', password: PASSWORD };
    const made = await clerk('POST', '/api/users', viewer);
    expect(made.status).toBe(201);
    const path = `/api/users/${made.body.data.id}`;
    const climbs = [
      await clerk('POST', '/api/users', { ...viewer, email: 'x@clinica.test', role: 'owner' }),
      await clerk('POST', '/api/users', { ...viewer, email: 'x@clinica.test', role: 'attendant' }),
      await clerk('PATCH', path, { role: 'owner' }),
      await clerk('PATCH', `/api/users/${ownerId}`, { password: 'tomei-a-clinica' }),
      await clerk('PATCH', `/api/users/${ownerId}`, { disabled: true }),
      await clerk('DELETE', `/api/users/${ownerId}`),
      await clerk('POST', '/api/api-keys', { name: 'mais', scopes: SCOPES }),
      await clerk('POST', '/api/api-keys', { name: 'mais', scopes: ['customers:read'] }),
    ];
    expect(climbs.map((answer) => answer.status)).toEqual(climbs.map(() => 403));
    expect((await clerk('PATCH', path, { name: 'Novo nome' })).status).toBe(200);
    expect((await clerk('DELETE', path)).status).toBe(204);
  });
});
