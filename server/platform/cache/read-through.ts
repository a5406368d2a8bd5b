/**
 * The read path: look, and on a miss load once and store under a lease.
 *
 * Readers of one key share a load ("flight"), but never an old one. Who joined before the load began may have its value. Who joined
 * later may have it only if the driver accepted the fill, and if they joined before that fill was sent: acceptance proves that no write
 * was acknowledged between lease and fill, and says nothing about later ones.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { CacheDriver, Lease, Stored } from './driver.ts';
import type { CacheStats } from './stats.ts';

/** An entry: where it lies, what it is made of, how long it lives, and how it is made when missing. */
export interface CachedRead {
  key: string;
  /** `person:ID`, `catalog`, `settings`, `conversation:ID`, …: what it is made of; a write to any of them makes it unfound. */
  topics: readonly string[];
  /** Looked at after `load`, which may shorten it by what it found. */
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

/** How a flight ended: `body` may be had by all who joined before its step number `since`. */
interface Landing {
  body: Buffer | undefined;
  since: number;
}

interface Flight {
  driver: CacheDriver;
  landing: Promise<Landing>;
  /** Counts what could see the world: each question to the driver, the load, the fill. Raised just before it is sent. */
  step: number;
}

interface Turn {
  current: Promise<Buffer | undefined>;
  /** For those who came after `current` had begun. */
  next: Promise<Buffer | undefined> | undefined;
}

/** Joining this often in vain means the topic is being written all the time; then a reader loads for itself. */
const ATTEMPTS = 3;

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

  /**
   * A load without any driver, shared all the same: who comes while one runs waits for the next, which begins after they came.
   * A slow database is then asked twice for a key, however many want it.
   */
  const turns = new Map<string, Turn>();
  const startTurn = (entry: CachedRead): Promise<Buffer | undefined> => {
    const turn: Turn = { current: nextTurn().then(() => load(entry)), next: undefined };
    turns.set(entry.key, turn);
    const ended = () => void (turn.next === undefined && turns.get(entry.key) === turn && turns.delete(entry.key));
    turn.current.then(ended, ended);
    return turn.current;
  };
  const loadTogether = (entry: CachedRead): Promise<Buffer | undefined> => {
    const present = turns.get(entry.key);
    if (!present) return startTurn(entry);
    present.next ??= present.current.catch(ignored).then(() => startTurn(entry));
    return present.next;
  };

  /** Loads and stores under a lease already taken; `stored` proves the value current when the fill was sent. */
  const fill = async (driver: CacheDriver, entry: CachedRead, lease: Lease, beforeFill?: () => void) => {
    let body: Buffer | undefined;
    try {
      body = await load(entry);
    } finally {
      if (body === undefined) await driver.release(lease).catch(ignored);
    }
    if (body === undefined) return { body, stored: false };
    beforeFill?.();
    const stored = (await driver.fill(lease, lifetime(body, entry.ttlSeconds, maxTtlSeconds, clock)).catch(ignored)) === true;
    if (stored) stats.fills++;
    else stats.fills_refused++;
    return { body, stored };
  };

  const fly = async (driver: CacheDriver, entry: CachedRead, flight: Flight): Promise<Landing> => {
    const patience = performance.now() + waitMs;
    // Everybody who missed in this turn of the event loop gets on before the first step.
    await nextTurn();
    for (let pause = 4; ; pause = Math.min(pause * 2, 32)) {
      flight.step++;
      const leased = await driver.lease(entry.key, entry.topics).catch(ignored);
      if (leased?.kind === 'found') return { body: leased.body, since: flight.step };
      if (leased?.kind === 'busy' && performance.now() < patience) {
        if (pause === 4) stats.waited++;
        await sleep(pause);
        continue;
      }
      const loaded = ++flight.step;
      if (leased?.kind !== 'lease') return { body: await load(entry), since: loaded };
      const { body, stored } = await fill(driver, entry, leased.lease, () => flight.step++);
      return { body, since: stored ? flight.step : loaded };
    }
  };

  const takeOff = (driver: CacheDriver, entry: CachedRead): Flight => {
    const flight: Flight = { driver, step: 0, landing: Promise.resolve({ body: undefined, since: 0 }) };
    flights.set(entry.key, flight);
    const landed = () => void (flights.get(entry.key) === flight && flights.delete(entry.key));
    flight.landing = fly(driver, entry, flight);
    flight.landing.then(landed, landed);
    return flight;
  };

  const missed = async (driver: CacheDriver, entry: CachedRead): Promise<Buffer | undefined> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = flights.get(entry.key);
      if (present?.driver !== driver) return (await takeOff(driver, entry).landing).body;
      if (attempt === 0) stats.joined++;
      const joined = present.step;
      try {
        const landing = await present.landing;
        if (joined < landing.since) return landing.body;
      } catch (error) {
        if (joined === 0) throw error;
      }
    }
    return loadTogether(entry);
  };

  const renew = async (driver: CacheDriver, entry: CachedRead): Promise<void> => {
    if (renewing.has(entry.key)) return;
    renewing.add(entry.key);
    try {
      const leased = await driver.lease(entry.key, entry.topics, true);
      if (leased.kind !== 'lease') return;
      stats.renewals++;
      await fill(driver, entry, leased.lease);
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
        body = await loadTogether(entry);
        return body && { body, hit: false };
      }
      stats.misses++;
      body = await missed(driver, entry);
    } else {
      stats.bypassed++;
      stats.misses++;
      body = await loadTogether(entry);
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
