/**
 * A change of a tutor as the service makes it (one row changed, its audit row, the cache closed and settled), beside pgbench
 * doing the same change as BEGIN, UPDATE, INSERT, COMMIT.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCustomers } from '../server/modules/customers/index.ts';
import { updateStatement, writtenTutor } from '../server/modules/customers/tutors.repository.ts';
import { auditOfWritten } from '../server/platform/audit.ts';
import { openCache } from '../server/platform/cache/cache.ts';
import { systemClock } from '../server/platform/clock.ts';
import { systemCtx } from '../server/platform/ctx.ts';
import { databaseIdentity } from '../server/platform/db/identity.ts';
import { migrate, readMigrations } from '../server/platform/db/migrate.ts';
import { openPostgres } from '../server/platform/db/postgres.ts';
import { sql } from '../server/platform/db/sql.ts';
import { newId } from '../server/platform/ids.ts';
import { createJobs } from '../server/platform/jobs/jobs.ts';
import { createWriter } from '../server/platform/write.ts';
import { alternate, type Benchmark, cpuMicros, cpuMicrosOf, median, ratio, ratioRow } from './harness.ts';
import { makeDatabase, REDIS_URL } from './place.ts';

const TUTORS = 2_000;
const SECONDS = 5;
const IN_FLIGHT = 32;
const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

export const write: Benchmark = {
  name: 'write',
  async run({ rounds }) {
    const stage = await setUp();
    const folder = mkdtempSync(join(tmpdir(), 'caramelo-bench-'));
    const script = join(folder, 'write.sql');
    writeFileSync(script, PGBENCH);
    const cpu = { pgbench: [] as number[], ours: [] as number[], statement: [] as number[] };
    /** Runs one contender for a while; answers changes a second and keeps the CPU a change of everything that worked for it. */
    const measured = (who: keyof typeof cpu, work: () => Promise<number>) => async () => {
      const before = total();
      const done = await work();
      cpu[who].push((total() - before) / done);
      return done / SECONDS;
    };
    try {
      const audited = await countAudit(stage.db);
      const rates = await alternate(rounds, {
        pgbench: measured('pgbench', () => runPgbench(stage.url, script)),
        ours: measured('ours', () => inFlight((id, n) => change(stage, id, n))),
        statement: measured('statement', () => inFlight((id, n) => changeByStatement(stage, id, n))),
      });
      if ((await countAudit(stage.db)) === audited) throw new Error('nothing was audited');
      const trips = await stage.count(() => change(stage, idOf(1), 0));
      const medians = (all: Record<keyof typeof cpu, number[]>) => [all.pgbench, all.ours, all.statement].map((each) => median(each).toFixed(0)).join(', ');
      return [
        { what: `changes a second: pgbench -c8, ours with ${IN_FLIGHT} in flight, its statement alone`, figure: medians(rates), goal: '-', reached: null },
        ratioRow('PATCH of a tutor through the service over pgbench', ratio(rates.ours, rates.pgbench), 0.95, 'atLeast'),
        {
          ...ratioRow('its statement alone through our driver, without the cache', ratio(rates.statement, rates.pgbench), 1, 'atLeast'),
          goal: '-',
          reached: null,
        },
        { what: 'CPU µs a change, all processes: pgbench, ours, its statement alone', figure: medians(cpu), goal: '-', reached: null },
        { what: 'database round trips a change', figure: String(trips), goal: '≤ 2', reached: trips <= 2 },
      ];
    } finally {
      await stage.close();
      rmSync(folder, { recursive: true });
    }
  },
};

type Stage = Awaited<ReturnType<typeof setUp>>;

