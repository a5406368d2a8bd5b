/**
 * The write path: close the topics, run the transaction, settle before the caller hears that it is done.
 * What Redis was not told becomes a row, in the same transaction where the change can carry it, and the other instances are waited for.
 */
import type { Clock } from '../clock.ts';
import type { Database, Queryable, Tx } from '../db/database.ts';
import type { Sql } from '../db/sql.ts';
import type { CacheDriver, PrefillEntry } from './driver.ts';
import { invalidationRow } from './invalidation-log.ts';
import type { Peers } from './peers.ts';
import { jsonBytes, lifetime } from './read-through.ts';
import type { CacheStats } from './stats.ts';
import { type Trust, TRUST_MS } from './trust.ts';

/** An entry that a write already knows: stored at once when nobody else wrote its topics meanwhile. */
export interface CachedValue {
  key: string;
  /** Must be among the topics of the write, else it is not stored. */
  topics: readonly string[];
  ttlSeconds: number;
  value: unknown;
}

/**
 * Handed to the transaction while Redis does not know of it: writes the invalidation's row. Call it inside the transaction,
 * or run `statement` in it (it may stand beside the write in `db.fused`).
 */
export interface Pending {
  (tx: Queryable): Promise<void>;
  readonly statement: Sql;
}

export interface WriteOptions {
  db: Database;
  trust: Trust;
  peers: Peers;
  stats: CacheStats;
  clock: Clock;
  token: () => string;
  instanceId: string;
  maxTtlSeconds: number;
}

interface Writing {
  topics: readonly string[];
  closer: string;
  /** Who was asked to close. */
  told: CacheDriver | undefined;
  pending: Pending;
  /** Whether the row was written with the change. */
  mark: { recorded: boolean };
}

export function createWriting({ db, trust, peers, stats, clock, token, instanceId, maxTtlSeconds }: WriteOptions) {
  const begin = async (given: readonly string[], close: boolean): Promise<Writing> => {
    const topics = [...new Set(given)];
    const mark = { recorded: false };
    const pending = pendingRow(mark, () => invalidationRow(topics, instanceId));
    const writing: Writing = { topics, closer: token(), told: close ? trust.current() : undefined, mark, pending };
    await writing.told?.close(topics, writing.closer).catch(() => (writing.told = undefined));
    return writing;
  };

  /** After the commit. Resolves when no reader anywhere can find what was there before. */
  const finish = async (writing: Writing, values: readonly CachedValue[]): Promise<void> => {
    stats.invalidations++;
    const { topics, closer, told } = writing;
    const entries = values.map((value): PrefillEntry => ({ ...value, ...lifetime(jsonBytes(value.value), value.ttlSeconds, maxTtlSeconds, clock) }));
    const settle = async (driver: CacheDriver) => {
      const offered = driver === told ? entries : [];
      const stored = await driver.settle(topics, closer, offered);
      stats.prefills += stored;
      stats.prefills_refused += entries.length - stored;
    };
    for (let driver = trust.current(); driver?.kind === 'redis'; driver = trust.current()) {
      try {
        await settle(driver);
        return await trust.confirmAlive();
      } catch {
        // That link has ended; by now there may be another one, or none.
        if (trust.current() === driver) break;
      }
    }
    trust.untold(topics);
    const memory = trust.current();
    if (memory?.kind === 'memory') await settle(memory);
    if (!writing.mark.recorded) await db.run(writing.pending.statement);
    stats.rows_written++;
    await peers.followed(TRUST_MS);
  };

  /** After a failure: what was closed opens again. Whether the commit happened may be unknown, so it is an invalidation too. */
  const abandon = async ({ told, topics, closer }: Writing): Promise<void> => {
    await told?.settle(topics, closer).catch(() => trust.untold(topics));
  };

  return {
    /**
     * Runs `fn`, which commits the change, between close and settle. `fn` gets `pending` while Redis is not in use and must then
     * call it in its transaction. Rejects with what `fn` throws, or when the change was made but could not be announced.
     */
    async write<T>(topics: readonly string[], fn: (pending?: Pending) => Promise<T>, prefill?: (result: T) => readonly CachedValue[]): Promise<T> {
      if (topics.length === 0) return fn();
      const writing = await begin(topics, true);
      let result: T;
      try {
        result = await fn(writing.told?.kind === 'redis' ? undefined : writing.pending);
      } catch (error) {
        await abandon(writing);
        throw error;
      }
      await finish(writing, prefill?.(result) ?? []);
      return result;
    },
    /**
     * The same for a change inside a transaction that somebody else commits: settled after that commit, before `db.tx` resolves.
     * After a rollback the topics stay closed for up to ten seconds: read from the database, not stored.
     */
    async within<T>(tx: Tx, topics: readonly string[], fn: () => Promise<T>, prefill?: (result: T) => readonly CachedValue[]): Promise<T> {
      if (topics.length === 0) return fn();
      const writing = await begin(topics, true);
      let result: T;
      try {
        result = await fn();
      } catch (error) {
        await abandon(writing);
        throw error;
      }
      if (writing.told?.kind !== 'redis' || trust.current() !== writing.told) await writing.pending(tx);
      tx.afterCommit(() => finish(writing, prefill?.(result) ?? []));
      return result;
    },
    /** Makes every entry of these topics unfound, for changes already committed. */
    async invalidate(topics: readonly string[]): Promise<void> {
      if (topics.length > 0) await finish(await begin(topics, false), []);
    },
  };
}

function pendingRow(mark: { recorded: boolean }, row: () => Sql): Pending {
  const pending = async (tx: Queryable) => {
    await tx.run(row());
    mark.recorded = true;
  };
  return Object.defineProperty(pending, 'statement', {
    get() {
      mark.recorded = true;
      return row();
    },
  }) as Pending;
}
