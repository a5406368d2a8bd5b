/** Wire = row: what the tutor calls take in and give out. */
import { z } from 'zod';
import { pageQuery } from '#platform/http/page';
import { atLeastOne, day, email, externalId, flag, id, instant, line, phone, postalCode, state, taxId, text, updatedSince } from '#platform/http/schema';

const address = z.strictObject({
  street: line(200),
  number: line(20).optional(),
  complement: line(100).optional(),
  district: line(100).optional(),
  city: line(100).optional(),
  state: state.optional(),
  postal_code: postalCode.optional(),
});

const profile = {
  email: email.nullable(),
  tax_id: taxId.nullable(),
  birth_date: day.nullable(),
  address: address.nullable(),
  notes: text(4000).nullable(),
  external_id: externalId.nullable(),
};

export const createTutor = z.strictObject({
  name: line(120),
  phone,
  marketing_consent: z.boolean().optional().meta({ description: 'Recorded as a marketing consent given to, or refused before, whoever calls.' }),
  ...z.object(profile).partial().shape,
});
export type CreateTutor = z.output<typeof createTutor>;

export const updateTutor = atLeastOne(z.strictObject({ name: line(120), phone, archived: z.boolean(), marketing_opt_out: z.boolean(), ...profile }).partial());
export type UpdateTutor = z.output<typeof updateTutor>;

/** Tutors are one view of a person; the customer calls may leave the phone out, and set the name a channel shows. */
export type NewPerson = { [Field in keyof CreateTutor]?: CreateTutor[Field] | undefined } & { push_name?: string | null | undefined };
export type PersonPatch = Omit<UpdateTutor, 'phone'> & { phone?: string | null | undefined; push_name?: string | null | undefined };

export const tutor = z.object({
  id,
  user_id: id,
  name: z.string().nullable(),
  phone: z.string().nullable(),
  email: z.string().nullable(),
  tax_id: z.string().nullable(),
  birth_date: day.nullable(),
  address: address.nullable(),
  notes: z.string().nullable(),
  marketing_opt_out: z.boolean(),
  external_id: z.string().nullable(),
  archived_at: instant.nullable(),
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type Tutor = z.output<typeof tutor>;

export const tutorQuery = z.strictObject({
  ...pageQuery,
  phone: phone.optional(),
  q: line(100).optional().meta({ description: 'Part of the name (accents do not matter), the e-mail or the phone, or a whole phone in any spelling.' }),
  external_id: externalId.optional(),
  updated_since: updatedSince,
  archived: flag
    .optional()
    .meta({ description: 'true: the archived ones; otherwise those in use. A phone or an external_id finds both, when this is absent.' }),
});
export type TutorQuery = z.output<typeof tutorQuery>;

export const tutorId = z.object({ id });
