/** Those who want the same thing at the same moment, one after the other: who comes too late then finds it sold by a mere read. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs `fn` when those who came before with the same key are done, or when it has waited long enough. */
export type Line = <T>(key: string, fn: () => Promise<T>) => Promise<T>;

/**
 * Spares work within one instance, and decides nothing: the database does. So nobody waits longer than `patienceMs` for others, and
 * whoever holds a transaction must not stand in line, since one further ahead may wait for its rows.
 */
export function createLine(patienceMs: number): Line {
  const last = new Map<string, Promise<void>>();
  return async (key, fn) => {
    const before = last.get(key);
    const { promise: done, resolve } = Promise.withResolvers<void>();
    last.set(key, done);
    try {
      if (before) await Promise.race([before, sleep(patienceMs, undefined, { ref: false })]);
      return await fn();
    } finally {
      resolve();
      if (last.get(key) === done) last.delete(key);
    }
  };
}
