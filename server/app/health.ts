/** `/health*`: what works, what is in use, and whether serving is possible at all. */
import { z } from 'zod';
import { type Migration, migrationState } from '#platform/db/migrate';
import type { Database } from '#platform/db/database';
import { sql } from '#platform/db/sql';
import type { Cache } from '#platform/cache/cache';
import { unavailable } from '#platform/errors';
import { reply, type Reply } from '#platform/http/reply';
import { defineRoute, type Route, type RouteInput } from '#platform/http/route';

/** `off`: not part of this deployment, so nothing is wrong with it. */
type PartState = 'ok' | 'degraded' | 'down' | 'off';

export interface HealthReport {
  status: 'ok' | 'degraded' | 'unavailable';
  database: { state: PartState; engine: string; migrations_pending: number };
  cache: { state: PartState; using: string };
  whatsapp: { state: PartState; channels: readonly string[] };
  ai: { state: PartState; brain: string | null };
  workers: { state: PartState; jobs_ready: number | null; jobs_dead: number | null };
}

export interface HealthParts {
  db: Database;
  cache: Cache;
  migrations: readonly Migration[];
  channels: readonly string[];
  roles: readonly string[];
  version: string;
  /** True from the moment a stop was asked for. */
  draining: () => boolean;
}

/** A probe must answer long before its caller gives up, whatever the database does. */
const DEADLINE_MS = 2_000;

async function checkHealth(parts: HealthParts): Promise<HealthReport> {
  const { db, cache, migrations } = parts;
  const database = await withinDeadline(
    async () => {
      const { pending, tooNew } = await migrationState(db, migrations);
      const jobs = await db.all<{ status: string; n: number }>(sql`select status, count(*) as n from jobs where status in ('ready', 'dead') group by status`);
      return { pending: pending.length + tooNew.length, jobs };
    },
    () => undefined,
  );
  const { using, redis_configured } = cache.state();
  const count = (status: string) => (database ? (database.jobs.find((row) => row.status === status)?.n ?? 0) : null);
  const dead = count('dead');
  const report: Omit<HealthReport, 'status'> = {
    database: {
      state: database === undefined ? 'down' : database.pending > 0 ? 'degraded' : 'ok',
      engine: db.engine,
      migrations_pending: database?.pending ?? 0,
    },
    cache: { state: redis_configured && using !== 'redis' ? 'degraded' : 'ok', using },
    whatsapp: { state: 'off', channels: parts.channels },
    ai: { state: 'off', brain: null },
    workers: { state: dead === null ? 'down' : dead > 0 ? 'degraded' : 'ok', jobs_ready: count('ready'), jobs_dead: dead },
  };
  const serving = database !== undefined && database.pending === 0;
  const fine = [report.cache, report.workers, report.whatsapp, report.ai].every((part) => part.state === 'ok' || part.state === 'off');
  return { status: serving ? (fine ? 'ok' : 'degraded') : 'unavailable', ...report };
}

async function withinDeadline<T>(work: () => Promise<T>, onFailure: () => undefined): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, DEADLINE_MS, undefined);
  });
  try {
    return await Promise.race([work(), deadline]);
  } catch {
    return onFailure();
  } finally {
    clearTimeout(timer);
  }
}

const FRESH_MS = 250;

/** Probes that come together, or right after one another, share one look at the database. */
function sharedCheck(parts: HealthParts): () => Promise<HealthReport> {
  let last: { at: number; report: Promise<HealthReport> } | undefined;
  return () => {
    if (last === undefined || performance.now() - last.at > FRESH_MS) last = { at: performance.now(), report: checkHealth(parts) };
    return last.report;
  };
}

const response = z.object({ status: z.enum(['ok', 'degraded', 'unavailable']) }).loose();

export function healthRoutes(parts: HealthParts): Route[] {
  // Never limited: whoever uses up an address's share must not make an orchestrator think us dead.
  const open = { method: 'GET', access: 'public', limited: false, response } as const;
  const check = sharedCheck(parts);
  /** Strangers learn whether it works and what is in use; counts are for callers we know. */
  const answer = (report: HealthReport, input: RouteInput<unknown, unknown, unknown>): Reply => {
    const { status, database, cache, whatsapp, ai, workers } = report;
    const brief = {
      status,
      database: { state: database.state, engine: database.engine },
      cache: { state: cache.state, using: cache.using },
      whatsapp,
      ai,
      workers: { state: workers.state },
    };
    const shown = input.ctx.actor.kind === 'anonymous' ? brief : { ...report, roles: parts.roles, version: parts.version };
    if (status === 'unavailable') throw unavailable({ message: 'Serving is not possible now.', details: shown, retryAfter: 2 });
    return reply(shown);
  };
  return [
    defineRoute({
      ...open,
      path: '/health',
      summary: 'The state of every part, and which of each is in use',
      handle: async (input) => answer(await check(), input),
    }),
    defineRoute({ ...open, path: '/health/live', summary: 'The process answers', handle: () => Promise.resolve(reply({ status: 'ok' })) }),
    defineRoute({
      ...open,
      path: '/health/ready',
      summary: 'Requests may be sent here: the database is there and migrated, and we are not stopping',
      async handle(input) {
        if (parts.draining()) throw unavailable({ message: 'This instance is stopping.', retryAfter: 2 });
        return answer(await check(), input);
      },
    }),
  ];
}
