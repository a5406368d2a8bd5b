/**
 * Claims due jobs and runs them. A claim is a lease with a fencing token: when the lease ends (a killed or frozen worker),
 * another takes the job, and the first can no longer finish it. Failures come back later and later, then stay dead for a person to see.
 */
import type { Clock } from '../clock.ts';
import { systemCtx } from '../ctx.ts';
import type { Database } from '../db/database.ts';
import { dbNow, dbNowPlus, skipLocked } from '../db/dialect.ts';
import { sql } from '../db/sql.ts';
import { newSecret } from '../ids.ts';
import { describeError, type Log } from '../log.ts';
import type { JobHandler } from './jobs.ts';

export interface Worker {
  start(): void;
  /** Something was enqueued: look now. */
  wake(): void;
  /** Runs due jobs until there are none; answers how many. For tests and for draining. */
  drain(): Promise<number>;
  /** Takes no more jobs; resolves when the running one is done. */
  stop(): Promise<void>;
}

export interface WorkerParts {
  db: Database;
  handlers: readonly JobHandler[];
  clock: Clock;
  log: Log;
  pollMs?: number;
}

interface Claimed {
  id: string;
  kind: string;
  payload: Record<string, unknown>;
  attempts: number;
  max_attempts: number;
}

const LEASE_SECONDS = 60;

export function createWorker({ db, handlers, clock, log, pollMs = 1_000 }: WorkerParts): Worker {
  const byKind = new Map(handlers.map((handler) => [handler.kind, handler]));
  let running: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;
  let leaving = false;
  /** Somebody enqueued while we were busy: the job may have come after our last look. */
  let woken = false;

  async function claim(): Promise<{ job: Claimed; token: string } | undefined> {
    const token = newSecret();
    const job = await db.first<Claimed>(sql`
      update jobs set locked_until = ${dbNowPlus(LEASE_SECONDS)}, lock_token = ${token}, attempts = attempts + 1
      where id = (
        select id from jobs where status = 'ready' and run_at <= ${dbNow} and (locked_until is null or locked_until < ${dbNow})
        order by priority, run_at limit 1 ${skipLocked})
      returning id, kind, payload, attempts, max_attempts`);
    return job && { job, token };
  }

  async function runOne(): Promise<boolean> {
    const claimed = await claim();
    if (!claimed) return false;
    const { job, token } = claimed;
    try {
      const handler = byKind.get(job.kind);
      if (!handler) throw new Error(`no handler for jobs of kind ${job.kind}`);
      // Each attempt before ended with its process: one that takes everybody down is not tried for ever.
      if (job.attempts > job.max_attempts) throw new Error('its workers died while they ran it');
      const result = await handler.run(systemCtx(clock.now(), `job:${job.id}`), job.payload);
      await db.run(
        sql`update jobs set status = 'done', result = ${result}, finished_at = ${dbNow}, locked_until = null, last_error = null where id = ${job.id} and lock_token = ${token}`,
      );
    } catch (error) {
      await fail(job, token, error as Error);
    }
    return true;
  }

  async function fail(job: Claimed, token: string, error: Error): Promise<void> {
    const dead = job.attempts >= job.max_attempts;
    log[dead ? 'error' : 'warn']({ job: job.id, kind: job.kind, attempt: job.attempts, err: error }, dead ? 'job is dead' : 'job failed, will be tried again');
    const delay = Math.min(3_600, 2 ** job.attempts) * (0.5 + Math.random());
    const described = (describeError(error) as { message?: string }).message ?? 'unknown';
    await db.run(sql`
      update jobs set status = ${dead ? 'dead' : 'ready'}, run_at = ${dbNowPlus(delay)}, locked_until = null, last_error = ${described.slice(0, 500)},
        finished_at = ${dead ? dbNow : null}
      where id = ${job.id} and lock_token = ${token}`);
  }

  async function drain(): Promise<number> {
    let count = 0;
    while (!leaving && (await runOne())) count++;
    return count;
  }

  function tick(): void {
    timer = undefined;
    woken = false;
    running = drain()
      .catch((error: unknown) => log.warn({ err: error }, 'the worker cannot claim jobs'))
      .finally(() => {
        if (stopped) return;
        if (woken) tick();
        else timer = setTimeout(tick, pollMs).unref();
      });
  }

  return {
    drain,
    start() {
      stopped = false;
      leaving = false;
      tick();
    },
    wake() {
      woken = true;
      if (stopped || timer === undefined) return;
      clearTimeout(timer);
      tick();
    },
    async stop() {
      stopped = true;
      leaving = true;
      clearTimeout(timer);
      await running;
    },
  };
}
