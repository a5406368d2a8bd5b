/** SQL that forgets a person and keeps what others, or the law, still need. */
import type { Queryable } from '#platform/db/database';
import { dbNow } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';

/** Pets with a guardian live on with the one who came first: it is their pet too. What was noted about it by the way goes. */
export async function handPetsOver(tx: Queryable, personId: string): Promise<void> {
  await tx.run(sql`
    update pets set notes = null, version = version + 1, updated_at = ${dbNow},
      tutor_id = (select person_id from pet_guardians g where g.pet_id = pets.id order by g.created_at, g.person_id limit 1)
    where tutor_id = ${personId} and exists (select 1 from pet_guardians g where g.pet_id = pets.id)`);
  await tx.run(sql`
    delete from pet_guardians where exists (select 1 from pets p where p.id = pet_guardians.pet_id and p.tutor_id = pet_guardians.person_id)`);
}

/** Visits and invoices may hang on the others: they stay as a species and a size, with nothing that tells which pet it was. */
export async function blankPets(tx: Queryable, personId: string): Promise<void> {
  await tx.run(sql`
    update pets set name = 'Pet', search_name = 'pet', breed = null, coat = null, birth_date = null, handling_notes = null, notes = null,
      external_id = null, archived_at = coalesce(archived_at, ${dbNow}), version = version + 1, updated_at = ${dbNow}
    where tutor_id = ${personId}`);
}

/** Consents stay as proof: what for, yes or no, when; not in whose words. */
export async function forgetTies(tx: Queryable, personId: string): Promise<void> {
  await tx.run(sql`delete from pet_guardians where person_id = ${personId}`);
  await tx.run(sql`delete from identities where person_id = ${personId}`);
  await tx.run(sql`
    update consents set evidence = null, source = case when source in ('api_key', 'user', 'person', 'system', 'merge') then source else 'other' end
    where person_id = ${personId}`);
}

/** The rows stay, empty, for what refers to them. */
export async function blankPerson(tx: Queryable, personId: string): Promise<void> {
  await tx.run(sql`
    update tutors set name = null, email = null, tax_id = null, birth_date = null, address = null, notes = null, search_name = '',
      archived_at = coalesce(archived_at, ${dbNow}), erased_at = ${dbNow}, version = version + 1, updated_at = ${dbNow}
    where id = ${personId}`);
  await tx.run(sql`
    update user_profiles set phone_number = null, push_name = null, external_id = null, marketing_opt_out = true, erased_at = ${dbNow},
      version = version + 1, updated_at = ${dbNow}
    where id = ${personId}`);
}
