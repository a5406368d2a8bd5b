/** Wire = row: what the pet and guardian calls take in and give out. */
import { z } from 'zod';
import { pageQuery } from '#platform/http/page';
import { atLeastOne, day, externalId, flag, id, instant, line, size, species, text, updatedSince } from '#platform/http/schema';

const weight = z
  .number()
  .gt(0)
  .max(200)
  .refine((kg) => Number(kg.toFixed(3)) === kg, 'must have at most 3 decimals')
  .meta({ description: 'Kilograms, to the gram.' });
const sex = z.enum(['male', 'female']);

const facts = {
  breed: line(80).nullable(),
  size: size.nullable(),
  coat: line(60).nullable().meta({ description: 'Free words; services are priced by them.' }),
  sex: sex.nullable(),
  birth_date: day.nullable(),
  weight_kg: weight.nullable(),
  neutered: z.boolean().nullable(),
  handling_notes: text(2000).nullable(),
  notes: text(4000).nullable(),
  external_id: externalId.nullable(),
};

export const createPet = z.strictObject({ name: line(80), species, ...z.object(facts).partial().shape });
export type CreatePet = z.output<typeof createPet>;

export const updatePet = atLeastOne(
  z
    .strictObject({
      name: line(80),
      species,
      tutor_id: id.meta({ description: 'Moves the pet to another tutor; past visits stay where they are.' }),
      archived: z.boolean(),
      deceased: z.boolean().meta({ description: 'true stops every notice about the pet; false undoes it.' }),
      ...facts,
    })
    .partial(),
);
export type UpdatePet = z.output<typeof updatePet>;

export const pet = z.object({
  id,
  tutor_id: id,
  name: z.string(),
  species,
  breed: z.string().nullable(),
  size: size.nullable(),
  coat: z.string().nullable(),
  sex: sex.nullable(),
  birth_date: day.nullable(),
  weight_kg: z.number().nullable(),
  neutered: z.boolean().nullable(),
  handling_notes: z.string().nullable(),
  notes: z.string().nullable(),
  external_id: z.string().nullable(),
  deceased_at: instant.nullable(),
  archived_at: instant.nullable(),
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type Pet = z.output<typeof pet>;

export const petQuery = z.strictObject({
  ...pageQuery,
  updated_since: updatedSince,
  archived: flag.optional().meta({ description: 'true: the archived ones; otherwise those in use.' }),
});
export type PetQuery = z.output<typeof petQuery>;

export const createGuardian = z.strictObject({ person_id: id, role: line(60).default('guardian') });
export type CreateGuardian = z.output<typeof createGuardian>;

export const guardian = z.object({
  pet_id: id,
  person_id: id,
  role: z.string(),
  name: z.string().nullable(),
  phone: z.string().nullable(),
  created_at: instant,
});
export type Guardian = z.output<typeof guardian>;

export const guardianQuery = z.strictObject(pageQuery);
export type GuardianQuery = z.output<typeof guardianQuery>;

export const petId = z.object({ id });
export const guardianId = z.object({ id, person_id: id });
