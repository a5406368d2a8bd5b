/** All SQL about resources alone. */
import type { Queryable } from '#platform/db/database';
import { forUpdate, inList, statementTime } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import type { Page } from '#platform/http/page';
import { fold } from '#platform/text';
import { listRows, updateStatement } from './catalog.repository.ts';
import type { CreateResource, Resource, ResourceQuery, UpdateResource } from './resources.schemas.ts';

const columns = sql`id, name, kind, capacity, hours, external_id, archived_at, version, created_at, updated_at`;

export function findResource(db: Queryable, id: string): Promise<Resource | undefined> {
  return db.first<Resource>(sql`select ${columns} from resources where id = ${id}`);
}

export function listResources(db: Queryable, query: ResourceQuery): Promise<Page<Resource>> {
  return listRows<Resource>(db, 'resources', columns, query, [query.kind !== undefined && sql`kind = ${query.kind}`]);
}

/** Which of these may serve: they exist and are not archived. */
export async function usableAmong(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const found = await db.all<{ id: string }>(sql`select id from resources where id in ${inList(ids)} and archived_at is null`);
  return new Set(found.map((row) => row.id));
}

/** Holds the row until the transaction ends; a booking that is about to refer to it waits meanwhile. */
export async function lockResource(tx: Queryable, id: string): Promise<void> {
  await tx.first(sql`select id from resources where id = ${id} ${forUpdate}`);
}

/** Nothing when the external id is taken. */
export function insertResource(tx: Queryable, id: string, input: CreateResource): Promise<Resource | undefined> {
  return tx.first<Resource>(sql`
    insert into resources (id, name, kind, capacity, hours, external_id, search_name, created_at, updated_at)
    values (${id}, ${input.name}, ${input.kind ?? 'other'}, ${input.capacity ?? 1}, ${input.hours}, ${input.external_id}, ${fold(input.name)}, ${statementTime}, ${statementTime})
    on conflict do nothing returning ${columns}`);
}

export function updateResource(tx: Queryable, id: string, patch: UpdateResource, ifMatch: number | undefined): Promise<Resource | undefined> {
  const sets: (Sql | false)[] = [
    patch.kind !== undefined && sql`kind = ${patch.kind}`,
    patch.capacity !== undefined && sql`capacity = ${patch.capacity}`,
    patch.hours !== undefined && sql`hours = ${patch.hours}`,
  ];
  return tx.first<Resource>(updateStatement('resources', id, patch, sets, ifMatch, columns));
}
