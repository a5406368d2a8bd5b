/** The cache in Redis, shared by all instances that reach the same one. */
import { CLOSE_MS, type CacheDriver, type Found, type LimitAsk, type LimitVerdict, type PrefillEntry } from './driver.ts';
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

interface Closing {
  topics: readonly string[];
  closer: string;
  resolve: () => void;
  reject: (error: Error) => void;
}

interface Settling {
  topics: readonly string[];
  closer: string;
  entries: readonly PrefillEntry[];
  resolve: (stored: number) => void;
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
    close: gather<Closing, [readonly string[], string], void>(
      (resolve, reject, topics, closer) => ({ topics, closer, resolve, reject }),
      (batch) => {
        const keys = batch.flatMap(({ topics }) => both(topics));
        const args = batch.flatMap(({ topics, closer }) => [closer, topics.length]);
        handOut(batch, run(closeScript, keys, [CLOSE_MS, generationMs, ...args]), () => undefined);
      },
    ),
    settle: gather<Settling, [readonly string[], string, (readonly PrefillEntry[])?], number>(
      (resolve, reject, topics, closer, entries = []) => ({
        topics,
        closer,
        entries: entries.filter((entry) => entry.topics.every((topic) => topics.includes(topic))),
        resolve,
        reject,
      }),
      (batch) => {
        const keys = batch.flatMap(({ topics, entries }) => [...both(topics), ...entries.map((entry) => prefix + entry.key)]);
        const args = batch.flatMap(({ topics, closer, entries }) => [
          closer,
          topics.length,
          entries.length,
          ...entries.flatMap((entry) => prefillArgs(entry, topics, closer)),
        ]);
        handOut(batch, run(settleScript, keys, [generationMs, ...args]), (stored, i) => (stored as number[])[i]!);
      },
    ),
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
  handOut(batch, run(admitScript, keys, args), (answer, i) => {
    const [allowed, remaining, retryAfterMs] = (answer as number[]).slice(3 * i, 3 * i + 3) as [number, number, number];
    return { allowed: allowed === 1, remaining, retryAfterMs };
  });
}

/** Gives each of a batch its part of the one answer, or all of them the failure. */
function handOut<Result>(
  batch: readonly { resolve: (result: Result) => void; reject: (error: Error) => void }[],
  answer: Promise<unknown>,
  part: (answer: unknown, i: number) => Result,
): void {
  answer.then(
    (all) => batch.forEach(({ resolve }, i) => resolve(part(all, i))),
    (error: Error) => batch.forEach(({ reject }) => reject(error)),
  );
}

/** What the settle script is told of a value: its bytes, its life, and which of the written topics it is made of. */
function prefillArgs(entry: PrefillEntry, topics: readonly string[], closer: string): (string | number | Buffer)[] {
  const places = entry.topics.map((topic) => topics.indexOf(topic) + 1);
  return [stamp(entry, `${closer}s`.repeat(places.length)), Math.ceil(entry.ttlMs), places.length, ...places];
}
