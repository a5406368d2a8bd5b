/** Two instances, one PostgreSQL, one Redis of our own that is flushed, frozen, killed and restored while they work. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../db/database.ts';
import { openPostgres } from '../db/postgres.ts';
import type { CacheEvent } from './cache.ts';
import { type Instance, openInstance, openProxy, type OwnRedis, createPostgres, createSqlite, startRedis, type TestDatabase, until } from './cache.fixtures.ts';

describe('two instances on one PostgreSQL', () => {
  let database: TestDatabase;
  let redis: OwnRedis;
  const open: (Instance & { db: Database })[] = [];
  const instance = async (redisUrl: string | undefined, databaseId = 'test') => {
    const db = database.open();
    const opened = await openInstance(db, { databaseId, redisUrl });
    open.push({ ...opened, db });
    return opened;
  };
  const closeAll = async () => {
    for (const { cache, db } of open.splice(0)) {
      await cache.close();
      await db.close();
    }
  };
  const using = (what: string, ...instances: Instance[]) => until(() => instances.every(({ cache }) => cache.state().using === what));

  beforeAll(async () => {
    [database, redis] = await Promise.all([createPostgres(), startRedis()]);
  });
  afterAll(async () => {
    await closeAll();
    await redis.stop();
    await database.drop();
  });

  /** Writes on one instance, reads on both at once, many registers side by side; how often an acknowledged version was not seen. */
  async function exercise(writer: Instance, readers: Instance[], name: string, whileRunning: () => Promise<void>) {
    let running = true;
    let stale = 0;
    let reads = 0;
    let hits = 0;
    const workers = Array.from({ length: 8 }, async (_, worker) => {
      const id = `${name}.${worker}`;
      for (let i = 0; running; i++) {
        const version = await writer.write(id, i % 2 === 0);
        for (let j = 0; j < 3; j++) {
          const seen = await Promise.all(readers.map((reader) => reader.read(id)));
          stale += seen.filter((s) => s.version < version).length;
          hits += seen.filter((s) => s.hit).length;
          reads += seen.length;
        }
      }
    });
    try {
      await whileRunning();
    } finally {
      running = false;
      await Promise.all(workers);
    }
    return { stale, reads, hits };
  }

  test('what one writes the other reads, through flushes', async () => {
    const [a, b] = [await instance(redis.url), await instance(redis.url)];
    await using('redis', a, b);
    const { stale, hits, reads } = await exercise(a, [b, a], 'flush', async () => {
      for (let i = 0; i < 60; i++) {
        await redis.client.flushall();
        await sleep(25);
      }
    });
    expect(stale).toBe(0);
    expect(hits).toBeGreaterThan(100);
    expect(reads).toBeGreaterThan(500);
    await closeAll();
  });

  test('killed with a snapshot of old values, and back: nothing old, and Redis is used again', async () => {
    const [a, b] = [await instance(redis.url), await instance(redis.url)];
    await a.write('snap');
    await b.read('snap');
    await redis.client.save();
    copyFileSync(join(redis.folder, 'dump.rdb'), join(redis.folder, 'old.rdb'));
    const { stale } = await exercise(a, [b, a], 'killed', async () => {
      for (let i = 0; i < 3; i++) {
        await a.write('snap');
        await redis.kill();
        await sleep(300);
        await a.write('snap');
        copyFileSync(join(redis.folder, 'old.rdb'), join(redis.folder, 'dump.rdb'));
        await redis.start();
        await using('redis', a, b);
        expect((await b.read('snap')).version).toBe(3 + 2 * i);
      }
    });
    expect(stale).toBe(0);
    await closeAll();
  });

  test('frozen: one slow read at most per reader, none stale, then the breaker spares everybody', async () => {
    const [a, b] = [await instance(redis.url), await instance(redis.url)];
    await using('redis', a, b);
    const { stale } = await exercise(a, [b, a], 'frozen', async () => {
      for (let i = 0; i < 2; i++) {
        redis.signal('SIGSTOP');
        await using('none', a, b);
        await sleep(400);
        redis.signal('SIGCONT');
        await using('redis', a, b);
        await sleep(100);
      }
    });
    expect(stale).toBe(0);
    for (const { cache } of [a, b]) expect(cache.stats().timeouts).toBeGreaterThanOrEqual(2);
    await closeAll();
  });

  test('frozen: after the first timeout no read waits for Redis, however long it stays so', async () => {
    const a = await instance(redis.url);
    const version = await a.write('slow');
    const timeouts = a.cache.stats().timeouts;
    redis.signal('SIGSTOP');
    try {
      expect((await Promise.all(Array.from({ length: 50 }, () => a.read('slow')))).every((s) => s.version === version)).toBe(true);
      expect(a.cache.stats().timeouts).toBe(timeouts + 1);
      const before = a.cache.stats().bypassed;
      for (let i = 0; i < 50; i++) expect((await a.read('slow')).version).toBe(version);
      expect(a.cache.stats().timeouts).toBe(timeouts + 1);
      expect(a.cache.stats().bypassed + a.cache.stats().hits - before).toBeGreaterThanOrEqual(49);
      // Alone, it comes to trust its own memory.
      await using('memory', a);
      await a.read('slow');
      expect(await a.read('slow')).toEqual({ version, hit: true });
    } finally {
      redis.signal('SIGCONT');
    }
    await using('redis', a);
    expect((await a.read('slow')).version).toBe(version);
    await closeAll();
  });

  test('one instance alone is cut off: its acknowledged writes are seen by the other, and back again', async () => {
    const proxy = await openProxy(redis.port);
    const [a, b] = [await instance(proxy.url), await instance(redis.url)];
    await using('redis', a, b);
    const both = async (writer: Instance, name: string, ms: number) => expect((await exercise(writer, [b, a], name, () => sleep(ms))).stale).toBe(0);
    await both(a, 'cut', 100);
    proxy.cut();
    await both(a, 'cut', 1_500);
    expect(a.cache.state().using).toBe('none');
    expect(b.cache.state().using).toBe('redis');
    expect(a.cache.stats().rows_written).toBeGreaterThan(0);
    expect(b.cache.stats().topics_applied).toBeGreaterThan(0);
    await both(b, 'cut', 300);
    proxy.join();
    await both(a, 'cut', 1_500);
    await using('redis', a, b);
    await both(a, 'cut', 100);
    proxy.close();
    await closeAll();
  });

  test('without Redis a lone instance uses its memory, gives it up when a second comes, and takes it again when it goes', async () => {
    const a = await instance(undefined);
    await using('memory', a);
    const version = await a.write('lone', true);
    expect(await a.read('lone')).toEqual({ version, hit: true });
    const b = await instance(undefined);
    expect(b.cache.state().using).toBe('none');
    // Written before the first one knows of the second.
    expect(await b.write('lone')).toBe(version + 1);
    expect((await a.read('lone')).version).toBe(version + 1);
    await using('none', a);
    expect((await exercise(a, [b, a], 'pair', () => sleep(300))).stale).toBe(0);
    await b.cache.close();
    await using('memory', a);
    await a.read('lone');
    expect((await a.read('lone')).hit).toBe(true);
    await closeAll();
  });

  test('an instance with Redis joins one without: the memory goes first, then Redis is trusted', async () => {
    const a = await instance(undefined);
    await using('memory', a);
    await a.write('mixed', true);
    const b = await instance(redis.url);
    await using('redis', b);
    expect(a.cache.state().using).toBe('none');
    expect((await exercise(a, [b, a], 'mixed', () => sleep(600))).stale).toBe(0);
    expect((await exercise(b, [b, a], 'mixed', () => sleep(300))).stale).toBe(0);
    await closeAll();
  });

  test('what was written while Redis was not configured is not old when it is again', async () => {
    const first = await instance(redis.url, 'config');
    await using('redis', first);
    await first.write('config', true);
    expect((await first.read('config')).hit).toBe(true);
    await closeAll();
    const without = await instance(undefined, 'config');
    await without.write('config');
    await closeAll();
    const again = await instance(redis.url, 'config');
    await using('redis', again);
    expect((await again.read('config')).version).toBe(2);
    await closeAll();
  });

  test('limits admit exactly so many over both instances', async () => {
    const [a, b] = [await instance(redis.url), await instance(redis.url)];
    await using('redis', a, b);
    const ask = [
      { key: 'ip', limit: 1_000 },
      { key: 'user', limit: 100 },
    ];
    const results = await Promise.all(Array.from({ length: 600 }, (_, i) => (i % 2 ? a : b).cache.limit(ask, 60)));
    expect(results.filter((r) => r.allowed)).toHaveLength(100);
    expect(results.filter((r) => !r.allowed).every((r) => r.retryAfterSeconds >= 1 && r.retryAfterSeconds <= 60)).toBe(true);
    await redis.kill();
    const local = await Promise.all(Array.from({ length: 300 }, () => a.cache.limit(ask, 60)));
    expect(local.filter((r) => r.allowed)).toHaveLength(100);
    await redis.start();
    await closeAll();
  });
});

