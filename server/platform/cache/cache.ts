/**
 * The cache as services see it. Reads look here first; writes close and settle the topics they touch. After a write resolved,
 * no reader on any instance finds what was there before. Without Redis a lone instance uses its memory, several use the database.
 */
import type { Clock } from '../clock.ts';
import type { Database, Tx } from '../db/database.ts';
import { createLimiter, type LimitResult } from './limits.ts';
import { createMemoryDriver } from './memory-driver.ts';
import { createPeers } from './peers.ts';
import { createRawStore, type RawStore } from './raw-store.ts';
import { type CachedBody, type CachedRead, createReader } from './read-through.ts';
import { createRedisDriver } from './redis-driver.ts';
import { connectRedis } from './redis-link.ts';
import { tokenSource } from './stamp.ts';
import { type CacheStats, newStats } from './stats.ts';
import { type CacheEvent, createTrust } from './trust.ts';
import { type CachedValue, createWriting, type Pending } from './write-through.ts';

export type { CachedBody, CachedRead, CachedValue, CacheEvent, CacheStats, LimitResult, Pending, RawStore };

export interface Cache {
  /** Ready JSON bytes, from the cache or from `load`; undefined when `load` gave undefined. Rejects only with what `load` throws. */
  read(entry: CachedRead): Promise<CachedBody | undefined>;
  /**
   * Runs `fn`, which commits the change. While Redis is not in use `fn` gets `pending` and must call it in its transaction.
   * Resolves when no reader can find the old value any more.
   */
  write<T>(topics: readonly string[], fn: (pending?: Pending) => Promise<T>, prefill?: (result: T) => readonly CachedValue[]): Promise<T>;
  /** The same inside a transaction that is open already; settles after its commit. */
  within<T>(tx: Tx, topics: readonly string[], fn: () => Promise<T>, prefill?: (result: T) => readonly CachedValue[]): Promise<T>;
  /** For changes already committed. */
  invalidate(topics: readonly string[]): Promise<void>;
  /** Counts one use on each key, or on none when one is used up. A window opens with a key's first use. One round trip. */
  limit(keys: readonly { key: string; limit: number }[], windowSeconds: number): Promise<LimitResult>;
  raw: RawStore;
  /** What answers now: `none` means that reads go to the database because nothing else can be trusted. */
  state(): { using: 'redis' | 'memory' | 'none'; redis_configured: boolean; memory_entries: number; memory_bytes: number };
  stats(): Readonly<CacheStats>;
  close(): Promise<void>;
}

export interface CacheOptions {
  db: Database;
  clock: Clock;
  /** Absent: no Redis. */
  redisUrl?: string | undefined;
  /** Names the database in use; entries of one database are never seen by another. Letters, digits, `-`, `_`, `.`. */
  databaseId: string;
  instanceId: string;
  instanceName: string;
  /** No entry lives longer, whatever it asks for; default 3600. */
  maxTtlSeconds?: number;
  /** Bounds of the memory cache; default 20 000 entries, 64 MiB. */
  maxEntries?: number;
  maxBytes?: number;
  /** A Redis command unanswered for this long opens the breaker; default 100. */
  deadlineMs?: number;
  /** Pause between attempts to reach Redis again, growing fourfold; default 250. */
  probeMs?: number;
  onEvent?: ((event: CacheEvent) => void) | undefined;
}

/** How long one loader holds the right to fill, and how long readers elsewhere wait for it. */
const LEASE_MS = 1_000;

/** Opens the cache; resolves when it is known what to use, or after 0.6 s: what cannot be reached is tried again and again. */
export async function openCache(options: CacheOptions): Promise<Cache> {
  const { db, clock, redisUrl, databaseId, maxTtlSeconds = 3_600 } = options;
  const stats = newStats();
  const token = tokenSource();
  const memory = createMemoryDriver({
    maxEntries: options.maxEntries ?? 20_000,
    maxBytes: options.maxBytes ?? 64 * 2 ** 20,
    leaseMs: LEASE_MS,
    token,
    monotonic: () => performance.now(),
  });
  const peers = createPeers(db, { id: options.instanceId, name: options.instanceName });
  const connect = async (url: string, onEnd: (reason: string) => void) => {
    const link = await connectRedis({ url, deadlineMs: options.deadlineMs ?? 100, connectMs: 500, onEnd });
    return { link, driver: createRedisDriver({ link, databaseId, generationMs: 2_000 * maxTtlSeconds, leaseMs: LEASE_MS, token }) };
  };
  const trust = createTrust({
    db,
    peers,
    memory,
    stats,
    token,
    onEvent: options.onEvent ?? (() => undefined),
    connect: redisUrl === undefined ? undefined : (onEnd) => connect(redisUrl, onEnd),
    probeMs: options.probeMs ?? 250,
    keepSeconds: maxTtlSeconds + 3_600,
  });
  const writing = createWriting({ db, trust, peers, stats, clock, token, instanceId: options.instanceId, maxTtlSeconds });
  await trust.start();
  return {
    ...writing,
    read: createReader({ stats, clock, trusted: trust.trusted, waitMs: LEASE_MS, maxTtlSeconds }),
    limit: createLimiter(trust, memory, stats),
    raw: createRawStore(trust),
    state: () => ({
      using: trust.current()?.kind ?? 'none',
      redis_configured: redisUrl !== undefined,
      memory_entries: memory.usage().entries,
      memory_bytes: memory.usage().bytes,
    }),
    stats: () => stats,
    close: trust.stop,
  };
}
