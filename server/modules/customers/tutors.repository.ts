/** All SQL about tutors; a tutor's phone and opt-out live with the person (`user_profiles`). */
import type { Queryable } from '#platform/db/database';
import { contains, dbNow, statementTime, writtenRow } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import { type Keyset, keyset, type Page, pageOf } from '#platform/http/page';
import { parsePhone } from '#platform/phone';
import { fold } from '#platform/text';
import type { NewPerson, PersonPatch, Tutor, TutorQuery } from './tutors.schemas.ts';

const columns = sql`
  t.id, t.id as user_id, t.name, u.phone_number as phone, t.email, t.tax_id, t.birth_date, t.address, t.notes,
  u.marketing_opt_out, u.external_id, t.archived_at, t.version, t.created_at, t.updated_at`;
const source = sql`tutors t join user_profiles u on u.id = t.id`;

/** The tutor as a write by `updateStatement` left it, for the answer of that very write. */
export function writtenTutor(id: string): Sql {
  return sql`select ${columns} from ${writtenRow(sql`tutors`, id)} t join user_profiles u on u.id = t.id`;
}

export function findTutor(db: Queryable, id: string): Promise<Tutor | undefined> {
  return db.first<Tutor>(sql`select ${columns} from ${source} where t.id = ${id} and t.erased_at is null`);
}

/** Who has the number: as their phone, or beside it since two records were merged. */
const owners = (phone: string): Sql => sql`
  select id from user_profiles where phone_number = ${phone}
  union all select person_id from identities where channel = 'manual' and address = ${phone}`;

/** Who else has the number. */
export async function findOtherByPhone(db: Queryable, id: string, phone: string): Promise<string | undefined> {
  return (await db.first<{ id: string }>(sql`select o.id from (${owners(phone)}) as o where o.id <> ${id}`))?.id;
}

const secondPhones = (id: string, phone: string | null | undefined): Sql =>
  sql`select 1 from identities where channel = 'manual' and address = ${phone} and person_id <> ${id}`;

/** Whether the number is somebody else's beside their own. */
export async function isSecondPhoneOfAnother(db: Queryable, id: string, phone: string): Promise<boolean> {
  return (await db.first(secondPhones(id, phone))) !== undefined;
}

export async function findOtherByExternalId(db: Queryable, id: string, externalId: string): Promise<string | undefined> {
  return (await db.first<{ id: string }>(sql`select id from user_profiles where external_id = ${externalId} and id <> ${id}`))?.id;
}

export async function listTutors(db: Queryable, query: TutorQuery): Promise<Page<Tutor>> {
  const since = query.updated_since;
  const set = pageSet(query);
  const where = sql.and([set.after, sql`t.erased_at is null`, ...filters(query)]);
  const rows = await db.all<Tutor>(sql`select ${columns} from ${source} where ${where} ${set.order}`);
  return pageOf(rows, query.limit, (row) => (since === undefined ? [row.id] : [row.updated_at, row.id]));
}

/** Where a page of `tutors t` and `user_profiles u` begins, and its order: the newest first, or by change with `updated_since`. */
export function pageSet(query: TutorQuery): Keyset {
  if (query.updated_since !== undefined) return keyset([sql`t.updated_at`, sql`t.id`], 'asc', query);
  const { after, order } = keyset([sql`t.id`], 'desc', query);
  // Both sides of the join are told where the page begins, else a merge join reads the other one from its top.
  return { after: sql`${after} and ${keyset([sql`u.id`], 'desc', query).after}`, order };
}

/** What a query asks of `tutors t` and `user_profiles u`. A phone and an external id find whoever has them, archived or not. */
export function filters(query: TutorQuery): (Sql | false)[] {
  const { phone, external_id, q, updated_since: since, archived } = query;
  const everybody = archived === undefined && [since, phone, external_id].some((given) => given !== undefined);
  return [
    phone !== undefined && sql`u.id in (${owners(phone)})`,
    external_id !== undefined && sql`u.external_id = ${external_id}`,
    q !== undefined && matches(q),
    since !== undefined && sql`t.updated_at >= ${since}`,
    !everybody && (archived === true ? sql`t.archived_at is not null` : sql`t.archived_at is null`),
  ];
}

