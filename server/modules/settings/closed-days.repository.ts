/** All SQL about closed days. */
import type { Queryable } from '#platform/db/database';
import { dbNow, statementTime } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import type { CreateClosedDay, OwnDay, UpdateClosedDay } from './closed-days.schemas.ts';

const columns = sql`id, date, name, hours, version, created_at, updated_at`;

/** In order; between two days (inclusive), or all. */
export function listOwnDays(db: Queryable, { from, to }: { from?: string; to?: string }): Promise<OwnDay[]> {
  const where = sql.and([from !== undefined && sql`date >= ${from}`, to !== undefined && sql`date <= ${to}`]);
  return db.all<OwnDay>(sql`select ${columns} from closed_days where ${where} order by date`);
}

export function findOwnDay(db: Queryable, id: string): Promise<OwnDay | undefined> {
  return db.first<OwnDay>(sql`select ${columns} from closed_days where id = ${id}`);
}

export async function findIdByDate(db: Queryable, date: string): Promise<string | undefined> {
  return (await db.first<{ id: string }>(sql`select id from closed_days where date = ${date}`))?.id;
}

/** Nothing when the date is taken. */
export function insertOwnDay(tx: Queryable, id: string, input: CreateClosedDay): Promise<OwnDay | undefined> {
  return tx.first<OwnDay>(sql`
    insert into closed_days (id, date, name, hours, created_at, updated_at)
    values (${id}, ${input.date}, ${input.name}, ${input.hours}, ${statementTime}, ${statementTime}) on conflict do nothing returning ${columns}`);
}

/** No row when the day is unknown or at another version. Throws DbViolation `unique` when the date is taken. */
export function updateOwnDay(tx: Queryable, id: string, patch: UpdateClosedDay, ifMatch: number | undefined): Promise<OwnDay | undefined> {
  const sets: (Sql | false)[] = [
    patch.date !== undefined && sql`date = ${patch.date}`,
    patch.name !== undefined && sql`name = ${patch.name}`,
    patch.hours !== undefined && sql`hours = ${patch.hours}`,
    sql`version = version + 1, updated_at = ${dbNow}`,
  ];
  return tx.first<OwnDay>(sql`update closed_days set ${sql.join(sets.filter((s) => s !== false))} where ${thisOne(id, ifMatch)} returning ${columns}`);
}

/** What was removed, if anything. */
export function deleteOwnDay(tx: Queryable, id: string, ifMatch: number | undefined): Promise<OwnDay | undefined> {
  return tx.first<OwnDay>(sql`delete from closed_days where ${thisOne(id, ifMatch)} returning ${columns}`);
}

function thisOne(id: string, ifMatch: number | undefined): Sql {
  return sql.and([sql`id = ${id}`, ifMatch !== undefined && sql`version = ${ifMatch}`]);
}
