/** Who else a pet belongs to, beside its tutor. */
import type { Queryable } from '#platform/db/database';
import { dbNow } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import { keyset, type Page, pageOf } from '#platform/http/page';
import type { Guardian, GuardianQuery } from './pets.schemas.ts';

const guardians = sql`
  select g.pet_id, g.person_id, g.role, t.name, u.phone_number as phone, g.created_at
  from pet_guardians g join user_profiles u on u.id = g.person_id join tutors t on t.id = g.person_id`;

export async function listGuardians(db: Queryable, petId: string, query: GuardianQuery): Promise<Page<Guardian>> {
  const set = keyset([sql`g.person_id`], 'asc', query);
  const rows = await db.all<Guardian>(sql`${guardians} where g.pet_id = ${petId} and ${set.after} ${set.order}`);
  return pageOf(rows, query.limit, (row) => [row.person_id]);
}

export function findGuardian(db: Queryable, petId: string, personId: string): Promise<Guardian | undefined> {
  return db.first<Guardian>(sql`${guardians} where g.pet_id = ${petId} and g.person_id = ${personId}`);
}

/** False when the person is one already. */
export async function insertGuardian(tx: Queryable, petId: string, personId: string, role: string): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into pet_guardians (pet_id, person_id, role, created_at) values (${petId}, ${personId}, ${role}, ${dbNow}) on conflict do nothing`);
  return inserted > 0;
}

/** False when the person was none. */
export async function deleteGuardian(tx: Queryable, petId: string, personId: string): Promise<boolean> {
  return (await tx.run(sql`delete from pet_guardians where pet_id = ${petId} and person_id = ${personId}`)) > 0;
}
