import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { publish } from '#platform/events/events';
import type { Writer } from '#platform/write';
import * as rows from './consents.repository.ts';
import { byPurpose, type ConsentLog, type RecordConsent, type RecordedConsent } from './consents.schemas.ts';
import { personNotFound } from './people.errors.ts';
import { findPerson, lockPeople } from './people.repository.ts';

export interface ConsentsService {
  /** What holds now and every record. Throws NOT_FOUND. */
  consents(ctx: Ctx, personId: string): Promise<ConsentLog>;
  /** Adds a record; one about marketing sets or clears the opt-out with it. Throws NOT_FOUND. */
  recordConsent(ctx: Ctx, personId: string, input: RecordConsent): Promise<RecordedConsent>;
}

export function createConsentsService({ db, writer }: { db: Database; writer: Writer }): ConsentsService {
  return {
    async consents(ctx, personId) {
      const from = ctx.tx ?? db;
      if (!(await findPerson(from, personId))) throw await personNotFound(from, personId);
      const records = await rows.allConsents(from, personId);
      return { current: byPurpose(records), records };
    },
    recordConsent: (ctx, personId, input) =>
      writer.write(ctx, { topics: [`person:${personId}`] }, async (tx) => {
        if ((await lockPeople(tx, [personId])).length === 0) throw await personNotFound(tx, personId);
        const record = await rows.insertConsent(tx, { source: ctx.actor.kind, ...given(input), person_id: personId });
        if (input.purpose === 'marketing') await rows.setOptOut(tx, personId, !input.granted);
        await audit(tx, ctx, { action: 'consent recorded', entity: 'person', entity_id: personId, person_id: personId, changes: input });
        await publish(tx, 'consent.changed', { person_id: personId, purpose: input.purpose });
        return { ...record, current: byPurpose(await rows.currentConsents(tx, personId)) };
      }),
  };
}

/** Without the absent source, which would hide who calls. */
function given({ source, ...rest }: RecordConsent) {
  return source === undefined ? rest : { ...rest, source };
}
