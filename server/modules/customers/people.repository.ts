/** All SQL about a person as a whole: `user_profiles` joined to `tutors`, and what the customer's view gathers. */
import type { Queryable } from '#platform/db/database';
import { forUpdate, inList } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import { type Page, pageOf } from '#platform/http/page';
import type { Identity, Person, PetInView } from './people.schemas.ts';
import { petColumns } from './pets.repository.ts';
import { filters, pageSet } from './tutors.repository.ts';
import type { TutorQuery } from './tutors.schemas.ts';

const columns = sql`
  t.id, u.phone_number as phone, u.push_name, t.name, t.email, t.tax_id, t.birth_date, t.address, t.notes, u.marketing_opt_out, u.external_id,
  t.archived_at, t.erased_at, t.version, t.created_at, t.updated_at`;
const people = sql`select ${columns} from tutors t join user_profiles u on u.id = t.id`;

/** Undefined for who was erased. */
export function findPerson(db: Queryable, id: string): Promise<Person | undefined> {
  return db.first<Person>(sql`${people} where t.id = ${id} and t.erased_at is null`);
}

/** Also who was erased: that a record stood there is all it tells. */
export function findTombstone(db: Queryable, id: string): Promise<Person | undefined> {
  return db.first<Person>(sql`${people} where t.id = ${id}`);
}

/** Those of the people who exist and are not erased; nobody else changes them or hangs something on them before the transaction ends. */
export function lockPeople(tx: Queryable, ids: readonly string[]): Promise<Person[]> {
  return tx.all<Person>(sql`${people} where t.id in ${inList(ids)} and t.erased_at is null order by t.id ${forUpdate}`);
}

/** With `updated_since` the erased ones are there too, empty, so that copies elsewhere can follow. */
export async function listPeople(db: Queryable, query: TutorQuery): Promise<Page<Person>> {
  const since = query.updated_since;
  const set = pageSet(query);
  const where = sql.and([set.after, since === undefined && sql`t.erased_at is null`, ...filters(query)]);
  const rows = await db.all<Person>(sql`${people} where ${where} ${set.order}`);
  return pageOf(rows, query.limit, (row) => (since === undefined ? [row.id] : [row.updated_at, row.id]));
}

export function listIdentities(db: Queryable, personId: string): Promise<Identity[]> {
  return db.all<Identity>(sql`
    select channel, address, kind, created_at, last_seen_at from identities where person_id = ${personId} order by last_seen_at desc, channel, address`);
}

/** The pets a person sees, own and guarded. */
export function listPetsInView(db: Queryable, personId: string): Promise<PetInView[]> {
  return db.all<PetInView>(sql`
    select ${petColumns},
      case when tutor_id = ${personId} then 'tutor' else (select role from pet_guardians g where g.pet_id = pets.id and g.person_id = ${personId}) end as relation
    from pets
    where id in (select id from pets where tutor_id = ${personId} union all select pet_id from pet_guardians where person_id = ${personId})
      and archived_at is null
    order by id limit 200`);
}
