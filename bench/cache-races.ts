/**
 * What a cache may never do, counted: serve an old value. Two instances over HTTP, one PostgreSQL, a Redis of our own that is flushed,
 * frozen and killed meanwhile; a third instance that loses Redis alone; and how many loads a burst of misses costs.
 */
import { startRedis, until } from '../server/platform/cache/cache.fixtures.ts';
import { openPostgres } from '../server/platform/db/postgres.ts';
import type { Benchmark, Row } from './harness.ts';
import { cutOff } from './cache-races/cut-off.ts';
import { lateFills } from './cache-races/late-fills.ts';
import { readAfterWrite } from './cache-races/read-after-write.ts';
import { stampede } from './cache-races/stampede.ts';
import type { Scene } from './cache-races/scene.ts';
import { type Instance, startInstance } from './instance.ts';
import { insertTutors, tutorIdOf } from './people.ts';
import { makeDatabase } from './place.ts';
import { openWire } from './wire.ts';

export const cacheRaces: Benchmark = {
  name: 'cache-races',
  async run({ small }) {
    const place = await makeDatabase('races');
    const redis = await startRedis();
    const port = Number(new URL(place.url).port || 5432);
    const wires = { a: await openWire(port), b: await openWire(port), redis: await openWire(redis.port) };
    const instances: Instance[] = [];
    const start = async (databaseUrl: string, redisUrl: string) => {
      const instance = await startInstance({ DATABASE_URL: databaseUrl, DATABASE_POOL_MAX: '20', REDIS_URL: redisUrl });
      instances.push(instance);
      await until(async () => (await instance.metric('cache_using_redis')) === 1);
      return instance;
    };
    try {
      const [a, b] = [await start(wires.a.by(place.url), redis.url), await start(wires.b.by(place.url), redis.url)];
      const size = small ? 200 : 10_000;
      const freshIds = await people(place.url, size * 3 + 4_000);
      const scene: Scene = { a, b, redis, wires, freshIds, faultsEveryMs: small ? 250 : 2_000 };
      const rows: Row[] = [];
      rows.push(...(await lateFills(scene, size)));
      rows.push(...(await readAfterWrite(scene, size)));
      rows.push(...(await stampede(scene, small ? 2 : 20)));
      const c = await start(place.url, wires.redis.by(redis.url));
      rows.push(...(await cutOff(scene, c, small ? 16 : 200)));
      return rows;
    } finally {
      for (const wire of Object.values(wires)) wire.release();
      await Promise.all(instances.map((instance) => instance.stop()));
      for (const wire of Object.values(wires)) wire.close();
      await redis.stop();
      await place.drop();
    }
  },
};

/** Makes tutors and hands each out once. */
async function people(databaseUrl: string, count: number): Promise<(many: number) => string[]> {
  const db = openPostgres({ url: databaseUrl, poolMax: 1, applicationName: 'caramelo bench', onError: console.error });
  await insertTutors(db, count);
  await db.close();
  let used = 0;
  return (many) => {
    if (used + many > count) throw new Error('no tutors left');
    return Array.from({ length: many }, () => tutorIdOf(++used));
  };
}
