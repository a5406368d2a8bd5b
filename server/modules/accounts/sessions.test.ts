import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { databaseIdentity } from '#platform/db/identity';
import { sql } from '#platform/db/sql';
import { newId, newSecret } from '#platform/ids';
import { allModes, modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { addUser, asBrowser, cookieOf, logIn, PASSWORD, PROXY } from './accounts.fixtures.ts';
import { sessionOfToken } from './session-token.ts';

/** A busy machine must not make the cache give up Redis while its look-ups are counted. */
const PATIENT = { ...PROXY, cache: { deadlineMs: 5_000 } };

type Browser = ReturnType<typeof asBrowser>;
const me = async (browser: Browser) => (await browser('GET', '/api/auth/me')).status;
const lookUps = (app: TestApp) => app.statements().filter(({ text }) => /\bsessions s\b/.test(text));

describe.each(modes)('sessions on $engine + $cache', (mode) => {
  let app: TestApp;
  let userId: string;
  beforeAll(async () => {
    app = await startApp(mode, PATIENT);
    userId = await addUser(app, 'ana@clinica.test');
  });
  afterAll(() => app.close());

  const open = async () => cookieOf(await logIn(app, { email: 'ana@clinica.test' }));

  test('are looked up in the database once, then in the cache', async () => {
    const browser = asBrowser(app, await open());
    app.statements();
    expect(await me(browser)).toBe(200);
    expect(lookUps(app)).toHaveLength(1);
    for (let i = 0; i < 5; i++) expect(await me(browser)).toBe(200);
    expect(lookUps(app)).toEqual([]);
  });

  test('a token under another user’s name is nobody’s, and takes nothing from the real one', async () => {
    const cookie = await open();
    const other = await addUser(app, 'outra@clinica.test', 'owner');
    const forged = asBrowser(app, cookie.replace(userId, other));
    for (let i = 0; i < 2; i++) expect([await me(asBrowser(app, cookie)), await me(forged)]).toEqual([200, 401]);
    // Not even when the forged digest were a row: it must be that user's.
    const token = `${other}.${newSecret()}`;
    await app.db.run(sql`update sessions set id = ${sessionOfToken(token)!.id} where id = ${sessionOfToken(cookie.split('=')[1]!)!.id}`);
    expect(await me(asBrowser(app, `caramelo=${token}`))).toBe(401);
  });

  test('a guessed token is never remembered, a malformed one not even looked up', async () => {
    app.statements();
    const guessed = asBrowser(app, `caramelo=${userId}.${newSecret()}`);
    for (let i = 0; i < 3; i++) expect(await me(guessed)).toBe(401);
    expect(lookUps(app)).toHaveLength(3);
    for (const token of [newSecret(), userId, `${userId}.x`, `${newId()}:${newSecret()}`, `*.${newSecret()}`])
      expect(await me(asBrowser(app, `caramelo=${token}`))).toBe(401);
    expect(lookUps(app)).toEqual([]);
  });

  test('their use is kept, to minutes', async () => {
    const cookie = await open();
    const { id } = sessionOfToken(cookie.split('=')[1]!)!;
    const before = new Date(Date.now() - 5 * 60_000).toISOString();
    await app.db.run(sql`update sessions set last_seen_at = ${before} where id = ${id}`);
    expect(await me(asBrowser(app, cookie))).toBe(200);
    await expect
      .poll(async () => (await app.db.first<{ last_seen_at: string }>(sql`select last_seen_at from sessions where id = ${id}`))!.last_seen_at > before)
      .toBe(true);
  });
});

interface Scene {
  /** Where the change is made. */
  at: TestApp;
  id: string;
  email: string;
  browser: Browser;
  cookie: string;
}

const changed = (answer: { status: number }) => expect([200, 204]).toContain(answer.status);

/** Each ends the session, or what it may do, and the status of `GET /api/users` that must follow. */
const ways: [string, (scene: Scene) => Promise<void>, number][] = [
  ['a logout', async ({ browser }) => changed(await browser('POST', '/api/auth/logout')), 401],
  ['a login over it', async ({ at, email, cookie }) => changed(await logIn(at, { email, headers: { cookie, origin: at.url } })), 401],
  ['a login of somebody else over it', async ({ at, cookie }) => changed(await logIn(at, { headers: { cookie, origin: at.url } })), 401],
  [
    'one’s own new password',
    async ({ browser }) => changed(await browser('PATCH', '/api/auth/me', { password: 'uma-senha-nova-1', current_password: PASSWORD })),
    401,
  ],
  ['a password set by another', async ({ at, id }) => changed(await at.call('PATCH', `/api/users/${id}`, { password: 'uma-senha-nova-1' })), 401],
  ['a demotion', async ({ at, id }) => changed(await at.call('PATCH', `/api/users/${id}`, { role: 'viewer' })), 403],
  ['a disabling', async ({ at, id }) => changed(await at.call('PATCH', `/api/users/${id}`, { disabled: true })), 401],
  ['a removal', async ({ at, id }) => changed(await at.call('DELETE', `/api/users/${id}`)), 401],
];

describe.each(allModes.filter((mode) => mode.engine === 'postgresql'))('sessions of two instances on $engine + $cache', (mode) => {
  let both: [TestApp, TestApp];
  let people = 0;
  beforeAll(async () => {
    const app = await startApp(mode, PROXY);
    both = [app, await app.another(PROXY)];
  });
  afterAll(async () => {
    await both[1].close();
    await both[0].close();
  });

  /** Somebody new, an owner, with a session that the given instance opened. */
  async function enter(at: TestApp): Promise<Scene> {
    const email = `pessoa${++people}@clinica.test`;
    const id = await addUser(at, email, 'owner');
    const cookie = cookieOf(await logIn(at, { email }));
    return { at, id, email, cookie, browser: asBrowser(at, cookie) };
  }

  test.each(ways)('%s on one counts for the very next request on the other', async (_what, change, after) => {
    for (const [at, other] of [both, both.toReversed() as typeof both]) {
      const scene = await enter(at);
      const elsewhere = asBrowser(other, scene.cookie);
      for (const browser of [elsewhere, scene.browser, elsewhere]) expect((await browser('GET', '/api/users')).status).toBe(200);
      await change(scene);
      expect([(await elsewhere('GET', '/api/users')).status, (await scene.browser('GET', '/api/users')).status]).toEqual([after, after]);
    }
  });

  test('a busy session does not keep itself alive', async () => {
    for (let round = 0; round < 3; round++) {
      const { id, cookie, at } = await enter(both[0]);
      const elsewhere = asBrowser(both[1], cookie);
      let over = false;
      const busy = Array.from({ length: 6 }, async () => {
        while (!over) await me(elsewhere);
      });
      changed(await at.call('PATCH', `/api/users/${id}`, { disabled: true }));
      const statuses = await Promise.all(Array.from({ length: 6 }, () => me(elsewhere)));
      over = true;
      await Promise.all(busy);
      expect(new Set([...statuses, await me(elsewhere)])).toEqual(new Set([401]));
    }
  });

  test('another user’s session goes on', async () => {
    const [kept, ended] = [await enter(both[0]), await enter(both[1])];
    expect(await me(asBrowser(both[1], kept.cookie))).toBe(200);
    changed(await ended.browser('POST', '/api/auth/logout'));
    expect(await me(asBrowser(both[1], kept.cookie))).toBe(200);
  });
});

describe.each(modes.filter((mode) => mode.cache === 'redis'))('what Redis holds of sessions on $engine + $cache', (mode) => {
  let app: TestApp;
  let redis: Redis;
  beforeAll(async () => {
    app = await startApp(mode, PATIENT);
    redis = new Redis(inject('redisUrl')!);
  });
  afterAll(async () => {
    redis.disconnect();
    await app.close();
  });

  test('neither secrets nor e-mails, under the key of the contract, for a minute at most', async () => {
    const id = await addUser(app, 'canario@clinica.test');
    const cookie = cookieOf(await logIn(app, { email: 'canario@clinica.test' }));
    await logIn(app, { email: 'canario@clinica.test', password: 'senha-errada-1' });
    expect(await me(asBrowser(app, cookie))).toBe(200);
    await app.call('PATCH', `/api/users/${id}`, { name: 'Canário' });
    expect(await me(asBrowser(app, cookie))).toBe(200);
    const keys: string[] = [];
    for await (const some of redis.scanStream({ match: `car:{${await databaseIdentity(app.db)}:*`, count: 1000 })) keys.push(...(some as string[]));
    let everything = keys.join('\n');
    for (const key of keys) everything += `\n${(await redis.getBuffer(key))?.toString('latin1')}`;
    const session = keys.find((key) => key.endsWith(`:session:${sessionOfToken(cookie.split('=')[1]!)!.id}`));
    expect(await redis.pttl(session!)).toBeLessThanOrEqual(60_000);
    expect(everything).toContain(`{"user_id":"${id}","role":"attendant"}`);
    for (const secret of [cookie.slice(-43), 'canario', '@clinica', PASSWORD]) expect(everything).not.toContain(secret);
  });
});
