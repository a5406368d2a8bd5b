/** Consent records: what was agreed to, when and how. The newest record of a purpose holds. */
import type { Ctx } from '#platform/ctx';
import type { Queryable } from '#platform/db/database';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';

export interface NewConsent {
  person_id: string;
  purpose: 'marketing' | 'reminders' | 'photos';
  granted: boolean;
  source: string;
  evidence?: string | null;
}

export async function insertConsent(tx: Queryable, ctx: Ctx, consent: NewConsent): Promise<void> {
  await tx.run(sql`
    insert into consents (id, person_id, purpose, granted, source, evidence, created_at)
    values (${newId()}, ${consent.person_id}, ${consent.purpose}, ${consent.granted}, ${consent.source}, ${consent.evidence}, ${ctx.now})`);
}
