import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation } from '#platform/db/database';
import { alreadyExists, inUse, invalidField, notFound, versionMismatch } from '#platform/errors';
import { publish } from '#platform/events/events';
import type { Page } from '#platform/http/page';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import { deleteGuardian } from './guardians.repository.ts';
import { personNotFound } from './people.errors.ts';
import { lockPeople } from './people.repository.ts';
import * as rows from './pets.repository.ts';
import type { CreatePet, Pet, PetQuery, UpdatePet } from './pets.schemas.ts';
import { findTutor } from './tutors.repository.ts';
import type { ChangePet } from './viewers.ts';

export interface PetsService {
  /** The pets a tutor is the principal of. Throws NOT_FOUND for the tutor. */
  list(ctx: Ctx, tutorId: string, query: PetQuery): Promise<Page<Pet>>;
  /** Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<Pet>;
  /** Throws NOT_FOUND for the tutor, VALIDATION_FAILED, ALREADY_EXISTS with `details.id` for a known external id. */
  create(ctx: Ctx, tutorId: string, input: CreatePet): Promise<Pet>;
  /** Throws NOT_FOUND, VALIDATION_FAILED, VERSION_MISMATCH, ALREADY_EXISTS. */
  update(ctx: Ctx, id: string, patch: UpdatePet, ifMatch?: number): Promise<Pet>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, IN_USE. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
}

export interface PetsParts {
  db: Database;
  writer: Writer;
  changePet: ChangePet;
  /** The clinic's day at the caller's moment, `YYYY-MM-DD`. */
  today: (ctx: Ctx) => Promise<string>;
}

export function createPetsService({ db, writer, changePet, today }: PetsParts): PetsService {
  async function checkBirth(ctx: Ctx, birthDate: string | null | undefined): Promise<void> {
    if (birthDate && birthDate > (await today(ctx))) throw invalidField('birth_date', 'must not be in the future');
  }

  async function taken(ctx: Ctx, externalId: string): Promise<Error> {
    return alreadyExists({ details: { id: (await rows.findPetIdByExternalId(ctx.tx ?? db, externalId)) ?? null } });
  }

  return {
    async list(ctx, tutorId, query) {
      const from = ctx.tx ?? db;
      if (!(await findTutor(from, tutorId))) throw await personNotFound(from, tutorId);
      return rows.listPets(from, tutorId, query);
    },
    async get(ctx, id) {
      const pet = await rows.findPet(ctx.tx ?? db, id);
      if (!pet) throw notFound();
      return pet;
    },
    async create(ctx, tutorId, input) {
      await checkBirth(ctx, input.birth_date);
      return writer.write(ctx, { topics: [`person:${tutorId}`] }, async (tx) => {
        if ((await lockPeople(tx, [tutorId])).length === 0) throw await personNotFound(tx, tutorId);
        const pet = await rows.insertPet(tx, newId(), tutorId, input);
        if (!pet) throw await taken({ ...ctx, tx }, input.external_id!);
        await audit(tx, ctx, { action: 'created', entity: 'pet', entity_id: pet.id, person_id: tutorId, changes: input });
        await publish(tx, 'pet.changed', { pet_id: pet.id, person_id: tutorId });
        return pet;
      });
    },
    async update(ctx, id, patch, ifMatch) {
      await checkBirth(ctx, patch.birth_date);
      const { tutor_id: tutor, name } = patch;
      const touching = { people: tutor === undefined ? [] : [tutor], named: tutor !== undefined || name !== undefined };
      const change = changePet(ctx, id, touching, async (tx, before, people) => {
        if (ifMatch !== undefined && before.version !== ifMatch) throw versionMismatch();
        if (patch.tutor_id !== undefined && patch.tutor_id !== before.tutor_id) {
          if (people.length === 0) throw invalidField('tutor_id', 'is not a known tutor');
          // One person is not both.
          await deleteGuardian(tx, id, patch.tutor_id);
        }
        const pet = await rows.updatePet(tx, id, patch);
        await audit(tx, ctx, { action: 'updated', entity: 'pet', entity_id: id, person_id: pet.tutor_id, changes: patch });
        const died = pet.deceased_at !== null && before.deceased_at === null;
        await publish(tx, died ? 'pet.deceased' : 'pet.changed', { pet_id: id, person_id: pet.tutor_id });
        return pet;
      });
      return change.catch(async (error: unknown) => {
        if (!(error instanceof DbViolation) || error.rule !== 'unique') throw error;
        // A caller's transaction is spoilt by now and answers nothing more.
        throw ctx.tx || !patch.external_id ? alreadyExists({ cause: error }) : await taken(ctx, patch.external_id);
      });
    },
    async remove(ctx, id, ifMatch) {
      const change = changePet(ctx, id, { named: true }, async (tx, pet) => {
        if (ifMatch !== undefined && pet.version !== ifMatch) throw versionMismatch();
        await rows.deletePet(tx, id);
        await audit(tx, ctx, { action: 'deleted', entity: 'pet', entity_id: id, person_id: pet.tutor_id });
        await publish(tx, 'pet.changed', { pet_id: id, person_id: pet.tutor_id });
      });
      await change.catch((error: unknown) => {
        throw error instanceof DbViolation && error.rule === 'foreign_key'
          ? inUse({ details: { archive: `PATCH /api/pets/${id} {"archived": true}` }, cause: error })
          : error;
      });
    },
  };
}
