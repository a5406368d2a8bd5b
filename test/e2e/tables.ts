/** What is in the whole database, as one value to compare. */
import type { Database } from '../../server/platform/db/database.ts';
import { byEngine, identifier, sql } from '../../server/platform/db/sql.ts';

const columns = byEngine({
  postgresql: sql`select c.table_name, c.column_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'public' and t.table_type = 'BASE TABLE' order by 1, 2`,
  sqlite: sql`select m.name as table_name, c.name as column_name from sqlite_master m, pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like 'sqlite_%' order by 1, 2`,
});

/** Written by the mere fact of a call, not by what it asks for. */
const TRACES = new Set(['idempotency_keys', 'login_attempts', 'sessions', 'instances', 'cache_invalidations']);

/** Rows, and the sum of their versions, of every table: equal before and after means that nothing was written. */
export async function contents(db: Database): Promise<Record<string, string>> {
  const found: Record<string, string[]> = {};
  for (const row of await db.all<{ table_name: string; column_name: string }>(columns)) (found[row.table_name] ??= []).push(row.column_name);
  const out: Record<string, string> = {};
  for (const [table, names] of Object.entries(found)) {
    if (TRACES.has(table)) continue;
    const versions = names.includes('version') ? sql`coalesce(sum(version), 0)` : sql`0`;
    const row = await db.first<{ rows: number; versions: number }>(sql`select count(*) as rows, ${versions} as versions from ${identifier(table)}`);
    out[table] = `${row!.rows} rows, versions ${row!.versions}`;
  }
  return out;
}