/** A migrated database with tutors in it, and the service on it as the server makes it. */
async function setUp() {
  const place = await makeDatabase('write');
  let statements = 0;
  const db = openPostgres({ url: place.url, poolMax: 10, applicationName: 'caramelo bench', onError: () => undefined, onStatement: () => void statements++ });
  await migrate(db, readMigrations(join(import.meta.dirname, '../migrations'), 'postgresql'));
  await db.run(sql`
    insert into user_profiles (id, phone_number, created_at, updated_at)
    select '00000000-0000-7000-8000-' || lpad(n::text, 12, '0'), '+55119' || (70000000 + n), now(), now() from generate_series(1, ${TUTORS}) n`);
  await db.run(sql`
    insert into tutors (id, name, search_name, created_at, updated_at)
    select id, 'Maria Aparecida', 'maria aparecida', now(), now() from user_profiles`);
  const cache = await openCache({
    db,
    clock: systemClock,
    redisUrl: REDIS_URL,
    databaseId: await databaseIdentity(db),
    instanceId: newId(),
    instanceName: 'bench',
  });
  const { tutors } = createCustomers({
    db,
    cache,
    writer: createWriter({ db, cache }),
    jobs: createJobs(),
    profileTtl: 3_600,
    today: () => Promise.resolve('2027-01-01'),
    faces: () => [],
  });
  return {
    db,
    tutors,
    url: place.url,
    async count(work: () => Promise<void>): Promise<number> {
      statements = 0;
      await work();
      return statements;
    },
    async close() {
      await cache.close();
      await db.close();
      await place.drop();
    },
  };
}

const patchOf = (n: number) => ({ notes: `Prefere a tarde ${n}`, email: 'maria@exemplo.com.br' });

async function change({ tutors }: Stage, id: string, n: number): Promise<void> {
  const row = await tutors.update(systemCtx(systemClock.now(), 'bench'), id, patchOf(n));
  if (row.id !== id) throw new Error('another row came back');
}

/** What the database is asked for, with nothing of the cache around it. */
async function changeByStatement({ db }: Stage, id: string, n: number): Promise<void> {
  const entry = { action: 'updated', entity: 'tutor', entity_id: id, person_id: id, changes: patchOf(n) };
  const rows = await db.fused({
    write: updateStatement(id, patchOf(n), undefined),
    answer: writtenTutor(id),
    after: [auditOfWritten(systemCtx(systemClock.now(), 'bench'), entry)],
  });
  if (rows.length !== 1) throw new Error('no row came back');
}

async function inFlight(work: (id: string, n: number) => Promise<void>): Promise<number> {
  const ends = performance.now() + SECONDS * 1_000;
  let done = 0;
  const loop = async () => {
    while (performance.now() < ends) await work(idOf(1 + Math.floor(Math.random() * TUTORS)), done++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  return done;
}

/** CPU of this process (with pgbench, once it ended), PostgreSQL and Redis. */
function total(): number {
  return cpuMicros(process.pid) + cpuMicrosOf((line) => /(^|\/)postgres\b|redis-server/.test(line));
}

async function countAudit(db: { first<T>(query: ReturnType<typeof sql>): Promise<T | undefined> }): Promise<number> {
  return (await db.first<{ n: number }>(sql`select count(*) as n from audit_log`))!.n;
}

const PGBENCH = `\\set n random(1, ${TUTORS})
begin;
update tutors set email = 'maria@exemplo.com.br', notes = 'Prefere a tarde', version = version + 1, updated_at = clock_timestamp() where id = '00000000-0000-7000-8000-' || lpad(:n::text, 12, '0');
insert into audit_log (id, at, actor_kind, actor_id, action, entity, entity_id, person_id, changes, trace)
values (gen_random_uuid()::text, clock_timestamp(), 'system', null, 'updated', 'tutor', '00000000-0000-7000-8000-' || lpad(:n::text, 12, '0'), '00000000-0000-7000-8000-' || lpad(:n::text, 12, '0'), '{"notes":"Prefere a tarde","email":"maria@exemplo.com.br"}', 'bench');
commit;
`;

/** Answers how many transactions it did. */
async function runPgbench(url: string, script: string): Promise<number> {
  const child = spawn('pgbench', ['-n', '-M', 'prepared', '-c', '8', '-j', '1', '-T', String(SECONDS), '-f', script, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const [status] = (await once(child, 'exit')) as [number];
  const count = Number(/actually processed: (\d+)/.exec(text)?.[1]);
  if (status !== 0 || !(count > 0)) throw new Error(`pgbench failed: ${text}`);
  return count;
}
