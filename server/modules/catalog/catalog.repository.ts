/** SQL that services, products and resources have in common: the same columns mean the same in all three tables. */
import type { Queryable } from '#platform/db/database';
import { contains, dbNow } from '#platform/db/dialect';
import { identifier, type Sql, sql } from '#platform/db/sql';
import { keyset, type Page, pageOf } from '#platform/http/page';
import { fold } from '#platform/text';
import type { CatalogQuery } from './catalog.schemas.ts';

export type CatalogTable = 'services' | 'products' | 'resources';

interface Listed {
  id: string;
  updated_at: string;
}

/** A page of a table: newest first, or by change when `updated_since` is given. One statement. */
export async function listRows<Row extends Listed>(
  db: Queryable,
  table: CatalogTable,
  columns: Sql,
  query: CatalogQuery,
  more: (Sql | false)[] = [],
): Promise<Page<Row>> {
  const { updated_since: since, archived, q, external_id } = query;
  // An external id finds whatever has it: who looks before creating must not be told that there is nothing.
  const everything = archived === undefined && (since !== undefined || external_id !== undefined);
  const set = since === undefined ? keyset([sql`id`], 'desc', query) : keyset([sql`updated_at`, sql`id`], 'asc', query);
  const where = sql.and([
    set.after,
    q !== undefined && contains(sql`search_name`, fold(q)),
    external_id !== undefined && sql`external_id = ${external_id}`,
    since !== undefined && sql`updated_at >= ${since}`,
    !everything && (archived === true ? sql`archived_at is not null` : sql`archived_at is null`),
    ...more,
  ]);
  const rows = await db.all<Row>(sql`select ${columns} from ${identifier(table)} where ${where} ${set.order}`);
  return pageOf(rows, query.limit, (row) => (since === undefined ? [row.id] : [row.updated_at, row.id]));
}

export async function rowExists(db: Queryable, table: CatalogTable, id: string): Promise<boolean> {
  return (await db.first(sql`select id from ${identifier(table)} where id = ${id}`)) !== undefined;
}

export async function findIdByExternalId(db: Queryable, table: CatalogTable, externalId: string): Promise<string | undefined> {
  return (await db.first<{ id: string }>(sql`select id from ${identifier(table)} where external_id = ${externalId}`))?.id;
}

/** `update … returning`; no row when it is unknown or at another version. `sets` are the noun's own columns. */
export function updateStatement(table: CatalogTable, id: string, patch: SharedFields, sets: (Sql | false)[], ifMatch: number | undefined, returning: Sql): Sql {
  const all: (Sql | false)[] = [
    patch.name !== undefined && sql`name = ${patch.name}, search_name = ${fold(patch.name)}`,
    patch.external_id !== undefined && sql`external_id = ${patch.external_id}`,
    patch.archived !== undefined && (patch.archived ? sql`archived_at = coalesce(archived_at, ${dbNow})` : sql`archived_at = null`),
    ...sets,
    sql`version = version + 1, updated_at = ${dbNow}`,
  ];
  return sql`update ${identifier(table)} set ${sql.join(all.filter((s) => s !== false))} where ${unchanged(id, ifMatch)} returning ${returning}`;
}

export interface SharedFields {
  name?: string | undefined;
  external_id?: string | null | undefined;
  archived?: boolean | undefined;
}

/** False when it is unknown or at another version; DbViolation `foreign_key` when something depends on it. */
export async function deleteRow(tx: Queryable, table: CatalogTable, id: string, ifMatch: number | undefined): Promise<boolean> {
  return (await tx.run(sql`delete from ${identifier(table)} where ${unchanged(id, ifMatch)}`)) > 0;
}

function unchanged(id: string, ifMatch: number | undefined): Sql {
  return sql.and([sql`id = ${id}`, ifMatch !== undefined && sql`version = ${ifMatch}`]);
}
