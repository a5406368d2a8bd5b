/** Wire = row: what the customer calls take in and give out. A customer is a person with everything that hangs on it. */
import { z } from 'zod';
import { atLeastOne, flag, id, instant, line, phone } from '#platform/http/schema';
import { currentConsents } from './consents.schemas.ts';
import { pet } from './pets.schemas.ts';
import { createTutor, tutor, updateTutor } from './tutors.schemas.ts';

const pushName = line(120).nullable().meta({ description: 'The name a channel shows for them.' });

export const createPerson = z
  .strictObject({ ...createTutor.partial().shape, push_name: pushName.optional() })
  .refine((person) => person.phone || person.name || person.external_id, 'needs a phone, a name or an external_id');
export type CreatePerson = z.output<typeof createPerson>;

export const updatePerson = atLeastOne(z.strictObject({ ...updateTutor.shape, phone: phone.nullable().optional(), push_name: pushName.optional() }));
export type UpdatePerson = z.output<typeof updatePerson>;

export const person = tutor.omit({ user_id: true }).extend({ push_name: z.string().nullable(), erased_at: instant.nullable() });
export type Person = z.output<typeof person>;

export const identity = z.object({ channel: z.string(), address: z.string(), kind: z.enum(['phone', 'opaque']), created_at: instant, last_seen_at: instant });
export type Identity = z.output<typeof identity>;

export const petInView = z.object({ ...pet.shape, relation: z.string().meta({ description: 'tutor, or the role of a guardian.' }) });
export type PetInView = z.output<typeof petInView>;

/** With what other modules add, e.g. the next visits. */
export const personView = z.looseObject({
  ...person.shape,
  identities: z.array(identity),
  pets: z.array(petInView).meta({ description: 'Their own and those they are a guardian of, archived ones left out; at most 200.' }),
  consents: currentConsents,
});
export type PersonView = z.output<typeof personView>;

export const mergePeople = z.strictObject({
  from_id: id.meta({ description: 'Everything of this record moves; afterwards it answers 404 with details.merged_into.' }),
});

export const removePerson = z.strictObject({
  erase: flag.optional().meta({ description: 'true: forget the person, whatever hangs on it; answers 202 and a job. Calling again tells how the job fares.' }),
});
export const erasureJob = z.object({ job: z.object({ id, status: z.enum(['ready', 'done', 'dead']) }) });
