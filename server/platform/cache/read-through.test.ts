import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { newId } from '../ids.ts';
import { REDIS_URL } from './cache.fixtures.ts';
import type { CacheDriver } from './driver.ts';
import { createMemoryDriver } from './memory-driver.ts';
import { createReader } from './read-through.ts';
import { createRedisDriver } from './redis-driver.ts';
import { connectRedis, type RedisLink } from './redis-link.ts';
import { tokenSource } from './stamp.ts';
import { newStats } from './stats.ts';

const token = tokenSource();
const links: RedisLink[] = [];
afterAll(() => links.forEach((link) => link.end('test over')));

/** Two instances' drivers: two connections to one Redis, or, for memory, twice the same. */
const drivers: Record<string, () => Promise<[CacheDriver, CacheDriver]>> = {
  async memory() {
    const driver = createMemoryDriver({ maxEntries: 10_000, maxBytes: 1e8, leaseMs: 1_000, token, monotonic: () => performance.now() });
    return [driver, driver];
  },
  async redis() {
    const databaseId = newId();
    const open = async () => {
      const link = await connectRedis({ url: REDIS_URL, deadlineMs: 5_000, connectMs: 5_000, onEnd: () => undefined });
      links.push(link);
      return createRedisDriver({ link, databaseId, generationMs: 60_000, leaseMs: 1_000, token });
    };
    return [await open(), await open()];
  },
};

function reader(driver: CacheDriver) {
  const stats = newStats();
  return { stats, read: createReader({ stats, clock: systemClock, trusted: () => driver, waitMs: 1_000, maxTtlSeconds: 3_600 }) };
}

const number = (found: { body: Buffer } | undefined) => Number(found!.body.toString());

