/**
 * Every change of the house goes through here: close the cached entries it touches, run the transaction, keep the answer
 * of an idempotent request in it, then open the entries again before the caller hears that it is done.
 */
import { type AuditEntry, auditOfWritten } from './audit.ts';
import type { Cache, CachedValue, Pending } from './cache/cache.ts';
import type { Ctx } from './ctx.ts';
import type { Database, Tx } from './db/database.ts';
import type { Sql } from './db/sql.ts';
import { type News, newsOfWritten } from './events/events.ts';

export interface Change<T> {
  /** What the change touches: `person:ID`, `catalog`, `settings`, …; entries made of these topics go. */
  topics: readonly string[];
  /** Entries to store right away, when nobody else wrote meanwhile. */
  prefill?: (result: T) => CachedValue[];
}

/** A change of one row that is one statement. */
export interface RowChange {
  topics: readonly string[];
  /** With `returning`. */
  write: Sql;
  /** What the caller gets instead of what the write returned; see `Fused`. */
  answer?: Sql;
  audit: AuditEntry;
  event?: News | undefined;
}

export interface Writer {
  /** Runs `fn` in one transaction (the caller's, when `ctx.tx` is open). Throws what `fn` throws; then nothing happened. */
  write<T>(ctx: Ctx, change: Change<T>, fn: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * A change of one row with its audit row and its news: the cheapest durable write there is, one round trip where the engine can.
   * Undefined when no row matched, and then nothing happened.
   */
  writeRow<T>(ctx: Ctx, change: RowChange): Promise<T | undefined>;
}

export function createWriter({ db, cache }: { db: Database; cache: Cache }): Writer {
  const write: Writer['write'] = async (ctx, change, fn) => {
    const { tx } = ctx;
    if (tx) return change.topics.length === 0 ? fn(tx) : cache.within(tx, change.topics, () => fn(tx), change.prefill);
    const transaction = (pending?: Pending) =>
      db.tx(async (inner) => {
        const result = await fn(inner);
        await ctx.keep?.(inner, result);
        await pending?.(inner);
        return result;
      });
    return change.topics.length === 0 ? transaction() : cache.write(change.topics, transaction, change.prefill);
  };
  return {
    write,
    async writeRow<T>(ctx: Ctx, change: RowChange) {
      const { topics, write: statement, answer, event } = change;
      const explained = [auditOfWritten(ctx, change.audit), ...(event ? [newsOfWritten(event)] : [])];
      const parts = { write: statement, ...(answer && { answer }) };
      if (ctx.tx || ctx.keep) return write<T | undefined>(ctx, { topics }, async (tx) => (await tx.fused<T>({ ...parts, after: explained }))[0]);
      return cache.write(
        topics,
        async (pending?: Pending) => (await db.fused<T>({ ...parts, after: pending ? [...explained, pending.statement] : explained }))[0],
      );
    },
  };
}
