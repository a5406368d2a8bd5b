import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { alreadyExists, invalidField, notFound } from '#platform/errors';
import { publish } from '#platform/events/events';
import type { Page } from '#platform/http/page';
import * as rows from './guardians.repository.ts';
import { findPet } from './pets.repository.ts';
import type { CreateGuardian, Guardian, GuardianQuery } from './pets.schemas.ts';
import type { ChangePet } from './viewers.ts';

export interface GuardiansService {
  /** Throws NOT_FOUND for the pet. */
  list(ctx: Ctx, petId: string, query: GuardianQuery): Promise<Page<Guardian>>;
  /** Throws NOT_FOUND for the pet, VALIDATION_FAILED for the person, ALREADY_EXISTS. */
  add(ctx: Ctx, petId: string, input: CreateGuardian): Promise<Guardian>;
  /** Throws NOT_FOUND for the pet and for a person who is no guardian of it. */
  remove(ctx: Ctx, petId: string, personId: string): Promise<void>;
}

export function createGuardiansService({ db, changePet }: { db: Database; changePet: ChangePet }): GuardiansService {
  return {
    async list(ctx, petId, query) {
      const from = ctx.tx ?? db;
      if (!(await findPet(from, petId))) throw notFound();
      return rows.listGuardians(from, petId, query);
    },
    add: (ctx, petId, { person_id: personId, role }) =>
      changePet(ctx, petId, { people: [personId] }, async (tx, pet, people) => {
        if (personId === pet.tutor_id) throw invalidField('person_id', 'is the tutor of this pet');
        if (people.length === 0) throw invalidField('person_id', 'is not a known person');
        if (!(await rows.insertGuardian(tx, petId, personId, role))) throw alreadyExists({ details: { id: personId } });
        await audit(tx, ctx, { action: 'guardian added', entity: 'pet', entity_id: petId, person_id: personId, changes: { person_id: personId, role } });
        await publish(tx, 'pet.changed', { pet_id: petId, person_id: pet.tutor_id });
        return (await rows.findGuardian(tx, petId, personId))!;
      }),
    remove: (ctx, petId, personId) =>
      changePet(ctx, petId, { people: [personId] }, async (tx, pet) => {
        if (!(await rows.deleteGuardian(tx, petId, personId))) throw notFound();
        await audit(tx, ctx, { action: 'guardian removed', entity: 'pet', entity_id: petId, person_id: personId });
        await publish(tx, 'pet.changed', { pet_id: petId, person_id: pet.tutor_id });
      }),
  };
}
