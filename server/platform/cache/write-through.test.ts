import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { createSqlite, type Instance, openInstance, type OwnRedis, startRedis, until } from './cache.fixtures.ts';

let db: Database;
let drop: () => Promise<void>;
let redis: OwnRedis;
let a: Instance;
beforeEach(async () => {
  ({ db, drop } = await createSqlite());
  redis = await startRedis();
  a = await openInstance(db, { databaseId: 'write', redisUrl: redis.url });
});
afterEach(async () => {
  await a.cache.close();
  await redis.stop();
  await drop();
});

const rows = async () => (await db.all<{ topics: string[] }>(sql`select topics from cache_invalidations order by seq`)).map((row) => row.topics);
const set = (version: number) => sql`insert into registers (id, version) values ('r', ${version}) on conflict (id) do update set version = excluded.version`;
const topics = ['register:r'];

test('a write that Redis hears of leaves no row; a prefilled value is a hit at once', async () => {
  expect(await a.write('r', true)).toBe(1);
  expect(await a.read('r')).toEqual({ version: 1, hit: true });
  expect(await rows()).toEqual([]);
});

test('a write that fails throws its own error, and the entry can be cached again at once', async () => {
  await a.write('r', true);
  await expect(a.cache.write(topics, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  expect(await a.read('r')).toEqual({ version: 1, hit: false });
  expect(await a.read('r')).toEqual({ version: 1, hit: true });
});

test('while Redis is down the row commits with the change, and rolls back with it', async () => {
  await redis.kill();
  await until(() => a.cache.state().using === 'memory');
  await a.write('r');
  await expect(
    a.cache.write(['no'], (pending) =>
      db.tx(async (tx) => {
        await pending!(tx);
        throw new Error('rolled back');
      }),
    ),
  ).rejects.toThrow('rolled back');
  await a.cache.write(['fused'], async (pending) => {
    await db.fused({ write: sql`${set(5)} returning version`, after: [pending!.statement] });
  });
  expect(await rows()).toEqual([['register:r', 'settings'], ['fused']]);
});

test('Redis lost in the middle of a write: the row is written before the answer', async () => {
  await a.write('r', true);
  await a.cache.write(topics, async (pending) => {
    expect(pending).toBeUndefined();
    await db.run(set(7));
    await redis.kill();
  });
  expect(await rows()).toEqual([topics]);
  expect((await a.read('r')).version).toBe(7);
  await redis.start();
  await until(() => a.cache.state().using === 'redis');
  expect((await a.read('r')).version).toBe(7);
});

test('inside a transaction of somebody else nothing old is left behind by those who read meanwhile', async () => {
  await a.write('r', true);
  let inside = () => {};
  let go = () => {};
  const waiting = new Promise<void>((resolve) => (inside = resolve));
  const gate = new Promise<void>((resolve) => (go = resolve));
  const change = db.tx(async (tx) => {
    await a.cache.within(tx, topics, () => tx.run(set(9)));
    inside();
    await gate;
  });
  await waiting;
  expect(await a.read('r')).toEqual({ version: 1, hit: false });
  expect(await a.read('r')).toEqual({ version: 1, hit: false });
  go();
  await change;
  expect(await a.read('r')).toEqual({ version: 9, hit: false });
});

test('after a commit through `within` the new value is read', async () => {
  await a.write('r', true);
  await db.tx((tx) => a.cache.within(tx, topics, () => tx.run(set(9))));
  expect(await a.read('r')).toEqual({ version: 9, hit: false });
  expect(await a.read('r')).toEqual({ version: 9, hit: true });
  await redis.kill();
  await until(() => a.cache.state().using === 'memory');
  await db.tx(async (tx) => {
    await a.cache.within(tx, topics, () => tx.run(set(10)));
    // It commits with the change, so a death right after the commit loses nothing.
    expect(await tx.first(sql`select topics from cache_invalidations`)).toEqual({ topics });
  });
  expect(await rows()).toEqual([topics]);
  expect((await a.read('r')).version).toBe(10);
});

test('invalidating makes unfound what was changed elsewhere', async () => {
  await a.write('r', true);
  await db.run(set(3));
  expect((await a.read('r')).version).toBe(1);
  await a.cache.invalidate(topics);
  expect((await a.read('r')).version).toBe(3);
});

test('raw values live where the cache does, and are silently gone when it is', async () => {
  await a.cache.raw.set('note', 'x', 60);
  expect((await a.cache.raw.get('note'))!.toString()).toBe('x');
  await a.cache.raw.delete('note');
  expect(await a.cache.raw.get('note')).toBeUndefined();
  await a.cache.raw.set('note', 'y', 60);
  await redis.kill();
  expect(await a.cache.raw.get('note')).toBeUndefined();
  await until(() => a.cache.state().using === 'memory');
  await a.cache.raw.set('note', 'z', 60);
  expect((await a.cache.raw.get('note'))!.toString()).toBe('z');
});
