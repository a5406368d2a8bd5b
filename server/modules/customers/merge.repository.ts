/** SQL that gives one person's rows to another. */
import type { Queryable } from '#platform/db/database';
import { dbNow, statementTime } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';

/** Where a person that was merged away lives on. */
export async function findMergedInto(db: Queryable, id: string): Promise<string | undefined> {
  return (await db.first<{ into_id: string }>(sql`select into_id from merged_people where id = ${id}`))?.into_id;
}

/** The ids a person had before merges. */
export async function listMergedIds(db: Queryable, intoId: string): Promise<string[]> {
  const merged = await db.all<{ id: string }>(sql`select id from merged_people where into_id = ${intoId} order by id`);
  return merged.map((row) => row.id);
}

/** Remembers the merge; who was merged into `from` before now lives on in `into`. */
export async function recordMerge(tx: Queryable, from: string, into: string): Promise<void> {
  await tx.run(sql`update merged_people set into_id = ${into} where into_id = ${from}`);
  await tx.run(sql`insert into merged_people (id, into_id, merged_at) values (${from}, ${into}, ${dbNow})`);
}

/** Pets, guarded pets, identities and consents; of a pet both had a part in, `into` becomes or stays the tutor. */
export async function moveBelongings(tx: Queryable, from: string, into: string): Promise<void> {
  await tx.run(sql`update pets set tutor_id = ${into}, version = version + 1, updated_at = ${dbNow} where tutor_id = ${from}`);
  await tx.run(sql`
    insert into pet_guardians (pet_id, person_id, role, created_at)
    select pet_id, ${into}, role, created_at from pet_guardians where person_id = ${from} on conflict do nothing`);
  await tx.run(sql`delete from pet_guardians where person_id = ${from}`);
  await tx.run(sql`delete from pet_guardians where person_id = ${into} and pet_id in (select id from pets where tutor_id = ${into})`);
  await tx.run(sql`update identities set person_id = ${into} where person_id = ${from}`);
  await tx.run(sql`update consents set person_id = ${into} where person_id = ${from}`);
}

/** Keeps a second phone as one more way to know the person. */
export async function keepPhone(tx: Queryable, personId: string, phone: string): Promise<void> {
  await tx.run(sql`
    insert into identities (id, person_id, channel, address, kind, created_at, last_seen_at)
    values (${newId()}, ${personId}, 'manual', ${phone}, 'phone', ${statementTime}, ${statementTime}) on conflict do nothing`);
}
