/** Clears away what has expired: idempotent deletes that any instance may run at any time, about once an hour. */
import { HOUR, MINUTE } from '../clock.ts';
import type { Log } from '../log.ts';

export interface Housekeeping {
  start(): void;
  stop(): void;
  /** Runs every task now. A failure is logged and does not stop the next. */
  run(): Promise<void>;
}

export interface HousekeepingParts {
  log: Log;
  /** By what they clear; each answers how many rows went. */
  tasks: Readonly<Record<string, () => Promise<number>>>;
}

export function createHousekeeping({ log, tasks }: HousekeepingParts): Housekeeping {
  let timer: NodeJS.Timeout | undefined;
  const later = (ms: number) => {
    timer = setTimeout(() => void run().then(() => later(HOUR * (0.75 + Math.random() / 2))), ms).unref();
  };
  async function run(): Promise<void> {
    for (const [what, task] of Object.entries(tasks)) {
      try {
        const removed = await task();
        if (removed > 0) log.info({ what, removed }, 'cleared away');
      } catch (error) {
        log.warn({ what, err: error }, 'could not clear away');
      }
    }
  }
  return {
    run,
    // Not at once: instances often start together, and starting is busy enough.
    start: () => later(MINUTE * (1 + Math.random() * 4)),
    stop: () => clearTimeout(timer),
  };
}
