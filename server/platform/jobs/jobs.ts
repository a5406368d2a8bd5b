/** Work for later, as rows: enqueued in the caller's transaction, so it exists exactly when its cause does. */
import type { Ctx } from '../ctx.ts';
import type { Tx } from '../db/database.ts';
import { dbNow } from '../db/dialect.ts';
import { sql } from '../db/sql.ts';
import { newId } from '../ids.ts';

export interface NewJob {
  kind: string;
  /** Ids and small facts; never texts or phones. */
  payload: object;
  /** Lower runs first; 100 when absent. */
  priority?: number;
  /** Not before; at once when absent. */
  run_at?: string;
  /** At most one job ever has it: enqueuing again answers the first one, and brings it back when it is dead. */
  dedupe_key?: string;
  max_attempts?: number;
}

export interface JobState {
  id: string;
  status: 'ready' | 'done' | 'dead';
}

/** What a kind of job does. */
export interface JobHandler {
  kind: string;
  /** Of this kind at once in one worker; 1 when absent. */
  concurrency?: number;
  /** Somebody waits for it: it may take every slot, while all kinds that are not urgent share half of them. */
  urgent?: boolean;
  /** May be called again after a crash, so it must be safe to repeat; what it returns is kept as the result. */
  run(ctx: Ctx, payload: Record<string, unknown>, running: JobRunning): Promise<object | undefined>;
}

export interface JobRunning {
  /** Aborted when another worker may have the job by now, or when this one must leave: stop, what comes of it may count for nothing. */
  signal: AbortSignal;
}

export interface Jobs {
  /** Writes the job in the caller's transaction. Once that is committed, this process's worker looks at once; other instances find it by their poll. */
  enqueue(tx: Tx, job: NewJob): Promise<JobState>;
  /** Calls `listener` after each commit that enqueued something. */
  onEnqueued(listener: () => void): void;
}

export function createJobs(): Jobs {
  const listeners: (() => void)[] = [];
  return {
    async enqueue(tx, job) {
      const state = await insertJob(tx, job);
      if (state.status === 'ready') tx.afterCommit(() => listeners.forEach((listener) => listener()));
      return state;
    },
    onEnqueued: (listener) => void listeners.push(listener),
  };
}

async function insertJob(tx: Tx, job: NewJob): Promise<JobState> {
  const id = newId();
  const inserted = await tx.first<JobState>(sql`
    insert into jobs (id, kind, payload, priority, run_at, max_attempts, dedupe_key, created_at)
    values (${id}, ${job.kind}, ${job.payload}, ${job.priority ?? 100}, ${job.run_at ?? dbNow}, ${job.max_attempts ?? 8}, ${job.dedupe_key}, ${dbNow})
    on conflict (dedupe_key) do update set status = 'ready', attempts = 0, run_at = excluded.run_at, finished_at = null
      where jobs.status = 'dead'
    returning id, status`);
  if (inserted) return inserted;
  const first = await tx.first<JobState>(sql`select id, status from jobs where dedupe_key = ${job.dedupe_key}`);
  if (!first) throw new Error(`job ${job.kind} was neither inserted nor found by its dedupe key`);
  return first;
}
