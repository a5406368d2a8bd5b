/**
 * Whom reads may trust at this moment: Redis, this process's memory, or nobody but the database.
 *
 * Redis, after a recovery: say so in our row, apply what Redis was not told, then read from it. Memory, only while no other
 * instance is alive. Any doubt means the database. With others about, trust is a loan: it lapses a second after the last time the
 * rows of invalidations were read, so an instance that hangs cannot serve what others have changed meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { CacheDriver } from './driver.ts';
import { type InvalidationReader, purgeInvalidations, readInvalidations } from './invalidation-log.ts';
import type { MemoryDriver } from './memory-driver.ts';
import { ALIVE_MS, type CacheState, type Peers } from './peers.ts';
import type { RedisLink } from './redis-link.ts';
import type { CacheStats } from './stats.ts';

export type CacheEvent =
  | { type: 'redis_trusted'; run_id: string; applied: number }
  | { type: 'redis_lost'; reason: string }
  | { type: 'memory_trusted' }
  /** Peers or rows could not be read or written; tried again. */
  | { type: 'follow_failed'; error: Error };

export interface TrustOptions {
  db: Database;
  peers: Peers;
  memory: MemoryDriver;
  stats: CacheStats;
  onEvent: (event: CacheEvent) => void;
  token: () => string;
  /** Absent when no Redis is configured. `onEnd` is told when the link is gone. */
  connect: ((onEnd: (reason: string) => void) => Promise<{ link: RedisLink; driver: CacheDriver }>) | undefined;
  probeMs: number;
  /** How long rows are kept: longer than any entry lives. */
  keepSeconds: number;
}

export interface Trust {
  start(): Promise<void>;
  /** The driver a read may believe now. */
  trusted(): CacheDriver | undefined;
  /** The driver in use, for writes, limits and raw values. */
  current(): CacheDriver | undefined;
  /** Topics written while Redis was not in use; to be called in the same breath as `current` was read. */
  untold(topics: readonly string[]): void;
  /** Before a write that Redis was told is acknowledged: makes sure that the others still count us among the living. */
  confirmAlive(): Promise<void>;
  stop(): Promise<void>;
}

/** How long trust lasts after the rows were last read, when there are others; and how long a writer waits for them. */
export const TRUST_MS = 1_000;
const POLL_MS = 250;
const POLL_ALONE_MS = 500;
const OTHERS_REMEMBERED_MS = 10_000;
const PURGE_MS = 600_000;
const BUMP = 200;
const START_MS = 600;

