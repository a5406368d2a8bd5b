/**
 * A hit of our cache layer (lease, topics, deadline and counts on) beside a bare ioredis GET of the same bytes, in one process.
 * The client of the bare GET is configured like ours; one with ioredis' defaults stands beside for information.
 */
import { Redis } from 'ioredis';
import { openCache } from '../server/platform/cache/cache.ts';
import { startRedis } from '../server/platform/cache/cache.fixtures.ts';
import { connectRedis } from '../server/platform/cache/redis-link.ts';
import { systemClock } from '../server/platform/clock.ts';
import { databaseIdentity } from '../server/platform/db/identity.ts';
import { migrate, readMigrations } from '../server/platform/db/migrate.ts';
import { openPostgres } from '../server/platform/db/postgres.ts';
import { newId } from '../server/platform/ids.ts';
import { alternate, type Benchmark, median, ratio, ratioRow, type Row, showRatio } from './harness.ts';
import { makeDatabase } from './place.ts';

const IN_FLIGHT = 64;
const KEYS = 1_000;
/** The deadline is on; a busy machine shall not end the benchmark with it. */
const DEADLINE_MS = 1_000;

/** A profile as the API stores it, about 600 bytes. */
const profile = (n: number) => ({
  id: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
  name: `Maria Aparecida dos Santos ${String(n).padStart(4, '0')}`,
  phone: '+5511970000000',
  email: 'maria.aparecida@exemplo.com.br',
  tax_id: null,
  birth_date: null,
  address: { street: 'Rua das Jabuticabeiras', number: '123', district: 'Vila Caramelo', city: 'São Paulo', state: 'SP', postal_code: '01310-100' },
  notes: 'Prefere horários de manhã; o portão fica à esquerda.',
  marketing_opt_out: false,
  archived_at: null,
  version: 1,
  created_at: '2027-02-01T12:00:00.000Z',
  updated_at: '2027-02-01T12:00:00.000Z',
});

