/** All SQL about pets. */
import type { Queryable } from '#platform/db/database';
import { dbNow, forUpdate, inList, statementTime } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import { keyset, type Page, pageOf } from '#platform/http/page';
import { fold } from '#platform/text';
import type { CreatePet, Pet, PetQuery, UpdatePet } from './pets.schemas.ts';

export const petColumns = sql`
  id, tutor_id, name, species, breed, size, coat, sex, birth_date, weight_kg, neutered, handling_notes, notes, external_id,
  deceased_at, archived_at, version, created_at, updated_at`;

export function findPet(db: Queryable, id: string): Promise<Pet | undefined> {
  return db.first<Pet>(sql`select ${petColumns} from pets where id = ${id}`);
}

/** The pet as it is, and nobody changes it or its guardians before this transaction ends. */
export function lockPet(tx: Queryable, id: string): Promise<Pet | undefined> {
  return tx.first<Pet>(sql`select ${petColumns} from pets where id = ${id} ${forUpdate}`);
}

/** Whom these pets belong to: their tutors and guardians. Empty for unknown pets. */
export async function listPeopleOf(db: Queryable, petIds: readonly string[]): Promise<string[]> {
  const ids = inList(petIds);
  const people = await db.all<{ id: string }>(sql`
    select tutor_id as id from pets where id in ${ids} union select person_id from pet_guardians where pet_id in ${ids}`);
  return people.map((person) => person.id);
}

export async function findPetIdByExternalId(db: Queryable, externalId: string): Promise<string | undefined> {
  return (await db.first<{ id: string }>(sql`select id from pets where external_id = ${externalId}`))?.id;
}

export async function listPets(db: Queryable, tutorId: string, query: PetQuery): Promise<Page<Pet>> {
  const since = query.updated_since;
  const set = since === undefined ? keyset([sql`id`], 'desc', query) : keyset([sql`updated_at`, sql`id`], 'asc', query);
  const where = sql.and([
    sql`tutor_id = ${tutorId}`,
    set.after,
    since !== undefined && sql`updated_at >= ${since}`,
    since === undefined && (query.archived === true ? sql`archived_at is not null` : sql`archived_at is null`),
  ]);
  const rows = await db.all<Pet>(sql`select ${petColumns} from pets where ${where} ${set.order}`);
  return pageOf(rows, query.limit, (row) => (since === undefined ? [row.id] : [row.updated_at, row.id]));
}

/** No row when the external id is taken. */
export function insertPet(tx: Queryable, id: string, tutorId: string, input: CreatePet): Promise<Pet | undefined> {
  return tx.first<Pet>(sql`
    insert into pets (id, tutor_id, name, species, breed, size, coat, sex, birth_date, weight_kg, neutered, handling_notes, notes, external_id,
      search_name, created_at, updated_at)
    values (${id}, ${tutorId}, ${input.name}, ${input.species}, ${input.breed}, ${input.size}, ${input.coat}, ${input.sex}, ${input.birth_date},
      ${input.weight_kg}, ${input.neutered}, ${input.handling_notes}, ${input.notes}, ${input.external_id}, ${fold(input.name)}, ${statementTime}, ${statementTime})
    on conflict do nothing returning ${petColumns}`);
}

/** Throws DbViolation `unique` when the external id is another's. */
export async function updatePet(tx: Queryable, id: string, patch: UpdatePet): Promise<Pet> {
  const since = (column: Sql, set: boolean | undefined) => set !== undefined && (set ? sql`${column} = coalesce(${column}, ${dbNow})` : sql`${column} = null`);
  const sets: (Sql | false)[] = [
    patch.name !== undefined && sql`name = ${patch.name}, search_name = ${fold(patch.name)}`,
    patch.species !== undefined && sql`species = ${patch.species}`,
    patch.tutor_id !== undefined && sql`tutor_id = ${patch.tutor_id}`,
    patch.breed !== undefined && sql`breed = ${patch.breed}`,
    patch.size !== undefined && sql`size = ${patch.size}`,
    patch.coat !== undefined && sql`coat = ${patch.coat}`,
    patch.sex !== undefined && sql`sex = ${patch.sex}`,
    patch.birth_date !== undefined && sql`birth_date = ${patch.birth_date}`,
    patch.weight_kg !== undefined && sql`weight_kg = ${patch.weight_kg}`,
    patch.neutered !== undefined && sql`neutered = ${patch.neutered}`,
    patch.handling_notes !== undefined && sql`handling_notes = ${patch.handling_notes}`,
    patch.notes !== undefined && sql`notes = ${patch.notes}`,
    patch.external_id !== undefined && sql`external_id = ${patch.external_id}`,
    since(sql`archived_at`, patch.archived),
    since(sql`deceased_at`, patch.deceased),
    sql`version = version + 1, updated_at = ${dbNow}`,
  ];
  const row = await tx.first<Pet>(sql`update pets set ${sql.join(sets.filter((s) => s !== false))} where id = ${id} returning ${petColumns}`);
  return row!;
}

/** Its guardians go with it; a visit forbids it (DbViolation `foreign_key`). */
export async function deletePet(tx: Queryable, id: string): Promise<void> {
  await tx.run(sql`delete from pets where id = ${id}`);
}
