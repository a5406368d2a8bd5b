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
import { openCache } from '../server/platform/cache/cache.ts';
import { systemClock } from '../server/platform/clock.ts';
import { systemCtx } from '../server/platform/ctx.ts';
import { databaseIdentity } from '../server/platform/db/identity.ts';
import { migrate, readMigrations } from '../server/platform/db/migrate.ts';
import { openPostgres } from '../server/platform/db/postgres.ts';
import { sql } from '../server/platform/db/sql.ts';
import { newId } from '../server/platform/ids.ts';
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
    const place = await makeDatabase('write');
    let statements = 0;
    const db = openPostgres({ url: place.url, poolMax: 10, applicationName: 'caramelo bench', onError: () => undefined, onStatement: () => void statements++ });
    await migrate(db, readMigrations(join(import.meta.dirname, '../migrations'), 'postgresql'));
    await db.run(sql`
      insert into user_profiles (id, phone_number, created_at, updated_at)
      select '00000000-0000-7000-8000-' || lpad(n::text, 12, '0'), '+55119' || (70000000 + n), now(), now() from generate_series(1, ${TUTORS}) n`);
    await db.run(
      sql`insert into tutors (id, name, search_name, created_at, updated_at) select id, 'Maria Aparecida', 'maria aparecida', now(), now() from user_profiles`,
    );
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
      profileTtl: 3_600,
      today: () => Promise.resolve('2027-01-01'),
      faces: () => [],
    });
    const cpu: { ours: number[]; pgbench: number[] } = { ours: [], pgbench: [] };
    const servers = () => cpuMicrosOf((line) => /^postgres|redis-server/.test(line));
    const folder = mkdtempSync(join(tmpdir(), 'caramelo-bench-'));
    const script = join(folder, 'write.sql');
    writeFileSync(script, PGBENCH);

    const ours = async () => {
      const before = cpuMicros(process.pid) + (await servers());
      const ends = performance.now() + SECONDS * 1_000;
      let done = 0;
      const loop = async () => {
        while (performance.now() < ends) {
          const id = idOf(1 + Math.floor(Math.random() * TUTORS));
          const ctx = systemCtx(systemClock.now(), 'bench');
          const row = await tutors.update(ctx, id, { notes: `Prefere a tarde ${done}`, email: 'maria@exemplo.com.br' });
          if (row.id !== id) throw new Error('another row came back');
          done++;
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
      cpu.ours.push((cpuMicros(process.pid) + (await servers()) - before) / done);
      return done / SECONDS;
    };
    const pgbench = async () => {
      const before = await servers();
      const { perSecond, count } = await runPgbench(place.url, script);
      cpu.pgbench.push(((await servers()) - before) / count);
      return perSecond;
    };
    try {
      const auditBefore = await countAudit(db);
      const result = await alternate(rounds, { pgbench, ours });
      if ((await countAudit(db)) === auditBefore) throw new Error('nothing was audited');
      statements = 0;
      await tutors.update(systemCtx(systemClock.now(), 'bench'), idOf(1), { notes: 'uma ida e volta' });
      return [
        {
          what: `changes a second: pgbench -c8, ours with ${IN_FLIGHT} in flight (medians of ${rounds} rounds)`,
          figure: `${median(result.pgbench).toFixed(0)}, ${median(result.ours).toFixed(0)}`,
          goal: '-',
          reached: null,
        },
        ratioRow('PATCH of a tutor through the service over pgbench', ratio(result.ours, result.pgbench), 0.95, 'atLeast'),
        {
          what: 'CPU µs a change: pgbench (PostgreSQL alone), ours (Node, PostgreSQL, Redis)',
          figure: `${median(cpu.pgbench).toFixed(0)}, ${median(cpu.ours).toFixed(0)}`,
          goal: '-',
          reached: null,
        },
        { what: 'database round trips a change', figure: String(statements), goal: '≤ 2', reached: statements <= 2 },
      ];
    } finally {
      await cache.close();
      await db.close();
      await place.drop();
      rmSync(folder, { recursive: true });
    }
  },
};

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

async function runPgbench(url: string, script: string): Promise<{ perSecond: number; count: number }> {
  const child = spawn('pgbench', ['-n', '-M', 'prepared', '-c', '8', '-j', '1', '-T', String(SECONDS), '-f', script, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const [status] = (await once(child, 'exit')) as [number];
  const perSecond = Number(/tps = ([\d.]+)/.exec(text)?.[1]);
  const count = Number(/actually processed: (\d+)/.exec(text)?.[1]);
  if (status !== 0 || !(perSecond > 0)) throw new Error(`pgbench failed: ${text}`);
  return { perSecond, count };
}
