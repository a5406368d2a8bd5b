/** The cache in this process: bounded, for a lone instance without Redis. Same contract, same generations. */
import { CLOSE_MS, type CacheDriver } from './driver.ts';
import { createLru } from './lru.ts';
import { GENERATION } from './stamp.ts';

export interface MemoryDriverOptions {
  maxEntries: number;
  maxBytes: number;
  leaseMs: number;
  token: () => string;
  /** Milliseconds on a clock that never steps back. */
  monotonic: () => number;
}

export interface MemoryDriver extends CacheDriver {
  /** Forgets all entries, leases and raw values; counters of limits stay. */
  clear(): void;
  usage(): { entries: number; bytes: number };
}

interface Entry {
  body: Buffer;
  generations: string;
  expires: number;
  refreshAt: number;
}

/** What an entry costs besides its bytes, roughly: key, header, map slot. */
const OVERHEAD = 200;

export function createMemoryDriver({ maxEntries, maxBytes, leaseMs, token, monotonic }: MemoryDriverOptions): MemoryDriver {
  const entries = createLru<Entry>(maxEntries, maxBytes);
  const raw = createLru<{ value: Buffer; expires: number }>(maxEntries, maxBytes);
  const counters = createLru<{ used: number; expires: number }>(100_000);
  // All three may forget: a lost generation or lease is a miss, never an old value.
  const generations = createLru<string>(2 * maxEntries);
  const leases = createLru<{ token: string; expires: number }>(maxEntries);
  const closed = new Map<string, Map<string, number>>();

  const current = (topics: readonly string[]) => topics.map((topic) => generations.get(topic) ?? '').join('');
  const alive = (key: string, topics: readonly string[]): Entry | undefined => {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expires > monotonic() && entry.generations.length === topics.length * GENERATION && entry.generations === current(topics)) return entry;
    entries.delete(key);
    return undefined;
  };
  const isClosed = (topic: string): boolean => {
    const holders = closed.get(topic);
    if (holders === undefined) return false;
    for (const [holder, until] of holders) if (until <= monotonic()) holders.delete(holder);
    if (holders.size === 0) closed.delete(topic);
    return holders.size > 0;
  };
  const put = (key: string, value: { body: Buffer; ttlMs: number; refreshAt: number }, stamps: string) =>
    entries.set(
      key,
      { body: value.body, generations: stamps, expires: monotonic() + value.ttlMs, refreshAt: value.refreshAt },
      value.body.length + key.length + stamps.length + OVERHEAD,
    );

  return {
    kind: 'memory',
    async get(key, topics) {
      const entry = alive(key, topics);
      return entry && { body: entry.body, hit: true, refreshAt: entry.refreshAt };
    },
    async lease(key, topics, renew = false) {
      if (topics.some(isClosed)) return { kind: 'closed' };
      const mine = token();
      for (const topic of topics) if (generations.get(topic) === undefined) generations.set(topic, `${mine}l`);
      const found = renew ? undefined : alive(key, topics);
      if (found) return { kind: 'found', body: found.body };
      const now = current(topics);
      const out = leases.get(key);
      if (out && out.expires > monotonic() && out.token.slice(GENERATION - 1) === now) return { kind: 'busy' };
      leases.set(key, { token: mine + now, expires: monotonic() + leaseMs });
      return { kind: 'lease', lease: { key, topics, token: mine + now } };
    },
    async fill(lease, value) {
      const out = leases.get(lease.key);
      if (out?.token !== lease.token) return false;
      leases.delete(lease.key);
      const stamps = lease.token.slice(GENERATION - 1);
      if (out.expires <= monotonic() || stamps !== current(lease.topics)) return false;
      put(lease.key, value, stamps);
      return true;
    },
    async release(lease) {
      if (leases.get(lease.key)?.token === lease.token) leases.delete(lease.key);
    },
    async close(topics, closer) {
      for (const topic of topics) {
        generations.set(topic, `${closer}c`);
        isClosed(topic);
        closed.set(topic, (closed.get(topic) ?? new Map<string, number>()).set(closer, monotonic() + CLOSE_MS));
      }
    },
    async settle(topics, closer, prefill = []) {
      const mine = new Set<string>();
      for (const topic of topics) {
        closed.get(topic)?.delete(closer);
        const alone = !isClosed(topic);
        if (alone && generations.get(topic) === `${closer}c`) mine.add(topic);
        generations.set(topic, `${closer}s`);
      }
      const fit = prefill.filter((entry) => entry.topics.every((topic) => mine.has(topic)));
      for (const entry of fit) put(entry.key, entry, `${closer}s`.repeat(entry.topics.length));
      return fit.length;
    },
    async rawGet(key) {
      const kept = raw.get(key);
      if (kept && kept.expires > monotonic()) return kept.value;
      raw.delete(key);
      return undefined;
    },
    async rawSet(key, value, ttlMs) {
      const bytes = Buffer.from(value as string);
      raw.set(key, { value: bytes, expires: monotonic() + ttlMs }, bytes.length + key.length + OVERHEAD);
    },
    async rawDelete(key) {
      raw.delete(key);
    },
    async admit({ keys, windowMs }) {
      const now = monotonic();
      let remaining = Number.MAX_SAFE_INTEGER;
      let retryAfterMs = 0;
      for (const { key, limit } of keys) {
        const counter = counters.get(key);
        const used = counter && counter.expires > now ? counter.used : 0;
        remaining = Math.min(remaining, limit - used - 1);
        if (used >= limit) retryAfterMs = Math.max(retryAfterMs, counter ? counter.expires - now : windowMs);
      }
      if (remaining < 0) return { allowed: false, remaining: 0, retryAfterMs };
      for (const { key } of keys) {
        const counter = counters.get(key);
        if (counter && counter.expires > now) counter.used++;
        else counters.set(key, { used: 1, expires: now + windowMs });
      }
      return { allowed: true, remaining, retryAfterMs: 0 };
    },
    clear() {
      entries.clear();
      raw.clear();
      leases.clear();
      generations.clear();
    },
    usage: () => ({ entries: entries.size, bytes: entries.weight }),
  };
}
