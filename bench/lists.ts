/** Pages of a million tutors: whatever its depth, a page should cost what the first costs. Beside it what OFFSET would cost. */
import { encodeCursor } from '../server/platform/http/page.ts';
import type { Database } from '../server/platform/db/database.ts';
import { openPostgres } from '../server/platform/db/postgres.ts';
import { sql } from '../server/platform/db/sql.ts';
import { alternate, type Benchmark, cpuMicros, cpuMicrosOfBackends, median, ratio, ratioRow, type Row, showRatio } from './harness.ts';
import { type Instance, KEY, startInstance } from './instance.ts';
import { load } from './load.ts';
import { changedAt, insertTutors, tutorIdOf } from './people.ts';
import { makeDatabase, REDIS_URL } from './place.ts';

const LIMIT = 25;
const CONNECTIONS = 16;

export const lists: Benchmark = {
  name: 'lists',
  async run({ rounds, small }) {
    const rows = small ? 20_000 : 1_000_000;
    const place = await makeDatabase('lists');
    const db = openPostgres({ url: place.url, poolMax: 1, applicationName: 'caramelo bench', onError: console.error, statementTimeoutMs: 0 });
    let instance: Instance | undefined;
    try {
      instance = await startInstance({ DATABASE_URL: place.url, REDIS_URL });
      const began = performance.now();
      await insertTutors(db, rows);
      const seconds = (performance.now() - began) / 1_000;
      for (const table of [sql`user_profiles`, sql`tutors`]) await db.run(sql`vacuum analyze ${table}`);
      return [
        { what: `${rows} tutors inserted by SQL, seconds`, figure: seconds.toFixed(0), goal: '< 60', reached: seconds < 60 },
        ...(await pages(instance, place.url, rows, rounds, small ? 1 : 3)),
        ...(await offsetTwin(db, rows, rounds)),
      ];
    } finally {
      await instance?.stop();
      await db.close();
      await place.drop();
    }
  },
};

/** `newest` is the list as it comes, by id downwards; `changed` the one by time of change, which copies elsewhere follow. */
function pathsOf(rows: number) {
  const newest = (after: number) => `/api/tutors?limit=${LIMIT}&cursor=${encodeCursor([tutorIdOf(after)])}`;
  const since = `/api/tutors?limit=${LIMIT}&updated_since=${changedAt(1)}`;
  const changed = (after: number) => `${since}&cursor=${encodeCursor([changedAt(after), tutorIdOf(after)])}`;
  const anywhere = () => LIMIT + 1 + Math.floor(Math.random() * (rows - 2 * LIMIT));
  const some = (path: (after: number) => string) => Array.from({ length: 2_000 }, () => path(anywhere()));
  return {
    first: [`/api/tutors?limit=${LIMIT}`],
    random: some(newest),
    deepest: [newest(LIMIT + 1)],
    changedFirst: [since],
    changedRandom: some(changed),
    changedDeepest: [changed(rows - LIMIT)],
  };
}

async function pages(instance: Instance, databaseUrl: string, rows: number, rounds: number, seconds: number): Promise<Row[]> {
  const paths = pathsOf(rows);
  await checkPages(instance, paths, rows);
  const cpu = async () => cpuMicros(instance.pid) + cpuMicrosOfBackends(databaseUrl);
  const on = (taken: readonly string[]) => async () => {
    const before = await cpu();
    const { requests } = await load({ url: instance.url, headers: { 'x-api-key': KEY }, connections: CONNECTIONS, seconds, paths: taken });
    return ((await cpu()) - before) / requests;
  };
  const cost = await alternate(rounds, {
    first: on(paths.first),
    random: on(paths.random),
    deepest: on(paths.deepest),
    changedFirst: on(paths.changedFirst),
    changedRandom: on(paths.changedRandom),
    changedDeepest: on(paths.changedDeepest),
  });
  return [
    {
      what: `CPU µs a page of ${LIMIT}, server and PostgreSQL: first, random, deepest; by change: first, random, deepest`,
      figure: Object.values(cost)
        .map((all) => median(all).toFixed(0))
        .join(', '),
      goal: '-',
      reached: null,
    },
    ratioRow('GET /api/tutors, a page at random depth over the first', ratio(cost.random, cost.first), 1.15, 'atMost'),
    ratioRow('the deepest page over the first', ratio(cost.deepest, cost.first), 1.15, 'atMost'),
    ratioRow('by updated_since, a page at random depth over the first', ratio(cost.changedRandom, cost.changedFirst), 1.15, 'atMost'),
    ratioRow('by updated_since, the deepest over the first', ratio(cost.changedDeepest, cost.changedFirst), 1.15, 'atMost'),
  ];
}

/** Each kind of page has the rows it should have. */
async function checkPages(instance: Instance, paths: ReturnType<typeof pathsOf>, rows: number): Promise<void> {
  const firstIdOn = { first: tutorIdOf(rows), deepest: tutorIdOf(LIMIT), changedFirst: tutorIdOf(1), changedDeepest: tutorIdOf(rows - LIMIT + 1) };
  for (const [kind, id] of Object.entries(firstIdOn)) {
    const page = await instance.make<{ id: string }[]>('GET', paths[kind as keyof typeof firstIdOn][0]!);
    if (page.length !== LIMIT || page[0]!.id !== id) throw new Error(`${kind}: ${page.length} rows from ${page[0]?.id}, not ${LIMIT} from ${id}`);
  }
  for (const path of [...paths.random.slice(0, 20), ...paths.changedRandom.slice(0, 20)]) {
    if ((await instance.make<unknown[]>('GET', path)).length !== LIMIT) throw new Error(`${path}: not ${LIMIT} rows`);
  }
}

/** The same deepest page in SQL alone: by key and by OFFSET. */
async function offsetTwin(db: Database, rows: number, rounds: number): Promise<Row[]> {
  const list = sql`select t.id, t.name, t.email, t.notes, t.updated_at, u.phone_number from tutors t join user_profiles u on u.id = t.id
    where t.erased_at is null and t.archived_at is null`;
  const timed = (query: ReturnType<typeof sql>, times: number) => async () => {
    const began = performance.now();
    for (let n = 0; n < times; n++) if ((await db.all(query)).length !== LIMIT) throw new Error('not a whole page');
    return (performance.now() - began) / times;
  };
  const ms = await alternate(Math.min(rounds, 3), {
    keyset: timed(sql`${list} and t.id < ${tutorIdOf(LIMIT + 1)} order by t.id desc limit ${LIMIT}`, 50),
    offset: timed(sql`${list} order by t.id desc limit ${LIMIT} offset ${rows - LIMIT}`, 1),
  });
  return [
    {
      what: `the deepest page in SQL alone, ms: by key ${median(ms.keyset).toFixed(2)}, by OFFSET ${median(ms.offset).toFixed(0)}; OFFSET over key`,
      figure: showRatio(ratio(ms.offset, ms.keyset)),
      goal: '-',
      reached: null,
    },
  ];
}
