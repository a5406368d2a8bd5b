/**
 * Invalidations that Redis was not told, as rows beside the data they follow. Whoever trusts Redis reads and applies them.
 *
 * Numbers are given before the commit and may become visible out of order; so the reader keeps a floor below which it has seen
 * every number, and reads all above it again. A number missing for a minute belongs to a transaction that was rolled back.
 */
import type { Queryable } from '../db/database.ts';
import { dbNow, dbNowPlus } from '../db/dialect.ts';
import { type Sql, sql } from '../db/sql.ts';

interface Row {
  seq: number;
  topics: string[];
}

/** No transaction stays open this long: statements, locks and idling have deadlines well below it. */
const OPEN_MS = 60_000;
/** How far below the newest number an open transaction may sit when a reader begins. */
const LOOK_BACK = 200;
const PAGE = 1_000;

export function invalidationRow(topics: readonly string[], instanceId: string): Sql {
  return sql`insert into cache_invalidations (topics, instance_id, created_at) values (${topics}, ${instanceId}, ${dbNow})`;
}

export async function purgeInvalidations(db: Queryable, keepSeconds: number): Promise<void> {
  await db.run(sql`delete from cache_invalidations where created_at < ${dbNowPlus(-keepSeconds)}`);
}

export interface InvalidationReader {
  /** The topics of all rows that became visible since the last call. */
  next(): Promise<string[]>;
}

/** Starts reading; `topics` are those of the last `sinceSeconds` (by the database's clock). */
export async function readInvalidations(db: Queryable, sinceSeconds: number): Promise<{ topics: string[]; reader: InvalidationReader }> {
  const newest = await db.first<{ seq: number | null }>(sql`select max(seq) as seq from cache_invalidations`);
  const topics = new Set<string>();
  let floor = Math.max(0, (newest?.seq ?? 0) - LOOK_BACK);
  let top = newest?.seq ?? 0;
  const applied = new Set<number>();
  const missing = new Map<number, number>();

  for (let after = 0; ;) {
    const page = await db.all<Row>(
      sql`select seq, topics from cache_invalidations where created_at > ${dbNowPlus(-sinceSeconds)} and seq > ${after} order by seq limit ${PAGE}`,
    );
    for (const row of page) {
      for (const topic of row.topics) topics.add(topic);
      if (row.seq > floor) applied.add(row.seq);
    }
    if (page.length < PAGE) break;
    after = page.at(-1)!.seq;
  }

  const raiseFloor = () => {
    const now = performance.now();
    while (floor < top) {
      const candidate = floor + 1;
      if (!applied.delete(candidate)) {
        const since = missing.get(candidate) ?? now;
        missing.set(candidate, since);
        if (now - since < OPEN_MS) return;
      }
      missing.delete(candidate);
      floor = candidate;
    }
  };

  return {
    topics: [...topics],
    reader: {
      async next() {
        const rows = await db.all<Row>(sql`select seq, topics from cache_invalidations where seq > ${floor} order by seq`);
        const fresh = new Set<string>();
        for (const { seq, topics: changed } of rows) {
          if (applied.has(seq)) continue;
          applied.add(seq);
          top = Math.max(top, seq);
          for (const topic of changed) fresh.add(topic);
        }
        raiseFloor();
        return [...fresh];
      },
    },
  };
}
