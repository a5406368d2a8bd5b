import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCache } from '#platform/cache/cache';
import { systemClock } from '#platform/clock';
import { systemCtx } from '#platform/ctx';
import { sql } from '#platform/db/sql';
import { digest, newId } from '#platform/ids';
import { createWriter } from '#platform/write';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { type Accounts, createAccounts } from './index.ts';
import { SCOPES } from './scopes.ts';

const ctx = systemCtx(systemClock.now(), 'start');
const development = { production: false };

describe.each(modes)('first access on $engine + $cache', (mode) => {
  let app: TestApp;
  let cache: Awaited<ReturnType<typeof openCache>>;
  /** Two instances' accounts, over one database. */
  let one: Accounts;
  let two: Accounts;
  beforeAll(async () => {
    app = await startApp(mode);
    cache = await openCache({ db: app.db, clock: systemClock, databaseId: newId(), instanceId: newId(), instanceName: 'first-access' });
    const parts = { db: app.db, cache, writer: createWriter({ db: app.db, cache }) };
    [one, two] = [createAccounts(parts), createAccounts(parts)];
  });
  afterAll(async () => {
    await cache.close();
    await app.close();
  });

  /** As on the very first start. */
  async function empty() {
    for (const table of [sql`sessions`, sql`console_users`, sql`api_keys`]) await app.db.run(sql`delete from ${table}`);
  }
  const known = (accounts: Accounts, apiKey: string) => accounts.authenticator.authenticate({ apiKey, method: 'GET', secure: false });
  const comesIn = (accounts: Accounts, token: string) => accounts.authenticator.authenticate({ cookie: `caramelo=${token}`, method: 'GET', secure: false });
  const login = (email: string, password: string) => one.sessions.login(ctx, { email, password }, { ip: '198.51.100.1', held: undefined });
  const keys = () => app.db.all<{ id: string; origin: string }>(sql`select id, origin from api_keys`);
  const users = () => app.db.all<{ email: string; role: string }>(sql`select email, role from console_users order by id`);

  test('in development both secrets are made once, told once, and outlive a restart', async () => {
    await empty();
    const first = await one.ensureFirstAccess(ctx, development);
    expect(first).toMatchObject({
      email: 'admin@caramelo.local',
      generatedApiKey: expect.stringMatching(/^car_/),
      generatedPassword: expect.stringMatching(/^.{20,}$/),
    });
    expect(await two.ensureFirstAccess(ctx, development)).toEqual({ email: 'admin@caramelo.local' });
    expect((await known(two, first.generatedApiKey!))?.scopes).toEqual(new Set(SCOPES));
    expect((await login(first.email, first.generatedPassword!)).user.role).toBe('owner');
  });

  test('of two first starts at once one tells the secrets, and they work', async () => {
    for (let round = 0; round < 4; round++) {
      await empty();
      const told = await Promise.all([one, two].map((accounts) => accounts.ensureFirstAccess(ctx, development)));
      expect(told.filter((one) => one.generatedApiKey !== undefined)).toHaveLength(1);
      const passwords = told.flatMap((one) => one.generatedPassword ?? []);
      expect(passwords).toHaveLength(1);
      expect([await keys(), await users()].map((list) => list.length)).toEqual([1, 1]);
      expect(await known(one, told.find((one) => one.generatedApiKey)!.generatedApiKey!)).toBeDefined();
      expect((await login('admin@caramelo.local', passwords[0]!)).user.email).toBe('admin@caramelo.local');
    }
  });

  test('two first starts at once with one configuration make one key and one owner', async () => {
    await empty();
    const input = { production: true, apiKey: 'chave-da-clinica-01', adminEmail: 'dona@clinica.test', adminPassword: 'senha-da-dona-123' };
    expect(await Promise.all([one, two].map((accounts) => accounts.ensureFirstAccess(ctx, input)))).toEqual([
      { email: 'dona@clinica.test' },
      { email: 'dona@clinica.test' },
    ]);
    expect(await keys()).toEqual([{ id: expect.any(String), origin: 'environment' }]);
    expect(await users()).toEqual([{ email: 'dona@clinica.test', role: 'owner' }]);
  });

  test('a changed API_KEY replaces the old one and leaves created keys alone; two values at once leave one', async () => {
    await empty();
    const start = (accounts: Accounts, apiKey: string) => accounts.ensureFirstAccess(ctx, { ...development, apiKey });
    await start(one, 'chave-da-clinica-01');
    const created = await one.apiKeys.create(ctx, { name: 'outra', scopes: ['ai:read'] });
    await start(two, 'chave-da-clinica-02');
    expect([await known(two, 'chave-da-clinica-01'), (await known(two, 'chave-da-clinica-02'))?.kind, (await known(two, created.key))?.kind]).toEqual([
      undefined,
      'api_key',
      'api_key',
    ]);
    await Promise.all([start(one, 'chave-da-clinica-03'), start(two, 'chave-da-clinica-04')]);
    expect((await keys()).filter((key) => key.origin === 'environment')).toHaveLength(1);
    await start(one, created.key);
    expect(await keys()).toEqual([{ id: created.id, origin: 'environment' }]);
    expect((await app.db.all<{ scopes: string[] }>(sql`select scopes from api_keys`))[0]!.scopes).toEqual(SCOPES);
  });

  test('a revoked environment key stays dead until its value changes', async () => {
    await empty();
    await one.ensureFirstAccess(ctx, { ...development, apiKey: 'chave-vazada-0001' });
    await one.apiKeys.revoke(ctx, (await keys())[0]!.id);
    await one.ensureFirstAccess(ctx, { ...development, apiKey: 'chave-vazada-0001' });
    expect(await known(two, 'chave-vazada-0001')).toBeUndefined();
    await one.ensureFirstAccess(ctx, { ...development, apiKey: 'chave-vazada-0002' });
    expect(await known(two, 'chave-vazada-0002')).toBeDefined();
  });

  test('with an owner ADMIN_* changes nothing; without one it brings the account back', async () => {
    await empty();
    const input = { production: true, apiKey: 'chave-da-clinica-01', adminEmail: 'dona@clinica.test', adminPassword: 'senha-da-dona-123' };
    await one.ensureFirstAccess(ctx, input);
    expect(await one.ensureFirstAccess(ctx, { ...input, adminEmail: 'outra@clinica.test', adminPassword: 'outra-senha-456' })).toEqual({
      email: 'dona@clinica.test',
    });
    expect(await users()).toHaveLength(1);
    await app.db.run(sql`update console_users set role = 'viewer'`);
    const { token } = await login('dona@clinica.test', 'senha-da-dona-123');
    expect(await comesIn(two, token)).toMatchObject({ role: 'viewer' });
    await one.ensureFirstAccess(ctx, { ...input, adminPassword: 'senha-recuperada-1' });
    expect(await users()).toEqual([{ email: 'dona@clinica.test', role: 'owner' }]);
    expect(await comesIn(two, token)).toBeUndefined();
    await app.db.run(sql`update console_users set disabled_at = ${systemClock.now()}`);
    await one.ensureFirstAccess(ctx, { ...input, adminPassword: 'senha-recuperada-2' });
    expect((await login('dona@clinica.test', 'senha-recuperada-2')).user.disabled_at).toBeNull();
  });

  test('production generates nothing', async () => {
    await empty();
    await expect(one.ensureFirstAccess(ctx, { production: true, apiKey: 'chave-da-clinica-01' })).rejects.toThrow(/ADMIN_EMAIL/);
    await expect(one.ensureFirstAccess(ctx, { production: true })).rejects.toThrow(/API_KEY/);
    expect([await keys(), await users()]).toEqual([[], []]);
  });

  test('the purge removes dead sessions and closed windows, and nothing alive', async () => {
    await empty();
    await one.ensureFirstAccess(ctx, { ...development, adminEmail: 'dona@clinica.test', adminPassword: 'senha-da-dona-123' });
    const [idle, old, alive] = [
      await login('dona@clinica.test', 'senha-da-dona-123'),
      await login('dona@clinica.test', 'senha-da-dona-123'),
      await login('dona@clinica.test', 'senha-da-dona-123'),
    ];
    await expect(login('dona@clinica.test', 'senha-errada-1')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    await app.db.run(sql`update sessions set last_seen_at = ${ago(13)} where id = ${digest(idle.token)}`);
    await app.db.run(sql`update sessions set expires_at = ${ago(1)} where id = ${digest(old.token)}`);
    await app.db.run(sql`update login_attempts set resets_at = ${ago(1)}`);
    await app.db.run(sql`insert into login_attempts (id, used, resets_at) values ('open', 1, ${ago(-1)})`);
    expect(await one.purgeExpired(ctx)).toBeGreaterThanOrEqual(3);
    expect(await app.db.all(sql`select id from sessions`)).toEqual([{ id: digest(alive.token) }]);
    expect(await app.db.all(sql`select id from login_attempts`)).toEqual([{ id: 'open' }]);
  });
});
