/** Runs one claimed job to its end: keeps its lease meanwhile, and notes how it went. */
import type { Clock } from '../clock.ts';
import { systemCtx } from '../ctx.ts';
import { describeError, type Log } from '../log.ts';
import type { Claimed, Claims } from './claims.ts';
import type { JobHandler } from './jobs.ts';

export interface RunnerParts {
  claims: Claims;
  clock: Clock;
  log: Log;
  leaseMs: number;
}

/** One job under way. */
export interface RunningJob {
  kind: string;
  /** Never rejects. */
  ended: Promise<void>;
  /** Tells the handler to stop; if it then fails, the job goes back untried. */
  interrupt(): void;
}

const LONGEST_DELAY_SECONDS = 3_600;

export function runJob(parts: RunnerParts, job: Claimed, handler: JobHandler | undefined): RunningJob {
  const { claims, clock, log } = parts;
  const about = { job: job.id, kind: job.kind, attempt: job.attempts };
  const abort = new AbortController();
  let interrupted = false;

  async function attempt(): Promise<void> {
    try {
      if (!handler) throw new Error(`no handler for jobs of kind ${job.kind}`);
      // Each attempt before ended with its process: one that takes everybody down is not tried for ever.
      if (job.attempts > job.max_attempts) throw new Error('its workers died while they ran it');
      const result = await handler.run(systemCtx(clock.now(), `job:${job.id}`), job.payload, { signal: abort.signal });
      if (!(await claims.finish(job, result))) log.warn(about, 'job ended after its lease was lost, its result was dropped');
    } catch (error) {
      if (interrupted) await claims.giveBack(job);
      else await fail(error);
    }
  }

  async function fail(error: unknown): Promise<void> {
    const dead = job.attempts >= job.max_attempts;
    const reason = (describeError(error) as { message?: string }).message ?? 'unknown';
    // Between half and the whole of it: jobs that failed together do not come back together, and each delay is longer than the last.
    const delaySeconds = Math.min(LONGEST_DELAY_SECONDS, 2 ** job.attempts) * (0.5 + Math.random() / 2);
    const ours = await claims.fail(job, { reason, dead, delaySeconds }).catch((cause: unknown) => {
      log.warn({ ...about, err: cause }, COULD_NOT_NOTE);
      return undefined;
    });
    if (ours === false) log.warn({ ...about, err: error }, 'job failed after its lease was lost');
    else log[dead ? 'error' : 'warn']({ ...about, err: error }, dead ? 'job is dead' : 'job failed, will be tried again');
  }

  const release = keepLease(parts, job, () => abort.abort(new Error('the lease of this job was lost')));
  return {
    kind: job.kind,
    ended: attempt()
      .catch((error: unknown) => log.warn({ ...about, err: error }, COULD_NOT_NOTE))
      .finally(release),
    interrupt() {
      interrupted = true;
      abort.abort(new Error('the worker is stopping'));
    },
  };
}

// Nothing is lost by it: its lease runs out, and it is run again.
const COULD_NOT_NOTE = 'could not note how a job ended';

/** Renews the lease three times in its length until the returned function is called; `onLost` once when somebody else may have the job. */
function keepLease({ claims, log, leaseMs }: RunnerParts, job: Claimed, onLost: () => void): () => void {
  let timer: NodeJS.Timeout;
  let ended = false;
  let renewedAt = performance.now();
  const later = () => {
    timer = setTimeout(() => void renew(), leaseMs / 3).unref();
  };
  async function renew(): Promise<void> {
    const asked = performance.now();
    const ours = await claims.renew(job).catch((error: unknown) => {
      log.warn({ job: job.id, err: error }, 'could not renew the lease of a job');
      return undefined;
    });
    if (ended) return;
    if (ours) renewedAt = asked;
    if (ours === false || performance.now() - renewedAt > leaseMs) onLost();
    else later();
  }
  later();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