describe.each(Object.keys(drivers))('reading through %s', (name) => {
  const open = async () => {
    const [one, two] = await drivers[name]!();
    return { one: reader(one), two: reader(two), driver: one };
  };

  test('a miss loads and stores, a hit does neither, and both count', async () => {
    const { one } = await open();
    const entry = { key: 'k', topics: ['t'], ttlSeconds: 60, load: async () => ({ name: 'Ração' }) };
    expect(await one.read(entry)).toEqual({ body: Buffer.from('{"name":"Ração"}'), hit: false });
    expect(await one.read(entry)).toMatchObject({ body: Buffer.from('{"name":"Ração"}'), hit: true });
    expect(one.stats).toMatchObject({ hits: 1, misses: 1, loads: 1, fills: 1, fills_refused: 0 });
  });

  test('what is not there is not stored, and a load that fails fails the read and leaves nothing behind', async () => {
    const { one } = await open();
    const stands: { value?: number } = {};
    const entry = { key: 'k', topics: ['t'], ttlSeconds: 60, load: async () => stands.value };
    expect(await one.read(entry)).toBeUndefined();
    await expect(one.read({ ...entry, load: () => Promise.reject(new Error('down')) })).rejects.toThrow('down');
    stands.value = 7;
    expect(number(await one.read(entry))).toBe(7);
    expect(one.stats).toMatchObject({ loads: 3, load_errors: 1, misses: 3 });
  });

  test('1,000 simultaneous misses over two instances are one load', async () => {
    const { one, two } = await open();
    let loads = 0;
    const entry = { key: 'k', topics: ['t'], ttlSeconds: 60, load: async () => (loads++, await sleep(120), 1) };
    const found = await Promise.all(Array.from({ length: 1_000 }, (_, i) => (i % 2 ? one : two).read(entry)));
    expect(found.every((f) => number(f) === 1)).toBe(true);
    expect(loads).toBe(1);
  });

  test('a loader elsewhere that dies holds readers up for a second at most', async () => {
    const { one, driver } = await open();
    expect((await driver.lease('k', ['t'])).kind).toBe('lease');
    expect(number(await one.read({ key: 'k', topics: ['t'], ttlSeconds: 60, load: async () => 1 }))).toBe(1);
    expect((await one.read({ key: 'k', topics: ['t'], ttlSeconds: 60, load: async () => 2 }))!.hit).toBe(true);
  });

  test('a hot entry is renewed once, in the background, before it expires', async () => {
    const { one, two } = await open();
    let loads = 0;
    const entry = { key: 'k', topics: ['t'], ttlSeconds: 2, load: async () => ++loads };
    await one.read(entry);
    const end = performance.now() + 2_600;
    let missed = 0;
    while (performance.now() < end) {
      for (const { read } of [one, two]) if (!(await read(entry))!.hit) missed++;
      await sleep(5);
    }
    expect(missed).toBe(0);
    expect(loads).toBeGreaterThanOrEqual(2);
    expect(loads).toBeLessThanOrEqual(3);
  });

  test('1,000 late fills: a value read before a write never stays after it', async () => {
    const { one, two, driver } = await open();
    let stale = 0;
    for (let i = 0; i < 1_000; i++) {
      const key = `k${i}`;
      let version = 1;
      let arrived = () => {};
      const loading = new Promise<void>((resolve) => (arrived = resolve));
      let go = () => {};
      const gate = new Promise<void>((resolve) => (go = resolve));
      // Reads version 1, then stands still until the write is through.
      const slow = one.read({
        key,
        topics: [key],
        ttlSeconds: 60,
        load: async () => {
          const seen = version;
          arrived();
          await gate;
          return seen;
        },
      });
      await loading;
      const closer = token();
      await driver.close([key], closer);
      version = 2;
      await driver.settle([key], closer);
      // This one starts after the acknowledgement, on the slow reader's instance or on the other.
      const early = (i % 2 ? one : two).read({ key, topics: [key], ttlSeconds: 60, load: async () => version });
      if (i % 3 === 0) await nextTurn();
      go();
      if (number(await early) < 2) stale++;
      await slow;
      if (number(await two.read({ key, topics: [key], ttlSeconds: 60, load: async () => version })) < 2) stale++;
    }
    expect(stale).toBe(0);
  });

  test.each(['fill', 'lease'] as const)('whoever joins while the answer to a %s is on its way does not get what a write made old meanwhile', async (held) => {
    const { driver } = await open();
    let answered = () => {};
    const arrived = new Promise<void>((resolve) => (answered = resolve));
    let go = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const holdUp = async <T>(answer: T): Promise<T> => {
      answered();
      await gate;
      return answer;
    };
    let version = 1;
    const entry = { key: 'k', topics: ['t'], ttlSeconds: 60, load: async () => version };
    // The first answer is made, and then takes its time.
    let first = true;
    const slow: CacheDriver = {
      ...driver,
      get: async (...args) => (first && held === 'lease' ? undefined : driver.get(...args)),
      [held]: async (...args: never[]) => {
        const answer = await (driver[held] as (...all: never[]) => Promise<unknown>)(...args);
        if (!first) return answer;
        first = false;
        return holdUp(answer);
      },
    };
    if (held === 'lease') await reader(driver).read(entry);
    const { read } = reader(slow);
    const early = read(entry);
    await arrived;
    version = 2;
    await driver.settle(['t'], token());
    const late = read(entry);
    await sleep(5);
    go();
    expect(number(await early)).toBe(1);
    expect(number(await late)).toBe(2);
  });

  test('readers and writers in any interleaving: whoever starts after an acknowledgement sees it', async () => {
    const { one, two, driver } = await open();
    const keys = Array.from({ length: 4 }, (_, i) => ({ key: `k${i}`, committed: 0, acknowledged: 0 }));
    let stale = 0;
    let reads = 0;
    const until = performance.now() + 1_500;
    const random = (n: number) => Math.floor(Math.random() * n);
    const pause = () => (random(3) ? nextTurn() : sleep(random(3)));
    const readers = Array.from({ length: 40 }, async (_, i) => {
      while (performance.now() < until) {
        const at = keys[random(keys.length)]!;
        const least = at.acknowledged;
        const load = async () => {
          await pause();
          const seen = at.committed;
          await pause();
          return seen;
        };
        if (number(await (i % 2 ? one : two).read({ key: at.key, topics: [at.key], ttlSeconds: 60, load })) < least) stale++;
        reads++;
        if (name === 'memory') await nextTurn();
      }
    });
    const writers = Array.from({ length: 4 }, async () => {
      while (performance.now() < until) {
        const at = keys[random(keys.length)]!;
        const closer = token();
        await driver.close([at.key], closer);
        await pause();
        const mine = ++at.committed;
        await pause();
        await driver.settle(
          [at.key],
          closer,
          random(2) ? [{ key: at.key, topics: [at.key], body: Buffer.from(String(mine)), ttlMs: 60_000, refreshAt: Infinity }] : [],
        );
        at.acknowledged = Math.max(at.acknowledged, mine);
        await sleep(random(12));
      }
    });
    await Promise.all([...readers, ...writers]);
    expect(stale).toBe(0);
    expect(reads).toBeGreaterThan(1_000);
    expect(one.stats.hits).toBeGreaterThan(100);
    expect(one.stats.joined).toBeGreaterThan(0);
  });
});

test('without anything to trust every read is a load', async () => {
  const stats = newStats();
  const read = createReader({ stats, clock: systemClock, trusted: () => undefined, waitMs: 1_000, maxTtlSeconds: 3_600 });
  let loads = 0;
  for (let i = 0; i < 3; i++) await read({ key: 'k', topics: ['t'], ttlSeconds: 60, load: async () => ++loads });
  expect(stats).toMatchObject({ loads: 3, bypassed: 3, misses: 3, hits: 0 });
});
