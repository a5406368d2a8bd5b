/** Consent records: what was agreed to, when and how. The newest record of a purpose holds. */
import type { Ctx } from '#platform/ctx';
import type { Queryable } from '#platform/db/database';
import { dbNow } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import type { Consent, Purpose } from './consents.schemas.ts';

export interface NewConsent {
  person_id: string;
  purpose: Purpose;
  granted: boolean;
  source: string;
  evidence?: string | null | undefined;
}

const columns = sql`c.id, c.person_id, c.purpose, c.granted, c.source, c.evidence, c.created_at`;

export async function insertConsent(tx: Queryable, consent: NewConsent): Promise<Consent> {
  const row = await tx.first<Consent>(sql`
    insert into consents (id, person_id, purpose, granted, source, evidence, created_at)
    values (${newId()}, ${consent.person_id}, ${consent.purpose}, ${consent.granted}, ${consent.source}, ${consent.evidence}, ${dbNow})
    returning id, person_id, purpose, granted, source, evidence, created_at`);
  return row!;
}

/** Records a change of the opt-out as the consent it is; to be called before the flag changes. False when it does not. */
export async function recordOptOut(tx: Queryable, ctx: Ctx, personId: string, optOut: boolean): Promise<boolean> {
  const recorded = await tx.run(sql`
    insert into consents (id, person_id, purpose, granted, source, created_at)
    select ${newId()}, id, 'marketing', ${!optOut}, ${ctx.actor.kind}, ${dbNow}
    from user_profiles where id = ${personId} and marketing_opt_out <> ${optOut}`);
  return recorded > 0;
}

/** Sets the flag that campaigns obey. False when it was so already. */
export async function setOptOut(tx: Queryable, personId: string, optOut: boolean): Promise<boolean> {
  const changed = await tx.run(sql`
    update user_profiles set marketing_opt_out = ${optOut}, version = version + 1, updated_at = ${dbNow}
    where id = ${personId} and marketing_opt_out <> ${optOut}`);
  if (changed > 0) await tx.run(sql`update tutors set version = version + 1, updated_at = ${dbNow} where id = ${personId}`);
  return changed > 0;
}

/** The record of each purpose that holds. */
export function currentConsents(db: Queryable, personId: string): Promise<Consent[]> {
  return db.all<Consent>(sql`
    select ${columns} from consents c where c.person_id = ${personId}
    and not exists (select 1 from consents n where n.person_id = c.person_id and n.purpose = c.purpose and n.id > c.id)`);
}

/** Every record, the newest first. */
export function allConsents(db: Queryable, personId: string): Promise<Consent[]> {
  return db.all<Consent>(sql`select ${columns} from consents c where c.person_id = ${personId} order by c.id desc`);
}
