/** All this module, and the audit trail, know about a person. */
import type { Queryable } from '#platform/db/database';
import { inList } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import { allConsents } from './consents.repository.ts';
import { listMergedIds } from './merge.repository.ts';
import { findPerson, listIdentities } from './people.repository.ts';
import { petColumns } from './pets.repository.ts';

export async function readEverything(db: Queryable, personId: string): Promise<object> {
  const mergedIds = await listMergedIds(db, personId);
  return {
    person: await findPerson(db, personId),
    merged_ids: mergedIds,
    identities: await listIdentities(db, personId),
    pets: await db.all(sql`select ${petColumns} from pets where tutor_id = ${personId} order by id`),
    guardian_of: await db.all(sql`
      select g.pet_id, p.name as pet_name, p.species, g.role, g.created_at from pet_guardians g join pets p on p.id = g.pet_id
      where g.person_id = ${personId} order by g.pet_id`),
    consents: await allConsents(db, personId),
    history: await db.all(sql`
      select at, actor_kind, action, entity, entity_id, changes from audit_log where person_id in ${inList([personId, ...mergedIds])} order by id`),
  };
}
