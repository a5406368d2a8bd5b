import { expect, test } from 'vitest';
import { newId } from '../ids.ts';
import { REDIS_URL, startRedis } from './cache.fixtures.ts';
import { driverContract } from './driver.contract.ts';
import { createMemoryDriver } from './memory-driver.ts';
import { createRedisDriver } from './redis-driver.ts';
import { connectRedis } from './redis-link.ts';
import { tokenSource } from './stamp.ts';

const memory = (bounds: { maxEntries?: number; maxBytes?: number } = {}) =>
  createMemoryDriver({ maxEntries: 10_000, maxBytes: 1e8, leaseMs: 5_000, token: tokenSource(), monotonic: () => performance.now(), ...bounds });

async function redis(url: string) {
  const link = await connectRedis({ url, deadlineMs: 5_000, connectMs: 5_000, onEnd: () => undefined });
  const driver = createRedisDriver({ link, databaseId: newId(), generationMs: 60_000, leaseMs: 5_000, token: tokenSource() });
  return { link, driver };
}

driverContract('memory', async () => {
  const driver = memory();
  return { driver, wipe: async () => driver.clear(), close: async () => undefined };
});

driverContract('redis', async () => {
  const own = await startRedis();
  const { link, driver } = await redis(own.url);
  return {
    driver,
    wipe: async () => void (await own.client.flushall()),
    async close() {
      link.end('test over');
      await own.stop();
    },
  };
});

async function fillMany(driver: ReturnType<typeof memory>, many: number, bytes: number) {
  for (let i = 0; i < many; i++) {
    const leased = await driver.lease(`k${i}`, [`t${i}`]);
    if (leased.kind === 'lease') await driver.fill(leased.lease, { body: Buffer.alloc(bytes, 'x'), ttlMs: 60_000, refreshAt: Infinity });
  }
}

test('memory holds no more entries and no more bytes than allowed, and keeps the newest', async () => {
  const few = memory({ maxEntries: 50 });
  await fillMany(few, 500, 10);
  expect(few.usage().entries).toBe(50);
  expect(await few.get('k499', ['t499'])).toBeDefined();
  expect(await few.get('k0', ['t0'])).toBeUndefined();
  const small = memory({ maxBytes: 100_000 });
  await fillMany(small, 500, 1_000);
  expect(small.usage().bytes).toBeLessThanOrEqual(100_000);
  expect(small.usage().entries).toBeGreaterThan(50);
  await fillMany(small, 1, 200_000);
  expect(small.usage().bytes).toBeLessThanOrEqual(100_000);
});

test('two databases on one Redis do not see each other', async () => {
  const [one, two] = [await redis(REDIS_URL), await redis(REDIS_URL)];
  const leased = await one.driver.lease('k', ['t']);
  if (leased.kind === 'lease') await one.driver.fill(leased.lease, { body: Buffer.from('1'), ttlMs: 5_000, refreshAt: Infinity });
  expect(await one.driver.get('k', ['t'])).toBeDefined();
  expect(await two.driver.get('k', ['t'])).toBeUndefined();
  for (const { link } of [one, two]) link.end('test over');
});

test('scripts are sent again after SCRIPT FLUSH', async () => {
  const own = await startRedis();
  const { link, driver } = await redis(own.url);
  for (let i = 0; i < 3; i++) {
    await own.client.script('FLUSH');
    await driver.close(['t'], 'closer000000000');
    await own.client.script('FLUSH');
    await driver.settle(['t'], 'closer000000000');
  }
  expect((await driver.lease('k', ['t'])).kind).toBe('lease');
  expect(link.ended).toBe(false);
  link.end('test over');
  await own.stop();
});

test('a Redis that evicts generations never brings an old value back', async () => {
  const own = await startRedis('--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-random');
  const { link, driver } = await redis(own.url);
  const token = tokenSource();
  let stale = 0;
  let hits = 0;
  for (let i = 0; i < 1_500; i++) {
    const [key, topics] = [`k${i % 20}`, [`t${i % 20}`, 'shared']];
    await driver.settle([topics[i % 2]!], token());
    const found = await driver.get(key, topics);
    if (found) stale++;
    const leased = await driver.lease(key, topics);
    if (leased.kind === 'lease') await driver.fill(leased.lease, { body: Buffer.from(String(i)), ttlMs: 60_000, refreshAt: Infinity });
    if ((await driver.get(key, topics))?.body.toString() === String(i)) hits++;
    await own.client.set(`ballast${i}`, Buffer.alloc(20_000));
  }
  expect(stale).toBe(0);
  expect(hits).toBeGreaterThan(0);
  expect((await own.client.info('stats')).match(/evicted_keys:(\d+)/)?.[1]).not.toBe('0');
  link.end('test over');
  await own.stop();
});

test('a full Redis that evicts nothing gives no leases but still hears invalidations', async () => {
  const own = await startRedis('--maxmemory-policy', 'noeviction');
  const { link, driver } = await redis(own.url);
  await own.client.set('ballast', Buffer.alloc(2_000_000));
  await own.client.config('SET', 'maxmemory', '1mb');
  await expect(own.client.set('more', '1')).rejects.toThrow('OOM');
  await expect(driver.lease('k', ['t'])).rejects.toThrow('OOM');
  await driver.close(['t'], 'closer000000000');
  await driver.settle(['t'], 'closer000000000');
  expect(link.ended).toBe(false);
  link.end('test over');
  await own.stop();
});