describe('one instance on SQLite', () => {
  test('memory and Redis in turn, while Redis comes and goes: never an old value', async () => {
    const { db, drop } = await createSqlite();
    const redis = await startRedis();
    const a = await openInstance(db, { databaseId: 'sqlite', redisUrl: redis.url });
    let stale = 0;
    let hits = 0;
    let running = true;
    const work = Array.from({ length: 4 }, async (_, worker) => {
      for (let i = 0; running; i++) {
        const version = await a.write(`r${worker}`, i % 2 === 0);
        for (let j = 0; j < 4; j++) {
          const seen = await a.read(`r${worker}`);
          if (seen.version < version) stale++;
          if (seen.hit) hits++;
        }
        // With everything in this process nothing else would ever get its turn.
        await nextTurn();
      }
    });
    try {
      for (let i = 0; i < 3; i++) {
        await until(() => a.cache.state().using === 'redis');
        await sleep(50);
        await redis.kill();
        await until(() => a.cache.state().using === 'memory');
        await sleep(50);
        await redis.start();
      }
    } finally {
      running = false;
      await Promise.all(work);
    }
    expect(stale).toBe(0);
    expect(hits).toBeGreaterThan(100);
    await a.cache.close();
    await redis.stop();
    await drop();
  });
});

test('a database that cannot be reached does not keep the cache from opening; nothing is trusted then', async () => {
  const redis = await startRedis();
  const db = openPostgres({ url: 'postgres://nobody@127.0.0.1:1/nowhere', poolMax: 1, applicationName: 'test', onError: () => undefined });
  const failures: CacheEvent[] = [];
  const a = await openInstance(db, { databaseId: 'x', redisUrl: redis.url, onEvent: (event) => failures.push(event) });
  expect(a.cache.state().using).toBe('none');
  await expect(a.read('r')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await until(() => failures.some((event) => event.type === 'follow_failed'));
  await a.cache.close();
  await redis.stop();
  await db.close();
});
