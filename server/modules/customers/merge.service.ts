import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import type { Tx } from '#platform/db/database';
import { invalidField } from '#platform/errors';
import { publish } from '#platform/events/events';
import { currentConsents, insertConsent } from './consents.repository.ts';
import * as rows from './merge.repository.ts';
import { personNotFound } from './people.errors.ts';
import type { Person, PersonView } from './people.schemas.ts';
import type { PeopleService } from './people.service.ts';
import type { PersonFace } from './person-face.ts';
import { deleteTutor, updatePerson, updateStatement } from './tutors.repository.ts';
import type { PersonPatch } from './tutors.schemas.ts';
import type { ChangePeople } from './viewers.ts';

export interface MergeService {
  /**
   * Everything of `from` becomes `into`'s, which keeps its own fields and takes those it lacks; the old id then answers
   * NOT_FOUND with `details.merged_into`. Throws NOT_FOUND for `into`, VALIDATION_FAILED for `from`.
   */
  merge(ctx: Ctx, into: string, from: string): Promise<PersonView>;
}

export interface MergeParts {
  changePeople: ChangePeople;
  people: PeopleService;
  own: PersonFace;
  faces: () => readonly PersonFace[];
}

export function createMergeService({ changePeople, people, own, faces }: MergeParts): MergeService {
  async function move(tx: Tx, ctx: Ctx, from: Person, into: Person): Promise<void> {
    for (const face of [own, ...faces()]) await face.merge(tx, ctx, from.id, into.id);
    await rows.recordMerge(tx, from.id, into.id);
    // Before the fields move: a phone and an external id exist once.
    await deleteTutor(tx, from.id, undefined);
    const { taken, setAside } = combine(from, into);
    await tx.run(updateStatement(into.id, taken, undefined));
    await updatePerson(tx, into.id, taken);
    if (setAside.phone) await rows.keepPhone(tx, into.id, setAside.phone);
    if (taken.marketing_opt_out) await refuseMarketing(tx, into.id);
    await audit(tx, ctx, {
      action: 'merged',
      entity: 'person',
      entity_id: into.id,
      person_id: into.id,
      changes: { from_id: from.id, taken, set_aside: setAside },
    });
    await publish(tx, 'person.merged', { person_id: into.id, from_id: from.id });
  }

  return {
    async merge(ctx, into, from) {
      if (into === from) throw invalidField('from_id', 'must be another record');
      return changePeople(ctx, [into, from], async (tx, locked) => {
        const target = locked.find((person) => person.id === into);
        const source = locked.find((person) => person.id === from);
        if (!target) throw await personNotFound(tx, into);
        if (!source) throw invalidField('from_id', 'is not a known person');
        await move(tx, ctx, source, target);
        return people.view({ ...ctx, tx }, into);
      });
    },
  };
}

const FIELDS = ['phone', 'push_name', 'external_id', 'name', 'email', 'tax_id', 'birth_date', 'address'] as const;
type Fields = Partial<Pick<Person, (typeof FIELDS)[number]>>;

/** What the target takes over because it lacks it, and what it keeps its own value of. One "no" to marketing is a no. */
function combine(from: Person, into: Person): { taken: PersonPatch; setAside: Fields } {
  const taken: PersonPatch = {};
  const setAside: Fields = {};
  for (const field of FIELDS) {
    if (from[field] === null || from[field] === into[field]) continue;
    Object.assign(into[field] === null ? taken : setAside, { [field]: from[field] });
  }
  if (from.notes && from.notes !== into.notes) taken.notes = into.notes ? `${into.notes}\n\n${from.notes}` : from.notes;
  if (from.marketing_opt_out && !into.marketing_opt_out) taken.marketing_opt_out = true;
  return { taken, setAside };
}

/** The opt-out that came with the other record must also be what the newest record says. */
async function refuseMarketing(tx: Tx, personId: string): Promise<void> {
  const marketing = (await currentConsents(tx, personId)).find((record) => record.purpose === 'marketing');
  if (marketing?.granted) await insertConsent(tx, { person_id: personId, purpose: 'marketing', granted: false, source: 'merge' });
}