function matches(q: string): Sql {
  const folded = fold(q);
  const digits = q.replace(/\D/g, '');
  const phone = parsePhone(q);
  const any = [
    contains(sql`t.search_name`, folded),
    contains(sql`t.email`, folded),
    // A part of a number, or a whole one in whatever spelling.
    ...(digits.length >= 4 ? [contains(sql`u.phone_number`, digits)] : []),
    ...(phone === undefined ? [] : [sql`u.id in (${owners(phone)})`]),
  ];
  return sql`(${sql.join(any, sql` or `)})`;
}

/** Inserts the person and the tutor. False when the phone or external id is taken; then the transaction must not go on. */
export async function insertTutor(tx: Queryable, id: string, input: NewPerson): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into user_profiles (id, phone_number, push_name, external_id, marketing_opt_out, created_at, updated_at)
    select ${id}, ${input.phone}, ${input.push_name}, ${input.external_id}, ${input.marketing_consent === false}, ${statementTime}, ${statementTime}
    where not exists (${secondPhones(id, input.phone)}) on conflict do nothing`);
  if (inserted === 0) return false;
  // Once more: a merge that the first statement had to wait for may have made the number somebody's second one.
  const completed = await tx.run(sql`
    insert into tutors (id, name, email, tax_id, birth_date, address, notes, search_name, created_at, updated_at)
    select ${id}, ${input.name}, ${input.email}, ${input.tax_id}, ${input.birth_date}, ${input.address}, ${input.notes}, ${fold(input.name ?? '')}, ${statementTime}, ${statementTime}
    where not exists (${secondPhones(id, input.phone)})`);
  return completed > 0;
}

/** One statement; no row when the tutor is unknown or at another version. */
export function updateStatement(id: string, patch: PersonPatch, ifMatch: number | undefined): Sql {
  const sets: (Sql | false)[] = [
    patch.name !== undefined && sql`name = ${patch.name}, search_name = ${fold(patch.name)}`,
    patch.email !== undefined && sql`email = ${patch.email}`,
    patch.tax_id !== undefined && sql`tax_id = ${patch.tax_id}`,
    patch.birth_date !== undefined && sql`birth_date = ${patch.birth_date}`,
    patch.address !== undefined && sql`address = ${patch.address}`,
    patch.notes !== undefined && sql`notes = ${patch.notes}`,
    patch.archived !== undefined && (patch.archived ? sql`archived_at = coalesce(archived_at, ${dbNow})` : sql`archived_at = null`),
    sql`version = version + 1, updated_at = ${dbNow}`,
  ];
  const where = sql.and([sql`id = ${id} and erased_at is null`, ifMatch !== undefined && sql`version = ${ifMatch}`]);
  return sql`update tutors set ${sql.join(sets.filter((s) => s !== false))} where ${where} returning *`;
}

/** What of a tutor lives with the person. Throws DbViolation `unique` when the phone or external id is another's. */
export async function updatePerson(tx: Queryable, id: string, patch: PersonPatch): Promise<void> {
  const sets: (Sql | false)[] = [
    patch.phone !== undefined && sql`phone_number = ${patch.phone}`,
    patch.push_name !== undefined && sql`push_name = ${patch.push_name}`,
    patch.marketing_opt_out !== undefined && sql`marketing_opt_out = ${patch.marketing_opt_out}`,
    patch.external_id !== undefined && sql`external_id = ${patch.external_id}`,
    sql`version = version + 1, updated_at = ${dbNow}`,
  ];
  await tx.run(sql`update user_profiles set ${sql.join(sets.filter((s) => s !== false))} where id = ${id}`);
}

/** Removes person and tutor; a pet, visit, order or conversation forbids it (DbViolation `foreign_key`). */
export async function deleteTutor(tx: Queryable, id: string, ifMatch: number | undefined): Promise<boolean> {
  const where = sql.and([sql`id = ${id} and erased_at is null`, ifMatch !== undefined && sql`version = ${ifMatch}`]);
  const deleted = await tx.run(sql`delete from tutors where ${where}`);
  if (deleted > 0) await tx.run(sql`delete from user_profiles where id = ${id}`);
  return deleted > 0;
}
