/** What befalls Redis in the middle of a benchmark: flushed, frozen for a moment, killed and started again, in turn. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnRedis } from '../server/platform/cache/cache.fixtures.ts';

export interface RedisFaults {
  /** How often each has happened so far. */
  readonly counts: { flushed: number; frozen: number; killed: number };
  /** True when each has happened. */
  all(): boolean;
  /** Ends them; Redis runs afterwards. */
  stop(): Promise<void>;
}

const FROZEN_MS = 400;
const DEAD_MS = 200;

export function startFaults(redis: OwnRedis, everyMs: number): RedisFaults {
  const counts = { flushed: 0, frozen: 0, killed: 0 };
  const stopping = new AbortController();
  const pause = () => sleep(everyMs, undefined, { signal: stopping.signal });
  const run = async () => {
    while (!stopping.signal.aborted) {
      await pause();
      await redis.client.flushall();
      counts.flushed++;
      await pause();
      redis.signal('SIGSTOP');
      await sleep(FROZEN_MS);
      redis.signal('SIGCONT');
      counts.frozen++;
      await pause();
      await redis.kill();
      await sleep(DEAD_MS);
      await redis.start();
      counts.killed++;
    }
  };
  let failure: unknown;
  const running = run().catch((error: unknown) => {
    if (!stopping.signal.aborted) failure = error;
  });
  return {
    counts,
    all: () => counts.flushed > 0 && counts.frozen > 0 && counts.killed > 0,
    async stop() {
      stopping.abort();
      await running;
      if (failure !== undefined) throw failure instanceof Error ? failure : new Error('a fault failed');
    },
  };
}
