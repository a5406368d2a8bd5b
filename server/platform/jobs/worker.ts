/**
 * Claims due jobs and runs several at once. A claim is a lease with a fencing token, renewed while the job runs: when the lease ends
 * (a killed or frozen worker), another takes the job, and the first can no longer finish it.
 * Failures come back later and later, then stay dead for a person to see.
 */
import type { Clock } from '../clock.ts';
import type { Database } from '../db/database.ts';
import type { Log } from '../log.ts';
import { createClaims } from './claims.ts';
import type { JobHandler } from './jobs.ts';
import { runJob, type RunningJob } from './run-job.ts';

export interface Worker {
  start(): void;
  /** Something was enqueued: look now. However often it is called during one look, one more follows. */
  wake(): void;
  /** Runs due jobs until there are none; answers how many. For tests and for draining; not while started. */
  drain(): Promise<number>;
  /** Takes no more jobs; resolves when the running ones are done. After the grace their handlers are told to stop. */
  stop(): Promise<void>;
}

export interface WorkerParts {
  db: Database;
  handlers: readonly JobHandler[];
  clock: Clock;
  log: Log;
  /** Jobs at once. */
  slots?: number;
  pollMs?: number;
  /** How long a job stays with a worker that gives no sign of life. */
  leaseMs?: number;
  /** How long a stop waits before it tells the handlers. */
  graceMs?: number;
}

export function createWorker({ db, handlers, clock, log, slots = 4, pollMs = 1_000, leaseMs = 60_000, graceMs = 10_000 }: WorkerParts): Worker {
  const byKind = new Map(handlers.map((handler) => [handler.kind, handler]));
  const claims = createClaims(db, leaseMs);
  const active = new Set<RunningJob>();
  const rest = createRest();
  let leaving = false;
  let loop: Promise<unknown> = Promise.resolve();

  /** Takes due jobs while there is room; answers how many. */
  async function fill(): Promise<number> {
    for (let taken = 0; ; taken++) {
      if (leaving || active.size >= slots) return taken;
      const full = fullKinds(handlers, active, slots);
      // Kinds nobody knows fail at once and need no room of their own.
      if (full.length === handlers.length) return taken;
      const job = await claims.claim(full);
      if (!job) return taken;
      if (leaving) {
        await claims.giveBack(job);
        return taken;
      }
      const running = runJob({ claims, clock, log, leaseMs }, job, byKind.get(job.kind));
      active.add(running);
      void running.ended.then(() => {
        active.delete(running);
        rest.end();
      });
    }
  }

  async function drain(): Promise<number> {
    for (let count = 0; ;) {
      const taken = await fill();
      count += taken;
      if (active.size > 0) await Promise.race([...active].map(({ ended }) => ended));
      else if (taken === 0) return count;
    }
  }

  async function work(): Promise<void> {
    while (!leaving) {
      await rest.during(async () => {
        await fill().catch((error: unknown) => log.warn({ err: error }, 'the worker cannot claim jobs'));
      }, pollMs);
    }
  }

  return {
    drain,
    start() {
      leaving = false;
      loop = work();
    },
    wake: rest.end,
    async stop() {
      leaving = true;
      rest.end();
      const overdue = setTimeout(() => active.forEach((job) => job.interrupt()), graceMs).unref();
      await loop;
      await Promise.all([...active].map(({ ended }) => ended));
      clearTimeout(overdue);
    },
  };
}

/** Kinds that may take no slot now: as many run as they declare, or those that are not urgent hold their half. */
function fullKinds(handlers: readonly JobHandler[], active: ReadonlySet<RunningJob>, slots: number): string[] {
  const urgent = new Set(handlers.filter((handler) => handler.urgent).map(({ kind }) => kind));
  const running = [...active].map(({ kind }) => kind);
  const halfTaken = running.filter((kind) => !urgent.has(kind)).length >= Math.max(1, Math.floor(slots / 2));
  return handlers
    .filter(({ kind, concurrency = 1 }) => (halfTaken && !urgent.has(kind)) || running.filter((other) => other === kind).length >= concurrency)
    .map(({ kind }) => kind);
}

/** The pause between two looks, ended early by a reason to look; a reason that comes during a look is remembered. */
function createRest() {
  let due = false;
  let resume: (() => void) | undefined;
  return {
    end() {
      due = true;
      resume?.();
    },
    async during(look: () => Promise<void>, ms: number): Promise<void> {
      due = false;
      await look();
      if (due) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms).unref();
        resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      resume = undefined;
    },
  };
}