/** Hits for a while, 64 in flight, keys in turn; how many, and the CPU microseconds of this process. Every answer's length is checked, some whole. */
async function hitsFor(seconds: number, bodies: readonly Buffer[], get: (n: number) => Promise<Buffer | null>): Promise<{ micros: number; hits: number }> {
  const before = process.cpuUsage();
  const ends = performance.now() + seconds * 1_000;
  let done = 0;
  const loop = async () => {
    while (performance.now() < ends) {
      const n = done++ % KEYS;
      const body = await get(n);
      if (body?.length !== bodies[n]!.length || (n % 50 === 0 && !body.equals(bodies[n]!))) throw new Error(`key ${n} gave something else`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  const { user, system } = process.cpuUsage(before);
  return { micros: user + system, hits: done };
}

/** CPU microseconds that Redis has used so far. */
async function cpuOfRedis(client: Redis): Promise<number> {
  const text = await client.info('cpu');
  return ['used_cpu_user', 'used_cpu_sys'].reduce((sum, name) => sum + Number(new RegExp(`^${name}:(.*)$`, 'm').exec(text)![1]) * 1e6, 0);
}

async function openOurs(databaseUrl: string, redisUrl: string) {
  const db = openPostgres({ url: databaseUrl, poolMax: 2, applicationName: 'caramelo bench', onError: console.error });
  await migrate(db, readMigrations(new URL('../migrations', import.meta.url).pathname, 'postgresql'));
  const cache = await openCache({
    db,
    clock: systemClock,
    redisUrl,
    databaseId: await databaseIdentity(db),
    instanceId: newId(),
    instanceName: 'bench',
    deadlineMs: DEADLINE_MS,
  });
  if (cache.state().using !== 'redis') throw new Error('our cache does not use Redis');
  const read = (n: number) => cache.read({ key: `user:${n}:profile`, topics: [`person:${n}`], ttlSeconds: 3_600, load: () => Promise.resolve(profile(n)) });
  return {
    read,
    /** Throws on a miss. */
    async hit(n: number) {
      const found = await read(n);
      if (!found?.hit) throw new Error(`key ${n} missed`);
      return found.body;
    },
    /** Throws when Redis was not in use all the time. */
    check() {
      if (cache.state().using !== 'redis' || cache.stats().breaker_opens > 0) throw new Error('Redis was lost meanwhile');
    },
    async close() {
      await cache.close();
      await db.close();
    },
  };
}

export const cacheLayer: Benchmark = {
  name: 'cache-layer',
  async run({ rounds, small }) {
    const seconds = small ? 0.3 : 3;
    const redis = await startRedis();
    const place = await makeDatabase('layer');
    const link = await connectRedis({ url: redis.url, deadlineMs: DEADLINE_MS, connectMs: 1_000, onEnd: () => undefined });
    const plain = new Redis(redis.url);
    let ours: Awaited<ReturnType<typeof openOurs>> | undefined;
    try {
      ours = await openOurs(place.url, redis.url);
      const { hit } = ours;
      const bodies = Array.from({ length: KEYS }, (_, n) => Buffer.from(JSON.stringify(profile(n))));
      for (const [n, body] of bodies.entries()) {
        await redis.client.set(`bare:user:${n}:profile`, body, 'EX', 3_600);
        await ours.read(n);
      }
      const get = (client: Redis) => (n: number) => client.getBuffer(`bare:user:${n}:profile`);
      const parsed = async (n: number) => {
        const body = await get(link.client)(n);
        if ((JSON.parse(body!.toString()) as { version: number }).version !== 1) throw new Error('parsed something else');
        return body;
      };
      const redisCpu: Each = { bare: [], ours: [], parsed: [], defaults: [] };
      const on = (kind: keyof Each, read: (n: number) => Promise<Buffer | null>) => async () => {
        const before = await cpuOfRedis(redis.client);
        const { micros, hits } = await hitsFor(seconds, bodies, read);
        redisCpu[kind].push(((await cpuOfRedis(redis.client)) - before) / hits);
        return micros / hits;
      };
      const cpu = await alternate(rounds, {
        bare: on('bare', get(link.client)),
        ours: on('ours', hit),
        parsed: on('parsed', parsed),
        defaults: on('defaults', get(plain)),
      });
      ours.check();
      return rowsOf(cpu, redisCpu, bodies[0]!.length);
    } finally {
      await ours?.close();
      link.end('done');
      plain.disconnect();
      await redis.stop();
      await place.drop();
    }
  },
};

type Each = Record<'bare' | 'ours' | 'parsed' | 'defaults', number[]>;

/** `onRedis` has one value more in front, of the round that is not counted. */
function rowsOf(cpu: Each, onRedis: Each, bytes: number): Row[] {
  const figures = (each: Each) => [each.bare, each.ours, each.parsed, each.defaults].map((all) => median(all).toFixed(2)).join(', ');
  const counted = (all: number[]) => all.slice(1);
  const redis: Each = { bare: counted(onRedis.bare), ours: counted(onRedis.ours), parsed: counted(onRedis.parsed), defaults: counted(onRedis.defaults) };
  return [
    {
      what: `CPU µs of the process per hit, ${IN_FLIGHT} in flight, ${bytes} bytes: bare GET, ours, bare GET + JSON.parse, bare GET with ioredis' defaults`,
      figure: figures(cpu),
      goal: '-',
      reached: null,
    },
    { what: 'CPU µs of Redis per hit, likewise', figure: figures(redis), goal: '-', reached: null },
    ratioRow('a hit of the cache layer over a bare ioredis GET, client configured alike', ratio(cpu.ours, cpu.bare), 1.05, 'atMost'),
    { what: 'the same over GET + JSON.parse', figure: showRatio(ratio(cpu.ours, cpu.parsed)), goal: '-', reached: null },
    { what: "the same over ioredis' defaults (no auto-pipelining)", figure: showRatio(ratio(cpu.ours, cpu.defaults)), goal: '-', reached: null },
  ];
}
