/** The few true differences between the engines, each named once. Modules ask for the idea, never for the brand. */
import { byEngine, type Engine, type Sql, sql } from './sql.ts';

export interface Dialect {
  readonly engine: Engine;
  /**
   * True where one statement can hold several writes (`with w as (update …) insert …`),
   * so that a write and its audit row cost one round trip instead of four.
   */
  readonly writableCtes: boolean;
}

export const postgresDialect: Dialect = { engine: 'postgresql', writableCtes: true };
export const sqliteDialect: Dialect = { engine: 'sqlite', writableCtes: false };

/** The database's own clock. Leases, holds, heartbeats, jobs and the ages of rows go by it, since instances' clocks differ. */
export const dbNow: Sql = byEngine({
  postgresql: sql`date_trunc('milliseconds', clock_timestamp())`,
  sqlite: sql`strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`,
});

/** The database's clock as it stood when the statement began: the same moment in every column, as a new row wants it. */
export const statementTime: Sql = byEngine({
  postgresql: sql`date_trunc('milliseconds', statement_timestamp())`,
  sqlite: sql`strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`,
});

/** The database's clock, `seconds` later (earlier when negative). */
export function dbNowPlus(seconds: number): Sql {
  return byEngine({
    postgresql: sql`(date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => ${seconds}))`,
    sqlite: sql`strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (${seconds} || ' seconds'))`,
  });
}

/** Seconds from the database's clock to the timestamp in a column, with their fraction; null for null. */
export function secondsUntil(column: Sql): Sql {
  return byEngine({
    postgresql: sql`extract(epoch from ${column} - clock_timestamp())::double precision`,
    sqlite: sql`((julianday(${column}) - julianday('now')) * 86400.0)`,
  });
}

/** Ends a claim's inner select: rows another worker holds are passed over. SQLite has one writer, so there are none. */
export const skipLocked: Sql = byEngine({ postgresql: sql`for update skip locked`, sqlite: sql`` });

/** Locks the selected rows for the rest of the transaction; SQLite's one writer holds everything anyway. */
export const forUpdate: Sql = byEngine({ postgresql: sql`for update`, sqlite: sql`` });

/** Keeps the selected rows as they are for the rest of the transaction, together with whoever else needs that. */
export const forShare: Sql = byEngine({ postgresql: sql`for share`, sqlite: sql`` });

/** `(a, b, …)` members of a list bound as one parameter, so that one statement serves any length: `id in ${inList(ids)}`. */
export function inList(values: readonly string[]): Sql {
  const list = JSON.stringify(values);
  return byEngine({
    postgresql: sql`(select jsonb_array_elements_text(${list}::jsonb))`,
    sqlite: sql`(select value from json_each(${list}))`,
  });
}

/** Substring match on a column that holds folded text (see `text.ts` fold); the term is folded by the caller. */
export function contains(column: Sql, folded: string): Sql {
  const escaped = folded.replace(/[\\%_]/g, (c) => `\\${c}`);
  return sql`${column} like ${`%${escaped}%`} escape '\\'`;
}

/**
 * In the answer of a fused write that returns `*`: the row as it was written, `from ${writtenRow(sql`tutors`, id)} t`.
 * Elsewhere than with writable CTEs it is read again, in the same transaction.
 */
export function writtenRow(table: Sql, id: string): Sql {
  return byEngine({ postgresql: sql`w`, sqlite: sql`(select * from ${table} where id = ${id})` });
}

/**
 * In a statement that follows a write inside `db.fused`: the row source that is empty when the write changed nothing.
 * With writable CTEs it is the write itself; elsewhere the statement runs only if the write returned a row.
 */
export const written: Sql = byEngine({ postgresql: sql`w`, sqlite: sql`(select 1) as w` });

/** Where the database physically is: a restored copy elsewhere answers something else. */
export const whereabouts: Sql = byEngine({
  postgresql: sql`(select d.oid::text || '@' || (select system_identifier::text from pg_control_system()) from pg_database d where d.datname = current_database())`,
  sqlite: sql`(select file from pragma_database_list where name = 'main')`,
});
