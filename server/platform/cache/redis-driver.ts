/** The cache in Redis, shared by all instances that reach the same one. */
import { CLOSE_MS, type CacheDriver, type Found, type LimitAsk, type LimitVerdict } from './driver.ts';
import type { RedisLink } from './redis-link.ts';
import { admitScript, closeScript, fillScript, leaseScript, releaseScript, type Script, settleScript } from './scripts.ts';
import { bodyOf, GENERATION, isCurrent, refreshAtOf, stamp } from './stamp.ts';

export interface RedisDriverOptions {
  link: RedisLink;
  /** Names the database in use; entries of another are never seen. */
  databaseId: string;
  /** Milliseconds a generation lives unused; longer than any entry. */
  generationMs: number;
  leaseMs: number;
  token: () => string;
}

/** Keys in one command at most; Redis answers others between commands. */
const BATCH = 128;

interface Reading {
  key: string;
  topics: readonly string[];
  resolve: (found: Found | undefined) => void;
  reject: (error: Error) => void;
}

interface Asking {
  ask: LimitAsk;
  resolve: (verdict: LimitVerdict) => void;
  reject: (error: Error) => void;
}

/**
 * Keys lie behind a prefix of the database and of the Redis process, in braces so that a cluster keeps them together:
 * after a restart everything before is out of reach, whatever snapshot was loaded.
 */
export function createRedisDriver({ link, databaseId, generationMs, leaseMs, token }: RedisDriverOptions): CacheDriver {
  const prefix = `car:{${databaseId}:${link.runId.slice(0, 8)}}:`;
  const generation = `${prefix}@g:`;
  const closers = `${prefix}@c:`;
  const leases = `${prefix}@l:`;
  const counters = `${prefix}@r:`;
  const generations = (topics: readonly string[]) => topics.map((topic) => generation + topic);
  const both = (topics: readonly string[]) => [...generations(topics), ...topics.map((topic) => closers + topic)];

  /** Any failure but a full memory means this link is not to be trusted any more. */
  const run = async (script: Script, keys: readonly string[], args: readonly (string | number | Buffer)[]) => {
    try {
      return await link.run(script, keys, args);
    } catch (error) {
      if (!isFull(error)) link.end((error as Error).message);
      throw error;
    }
  };

  return {
    kind: 'redis',
    get: gather<Reading, [string, readonly string[]], Found | undefined>(
      (resolve, reject, key, topics) => ({ key, topics, resolve, reject }),
      (batch) => readTogether(link, batch, prefix, generation),
    ),
    async lease(key, topics, renew = false) {
      const mine = token();
      const answer = await run(leaseScript, [leases + key, prefix + key, ...both(topics)], [topics.length, mine, leaseMs, generationMs, renew ? 1 : 0]);
      if (Buffer.isBuffer(answer)) return { kind: 'found', body: bodyOf(answer) };
      const [kind, current] = answer as [Buffer, Buffer?];
      if (current) return { kind: 'lease', lease: { key, topics, token: mine + current.toString('latin1') } };
      return { kind: kind.toString('latin1') === 'B' ? 'busy' : 'closed' };
    },
    async fill(lease, value) {
      const bytes = stamp(value, lease.token.slice(GENERATION - 1));
      return (
        (await run(fillScript, [leases + lease.key, prefix + lease.key, ...generations(lease.topics)], [lease.token, bytes, Math.ceil(value.ttlMs)])) === 1
      );
    },
    release: async (lease) => void (await run(releaseScript, [leases + lease.key], [lease.token])),
    close: async (topics, closer) => void (await run(closeScript, both(topics), [closer, CLOSE_MS, generationMs])),
    async settle(topics, closer, entries = []) {
      const fit = entries.filter((entry) => entry.topics.every((topic) => topics.includes(topic)));
      const args: (string | number | Buffer)[] = [topics.length, closer, generationMs];
      for (const entry of fit) {
        args.push(stamp(entry, `${closer}s`.repeat(entry.topics.length)), Math.ceil(entry.ttlMs), entry.topics.length);
        args.push(...entry.topics.map((topic) => topics.indexOf(topic) + 1));
      }
      return (await run(settleScript, [...both(topics), ...fit.map((entry) => prefix + entry.key)], args)) as number;
    },
    rawGet: async (key) => (await link.call(() => link.client.getBuffer(prefix + key))) ?? undefined,
    rawSet: async (key, value, ttlMs) => void (await link.call(() => link.client.set(prefix + key, value, 'PX', Math.ceil(ttlMs)))),
    rawDelete: async (key) => void (await link.call(() => link.client.del(prefix + key))),
    admit: gather<Asking, [LimitAsk], LimitVerdict>(
      (resolve, reject, ask) => ({ ask, resolve, reject }),
      (batch) => admitTogether(run, batch, counters),
    ),
  };
}

function isFull(error: unknown): boolean {
  return (error as Error).message.startsWith('OOM');
}

/** Collects the calls of one turn of the event loop and hands them over in batches: one command for many readers. */
function gather<Item, Args extends unknown[], Result>(
  item: (resolve: (result: Result) => void, reject: (error: Error) => void, ...args: Args) => Item,
  send: (batch: Item[]) => void,
): (...args: Args) => Promise<Result> {
  let waiting: Item[] = [];
  const flush = () => {
    const all = waiting;
    waiting = [];
    if (all.length <= BATCH) send(all);
    else for (let i = 0; i < all.length; i += BATCH) send(all.slice(i, i + BATCH));
  };
  return (...args) =>
    new Promise<Result>((resolve, reject) => {
      if (waiting.push(item(resolve, reject, ...args)) === 1) setImmediate(flush);
    });
}

function readTogether(link: RedisLink, batch: Reading[], prefix: string, generation: string): void {
  const keys: string[] = [];
  for (const { key, topics } of batch) {
    keys.push(prefix + key);
    for (const topic of topics) keys.push(generation + topic);
  }
  link
    .call(() => link.client.mgetBuffer(keys))
    .then(
      (values) => {
        let at = 0;
        for (const { topics, resolve } of batch) {
          const value = values[at];
          resolve(value && isCurrent(value, values, at + 1, topics.length) ? { body: bodyOf(value), hit: true, refreshAt: refreshAtOf(value) } : undefined);
          at += 1 + topics.length;
        }
      },
      (error: Error) => {
        link.end(error.message);
        for (const { reject } of batch) reject(error);
      },
    );
}

function admitTogether(run: (script: Script, keys: string[], args: (string | number)[]) => Promise<unknown>, batch: Asking[], counters: string): void {
  const keys: string[] = [];
  const args: (string | number)[] = [];
  for (const { ask } of batch) {
    args.push(ask.keys.length, Math.ceil(ask.windowMs));
    for (const { key, limit } of ask.keys) {
      keys.push(counters + key);
      args.push(limit);
    }
  }
  run(admitScript, keys, args).then(
    (answer) => {
      const numbers = answer as number[];
      batch.forEach(({ resolve }, i) => resolve({ allowed: numbers[3 * i] === 1, remaining: numbers[3 * i + 1]!, retryAfterMs: numbers[3 * i + 2]! }));
    },
    (error: Error) => batch.forEach(({ reject }) => reject(error)),
  );
}
