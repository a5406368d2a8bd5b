/**
 * Small values that may be lost, and may come back old after an outage. What must be gone once it was deleted (a session)
 * belongs into `read` and `write` with a topic of its own.
 */
import type { CacheDriver } from './driver.ts';
import type { Trust } from './trust.ts';

export interface RawStore {
  get(key: string): Promise<Buffer | undefined>;
  set(key: string, value: Buffer | string, ttlSeconds: number): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Never rejects: a store that is down has nothing and keeps nothing. */
export function createRawStore(trust: Pick<Trust, 'current'>): RawStore {
  const ask = async <T>(question: (driver: CacheDriver) => Promise<T>): Promise<T | undefined> => {
    const driver = trust.current();
    if (!driver) return undefined;
    try {
      return await question(driver);
    } catch {
      return undefined;
    }
  };
  return {
    get: (key) => ask((driver) => driver.rawGet(key)),
    set: (key, value, ttlSeconds) => ask((driver) => driver.rawSet(key, value, ttlSeconds * 1000)),
    delete: (key) => ask((driver) => driver.rawDelete(key)),
  };
}