export function createTrust({ db, peers, memory, stats, onEvent, token, connect, probeMs, keepSeconds }: TrustOptions): Trust {
  let current: CacheDriver | undefined;
  let link: RedisLink | undefined;
  let reader: InvalidationReader | undefined;
  let published: CacheState = 'down';
  let trustUntil = peers.possible ? 0 : Infinity;
  let beatAt = -Infinity;
  let othersAt = -Infinity;
  let lastOnRedis: number | undefined;
  let memoryElsewhere = false;
  let failures = 0;
  let stopped = false;
  let pollTimer: NodeJS.Timeout | undefined;
  let probeTimer: NodeJS.Timeout | undefined;
  let purgeTimer: NodeJS.Timeout | undefined;
  const untoldTopics = new Set<string>();

  let tail: Promise<unknown> = Promise.resolve();
  /** Polls and recoveries take turns: a heartbeat must not claim rows that a recovery has not applied yet. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = tail.then(work);
    tail = mine.catch(() => undefined);
    return mine;
  };

  const use = (next: CacheDriver | undefined) => {
    if (current === next) return;
    if (next !== undefined) stats.switches++;
    memory.clear();
    current = next;
  };

  const apply = async (driver: CacheDriver, topics: readonly string[]) => {
    for (let i = 0; i < topics.length; i += BUMP) await driver.settle(topics.slice(i, i + BUMP), token());
    stats.topics_applied += topics.length;
  };

  const onEnd = (reason: string) => {
    if (current?.kind === 'redis') {
      lastOnRedis = performance.now();
      stats.breaker_opens++;
      if (reason === 'timeout') stats.timeouts++;
      onEvent({ type: 'redis_lost', reason });
      use(undefined);
    }
    published = 'down';
    link = undefined;
    reader = undefined;
    if (stopped) return;
    probeLater();
    pollSoon();
  };

  /** Only a lone instance may use its memory: it says so first and looks again, so of two that start at once neither does. */
  const tryMemory = async () => {
    if (peers.possible) {
      await peers.publish('memory');
      published = 'memory';
      if ((await peers.look()).others.length > 0 || link) {
        published = link ? published : 'down';
        return;
      }
    }
    if (link || stopped) return;
    published = 'memory';
    use(memory);
    onEvent({ type: 'memory_trusted' });
  };

  const poll = async () => {
    if (stopped) return;
    const started = performance.now();
    const { now, others } = peers.possible ? await peers.look() : { now: '', others: [] };
    if (others.length > 0) othersAt = started;
    memoryElsewhere = others.some((peer) => peer.cache_state === 'memory');
    const driver = current;
    if (driver?.kind === 'redis' && reader && peers.possible) await apply(driver, await reader.next());
    if (current === memory && others.length > 0) {
      use(undefined);
      published = 'down';
    }
    if (current === undefined && !link && others.length === 0) await tryMemory();
    if (!peers.possible) return;
    await peers.publish(published, now);
    beatAt = started;
    trustUntil = current === memory || started - othersAt < OTHERS_REMEMBERED_MS ? started + TRUST_MS : Infinity;
  };

  const follow = async () => {
    clearTimeout(pollTimer);
    await inTurn(poll).catch((error: Error) => onEvent({ type: 'follow_failed', error }));
    clearTimeout(pollTimer);
    const quiet = current?.kind === 'redis' && trustUntil === Infinity;
    if (!stopped && peers.possible) pollTimer = setTimeout(() => void follow(), quiet ? POLL_ALONE_MS : POLL_MS).unref();
  };
  const pollSoon = () => void follow();

  /** Resolves false when it must be tried again shortly. */
  const recover = async (fresh: RedisLink, driver: CacheDriver): Promise<boolean> => {
    use(undefined);
    if (peers.possible) {
      // Another instance that believes itself alone must first see us and give its memory up.
      if ((await peers.look()).others.some((peer) => peer.cache_state === 'memory')) return false;
      published = 'redis';
      await peers.publish('redis');
    }
    const sinceSeconds = lastOnRedis === undefined ? keepSeconds : Math.min(keepSeconds, (performance.now() - lastOnRedis) / 1000 + 90);
    const log = await readInvalidations(db, sinceSeconds);
    await apply(driver, log.topics);
    while (untoldTopics.size > 0) {
      const topics = [...untoldTopics];
      await apply(driver, topics);
      for (const topic of topics) untoldTopics.delete(topic);
    }
    if (fresh.ended || stopped) throw new Error('Redis is down');
    reader = log.reader;
    published = 'redis';
    use(driver);
    failures = 0;
    onEvent({ type: 'redis_trusted', run_id: fresh.runId, applied: log.topics.length });
    return true;
  };

  const attempt = async () => {
    if (!connect || stopped) return;
    try {
      const { link: fresh, driver } = await connect(onEnd);
      link = fresh;
      try {
        while (!(await inTurn(() => recover(fresh, driver)))) {
          await sleep(60);
          if (fresh.ended) return;
        }
      } catch (error) {
        if (!fresh.ended) onEvent({ type: 'follow_failed', error: error as Error });
        fresh.end((error as Error).message);
      }
    } catch {
      if (!stopped) probeLater();
    }
  };

  const probeLater = () => {
    clearTimeout(probeTimer);
    const pause = Math.min(probeMs * 1.5 ** failures++, 4 * probeMs) * (0.75 + 0.5 * Math.random());
    probeTimer = setTimeout(() => void attempt(), pause).unref();
  };

  return {
    async start() {
      // Redis or the database may be slow to come; nothing is trusted meanwhile.
      await Promise.race([attempt().then(follow), sleep(START_MS, undefined, { ref: false })]);
      const purge = () => purgeInvalidations(db, keepSeconds).catch((error: Error) => onEvent({ type: 'follow_failed', error }));
      purgeTimer = setInterval(() => void purge(), PURGE_MS).unref();
    },
    trusted: () => (trustUntil === Infinity || performance.now() < trustUntil ? current : undefined),
    current: () => current,
    untold(topics) {
      if (connect) for (const topic of topics) untoldTopics.add(topic);
    },
    async confirmAlive() {
      if (!peers.possible || (performance.now() - beatAt < ALIVE_MS - 500 && !memoryElsewhere)) return;
      const until = performance.now() + TRUST_MS;
      do await follow();
      while (memoryElsewhere && performance.now() < until && (await sleep(60, true)));
    },
    async stop() {
      stopped = true;
      clearTimeout(pollTimer);
      clearTimeout(probeTimer);
      clearInterval(purgeTimer);
      use(undefined);
      link?.end('stopped');
      await tail;
      if (peers.possible) await peers.leave().catch((error: Error) => onEvent({ type: 'follow_failed', error }));
    },
  };
}
