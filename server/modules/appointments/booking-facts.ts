/** What a booking is decided by, read from the database now: never from the cache. */
import { AppError, invalidField } from '#platform/errors';
import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import type { Service, ServicesService } from '#modules/catalog/index';
import type { Pet, PetsService, TutorsService } from '#modules/customers/index';
import type { SettingsService } from '#modules/settings/index';
import { listConcerned } from './appointments.repository.ts';
import type { Clinic } from './booking-rules.ts';

export interface BookingFactsParts {
  db: Database;
  tutors: Pick<TutorsService, 'get'>;
  pets: Pick<PetsService, 'get'>;
  services: Pick<ServicesService, 'get'>;
  settings: Pick<SettingsService, 'booking'>;
}

export interface BookingFacts {
  /** Throws VALIDATION_FAILED naming `service_id` when it is unknown, or archived and not `evenArchived`. */
  service(ctx: Ctx, id: string, evenArchived?: boolean): Promise<Service>;
  /** A pet that can still come. Throws VALIDATION_FAILED naming `pet_id`. */
  pet(ctx: Ctx, id: string): Promise<Pet>;
  /** The pet, and everybody it belongs to. Throws VALIDATION_FAILED when tutor or pet are unknown, gone, or strangers to each other. */
  visitor(ctx: Ctx, ids: { tutor_id: string; pet_id: string }): Promise<{ pet: Pet; people: string[] }>;
  clinic(ctx: Ctx): Promise<Clinic>;
}

export function createBookingFacts({ db, tutors, pets, services, settings }: BookingFactsParts): BookingFacts {
  async function findPet(ctx: Ctx, id: string): Promise<Pet> {
    const pet = await named('pet_id', 'is not a known pet', pets.get(ctx, id));
    if (pet.deceased_at !== null) throw invalidField('pet_id', 'is a pet that has died');
    if (pet.archived_at !== null) throw invalidField('pet_id', 'is an archived pet');
    return pet;
  }

  return {
    pet: findPet,
    async service(ctx, id, evenArchived = false) {
      const service = await named('service_id', 'is not a known service', services.get(ctx, id));
      if (service.archived_at !== null && !evenArchived) throw invalidField('service_id', 'is an archived service');
      return service;
    },
    async visitor(ctx, ids) {
      const tutor = await named('tutor_id', 'is not a known tutor', tutors.get(ctx, ids.tutor_id));
      if (tutor.archived_at !== null) throw invalidField('tutor_id', 'is an archived tutor');
      const pet = await findPet(ctx, ids.pet_id);
      const people = (await listConcerned(ctx.tx ?? db, [pet.id])).map((concern) => concern.person_id);
      if (!people.includes(tutor.id)) throw invalidField('pet_id', 'is not a pet of this tutor');
      return { pet, people };
    },
    clinic: (ctx) => settings.booking(ctx),
  };
}

/** An unknown id inside a body or query is a fault of that field, not of the path. */
async function named<T>(field: string, message: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw error instanceof AppError && error.status === 404 ? invalidField(field, message) : error;
  }
}
