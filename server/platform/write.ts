/**
 * Every change of the house goes through here: close the cached entries it touches, run the transaction, keep the answer
 * of an idempotent request in it, then open the entries again before the caller hears that it is done.
 */
import { audit, type AuditEntry, auditOfWritten } from './audit.ts';
import type { Cache, CachedValue, Pending } from './cache/cache.ts';
import type { Ctx } from './ctx.ts';
import type { Database, Tx } from './db/database.ts';
import type { Sql } from './db/sql.ts';
import { type News, newsOfWritten, publish } from './events/events.ts';

export interface Change<T> {
  /** What the change touches: `person:ID`, `catalog`, `settings`, …; entries made of these topics go. */
  topics: readonly string[];
  /** For `writeRow`: news of the change. */
  event?: News | undefined;
  /** Entries to store right away, when nobody else wrote meanwhile. */
  prefill?: (result: T) => CachedValue[];
}

export interface Writer {
  /** Runs `fn` in one transaction (the caller's, when `ctx.tx` is open). Throws what `fn` throws; then nothing happened. */
  write<T>(ctx: Ctx, change: Change<T>, fn: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * A change of one row that is one statement (with `returning`), and its audit row: the cheapest durable write there is,
   * one round trip where the engine can. Undefined when no row matched, and then nothing happened.
   */
  writeRow<T>(ctx: Ctx, change: Change<T>, statement: Sql, entry: AuditEntry): Promise<T | undefined>;
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
    async writeRow<T>(ctx: Ctx, change: Change<T>, statement: Sql, entry: AuditEntry) {
      const prefill = change.prefill;
      const whenWritten: Change<T | undefined> = {
        topics: change.topics,
        ...(prefill && { prefill: (row: T | undefined) => (row === undefined ? [] : prefill(row)) }),
      };
      if (ctx.tx || ctx.keep) {
        return write<T | undefined>(ctx, whenWritten, async (tx) => {
          const row = await tx.first<T>(statement);
          if (row !== undefined) await audit(tx, ctx, entry);
          if (row !== undefined && change.event) await publish(tx, change.event.type, change.event.subject);
          return row;
        });
      }
      const explained = [auditOfWritten(ctx, entry), ...(change.event ? [newsOfWritten(change.event)] : [])];
      const fused = async (pending?: Pending) => (await db.fused<T>(statement, ...explained, ...(pending ? [pending.statement] : [])))[0];
      return cache.write(whenWritten.topics, fused, whenWritten.prefill);
    },
  };
}
