/**
 * The port behind the cache. Two drivers stand beside it, Redis and memory, and pass one suite (`driver.contract.ts`).
 *
 * Every topic has a *generation*, a random token. A stored value carries the generations of its topics and counts as found
 * only while all of them are current; so invalidating is one overwrite per topic, however many entries hang on it, and no loss
 * of any single key (eviction, FLUSHALL, expiry) can bring an old value back.
 */

/** What a hit resolves to; the bytes are ready JSON and must not be changed. */
export interface Found {
  body: Buffer;
  hit: true;
  /** Epoch milliseconds after which one reader should renew the entry in the background. */
  refreshAt: number;
}

/** The right to store what is loaded from now on, unless a topic is written meanwhile. */
export interface Lease {
  key: string;
  topics: readonly string[];
  /** The holder's token followed by the generations the value will be stamped with. */
  token: string;
}

export type Leased =
  | { kind: 'lease'; lease: Lease }
  /** Somebody stored it meanwhile. */
  | { kind: 'found'; body: Buffer }
  /** Somebody else is loading it under a lease that still holds. */
  | { kind: 'busy' }
  /** A topic is being written: load, but do not store. */
  | { kind: 'closed' };

/** A value with the time it may live and the time after which it is renewed (epoch milliseconds). */
export interface Stored {
  body: Buffer;
  ttlMs: number;
  refreshAt: number;
}

export interface PrefillEntry extends Stored {
  key: string;
  topics: readonly string[];
}

/** One request against several limits at once; each key may be used `limit` times a window, which opens with its first use. */
export interface LimitAsk {
  keys: readonly { key: string; limit: number }[];
  windowMs: number;
}

export interface LimitVerdict {
  allowed: boolean;
  /** Uses left on the tightest key. */
  remaining: number;
  /** Milliseconds until the refusing window ends; 0 when allowed. */
  retryAfterMs: number;
}

export interface CacheDriver {
  readonly kind: 'redis' | 'memory';
  get(key: string, topics: readonly string[]): Promise<Found | undefined>;
  /** Asks to fill `key`. With `renew` a present value is no answer (it is being replaced before it expires). */
  lease(key: string, topics: readonly string[], renew?: boolean): Promise<Leased>;
  /** Stores under the lease; false when it was lost, or a topic was written since. Gives the lease back either way. */
  fill(lease: Lease, value: Stored): Promise<boolean>;
  /** Gives the lease back without a value. */
  release(lease: Lease): Promise<void>;
  /** Before a write: no value of these topics is found, and none is stored until `settle` with the same token, or ten seconds. */
  close(topics: readonly string[], closer: string): Promise<void>;
  /**
   * After a write, or without a close as a plain invalidation. Stores those entries whose topics all were closed by `closer`
   * and touched by nobody else since; says how many.
   */
  settle(topics: readonly string[], closer: string, entries?: readonly PrefillEntry[]): Promise<number>;
  rawGet(key: string): Promise<Buffer | undefined>;
  rawSet(key: string, value: Buffer | string, ttlMs: number): Promise<void>;
  rawDelete(key: string): Promise<void>;
  /** Counts one use on every key, or on none when one of them is used up. */
  admit(ask: LimitAsk): Promise<LimitVerdict>;
}

/** How long a writer that never came back keeps its topics closed. */
export const CLOSE_MS = 10_000;
