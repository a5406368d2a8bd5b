/**
 * The read path: look, and on a miss load once and store under a lease.
 *
 * Readers of one key share a load ("flight"), but never an old one: who joined before the load began may have its value,
 * who joined later only if the value was accepted by the driver, which proves that no write was acknowledged since the lease.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { CacheDriver, Leased, Stored } from './driver.ts';
import type { CacheStats } from './stats.ts';

/** An entry: where it lies, what it is made of, how long it lives, and how it is made when missing. */
export interface CachedRead {
  key: string;
  /** `person:ID`, `catalog`, `settings`, `conversation:ID`, …: what it is made of; a write to any of them makes it unfound. */
  topics: readonly string[];
  ttlSeconds: number;
  /** Reads the primary database and answers what becomes JSON; undefined is passed on and not stored. Starts after the call. */
  load: () => Promise<unknown>;
}

/** Ready JSON bytes; not to be changed. */
export interface CachedBody {
  body: Buffer;
  hit: boolean;
}

export interface ReadOptions {
  stats: CacheStats;
  clock: Clock;
  /** The driver that may be trusted at this moment, if any. */
  trusted: () => CacheDriver | undefined;
  /** Milliseconds a miss waits for another instance's load before it loads for itself. */
  waitMs: number;
  maxTtlSeconds: number;
}

/** How a flight ended. `proven`: the value was current when the flight landed, so even the latest joiner may have it. */
interface Landing {
  body: Buffer | undefined;
  proven: boolean;
}

interface Flight {
  landing: Promise<Landing>;
  loading: boolean;
}

export function createReader({ stats, clock, trusted, waitMs, maxTtlSeconds }: ReadOptions) {
  const flights = new Map<string, Flight>();
  const renewing = new Set<string>();

  const load = async (entry: CachedRead): Promise<Buffer | undefined> => {
    stats.loads++;
    try {
      const value = await entry.load();
      return value === undefined ? undefined : jsonBytes(value);
    } catch (error) {
      stats.load_errors++;
      throw error;
    }
  };

  /** Loads and stores under a lease already taken. */
  const fill = async (driver: CacheDriver, entry: CachedRead, leased: Leased & { kind: 'lease' }): Promise<Landing> => {
    let body: Buffer | undefined;
    try {
      body = await load(entry);
    } finally {
      if (body === undefined) await driver.release(leased.lease).catch(ignored);
    }
    if (body === undefined) return { body, proven: false };
    const stored = await driver.fill(leased.lease, lifetime(body, entry.ttlSeconds, maxTtlSeconds, clock)).catch(ignored);
    if (stored) stats.fills++;
    else stats.fills_refused++;
    return { body, proven: stored === true };
  };

  const fly = async (driver: CacheDriver, entry: CachedRead, flight: Flight): Promise<Landing> => {
    const patience = performance.now() + waitMs;
    for (let pause = 4; ; pause = Math.min(pause * 2, 32)) {
      const leased = await driver.lease(entry.key, entry.topics).catch(ignored);
      if (leased?.kind === 'found') return { body: leased.body, proven: true };
      if (leased?.kind === 'busy' && performance.now() < patience) {
        if (pause === 4) stats.waited++;
        await sleep(pause);
        continue;
      }
      flight.loading = true;
      if (leased?.kind === 'lease') return fill(driver, entry, leased);
      return { body: await load(entry), proven: false };
    }
  };

  const takeOff = (driver: CacheDriver, entry: CachedRead): Flight => {
    const flight = { loading: false } as Flight;
    flights.set(entry.key, flight);
    const landed = () => void (flights.get(entry.key) === flight && flights.delete(entry.key));
    flight.landing = fly(driver, entry, flight);
    flight.landing.then(landed, landed);
    return flight;
  };

  const missed = async (driver: CacheDriver, entry: CachedRead): Promise<Buffer | undefined> => {
    const present = flights.get(entry.key);
    if (!present) return (await takeOff(driver, entry).landing).body;
    stats.joined++;
    const late = present.loading;
    const landing = await present.landing.catch((error: unknown) => {
      if (!late) throw error;
    });
    if (landing && (!late || landing.proven)) return landing.body;
    // A write came between. One new flight for all who fell off the old one; whoever is late again loads alone.
    const next = flights.get(entry.key) ?? takeOff(driver, entry);
    return next.loading ? load(entry) : (await next.landing).body;
  };

  const renew = async (driver: CacheDriver, entry: CachedRead): Promise<void> => {
    if (renewing.has(entry.key)) return;
    renewing.add(entry.key);
    try {
      const leased = await driver.lease(entry.key, entry.topics, true);
      if (leased.kind !== 'lease') return;
      stats.renewals++;
      await fill(driver, entry, leased);
    } catch {
      // The entry is still good; the next reader tries again. Failed loads are counted where they fail.
    } finally {
      renewing.delete(entry.key);
    }
  };

  return async function read(entry: CachedRead): Promise<CachedBody | undefined> {
    const driver = trusted();
    let body: Buffer | undefined;
    if (driver) {
      try {
        const found = await driver.get(entry.key, entry.topics);
        if (found) {
          stats.hits++;
          if (found.refreshAt <= clock.ms()) void renew(driver, entry);
          return found;
        }
      } catch {
        stats.bypassed++;
        stats.misses++;
        body = await load(entry);
        return body && { body, hit: false };
      }
      stats.misses++;
      body = await missed(driver, entry);
    } else {
      stats.bypassed++;
      stats.misses++;
      body = await load(entry);
    }
    return body && { body, hit: false };
  };
}

/** Lives a little shorter than asked, each entry differently, so that what was filled together does not expire together. */
export function lifetime(body: Buffer, ttlSeconds: number, maxTtlSeconds: number, clock: Clock): Stored {
  const ttlMs = Math.max(1, Math.min(ttlSeconds, maxTtlSeconds) * 1000 * (0.9 + 0.1 * Math.random()));
  return { body, ttlMs, refreshAt: clock.ms() + ttlMs * (0.8 + 0.1 * Math.random()) };
}

export function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** A driver that fails has already opened the breaker; the reader goes on without it. */
function ignored(): undefined {
  return undefined;
}
