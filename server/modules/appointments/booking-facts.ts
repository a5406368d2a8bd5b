/** What a booking is decided by, read from the database now: never from the cache. */
import { invalidField } from '#platform/errors';
import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import type { SettingsService } from '#modules/settings/index';
import { type BookableService, findBookableService, readVisitor, type VisitIds, type VisitingPet, type VisitorState } from './booking-facts.repository.ts';
import type { Clinic } from './booking-rules.ts';

export interface BookingFactsParts {
  db: Database;
  settings: Pick<SettingsService, 'booking'>;
}

export interface BookingFacts {
  /** Throws VALIDATION_FAILED naming `service_id` when it is unknown, or archived and not `evenArchived`. One statement. */
  service(ctx: Ctx, id: string, evenArchived?: boolean): Promise<BookableService>;
  /** A pet that can still come, whoever brings it. Throws VALIDATION_FAILED naming `pet_id`. One statement. */
  pet(ctx: Ctx, id: string): Promise<VisitingPet>;
  /**
   * The pet, and everybody it belongs to. Throws VALIDATION_FAILED when tutor or pet are unknown, gone, or strangers to each other.
   * One statement.
   */
  visitor(ctx: Ctx, ids: Pick<VisitIds, 'tutor_id' | 'pet_id'>): Promise<{ pet: VisitingPet; people: string[] }>;
  /** Two statements. */
  clinic(ctx: Ctx): Promise<Clinic>;
}

export function createBookingFacts({ db, settings }: BookingFactsParts): BookingFacts {
  async function read(ctx: Ctx, tutorId: string, petId: string) {
    const rows = await readVisitor(ctx.tx ?? db, tutorId, petId);
    return { row: rows[0]!, people: rows.flatMap(({ person_id }) => person_id ?? []) };
  }

  return {
    async service(ctx, id, evenArchived = false) {
      const service = await findBookableService(ctx.tx ?? db, id);
      if (!service) throw invalidField('service_id', 'is not a known service');
      if (!evenArchived) refuseArchivedService(service.archived_at);
      return service;
    },
    async pet(ctx, id) {
      const { row } = await read(ctx, '', id);
      const { pet_id, species, size, coat } = row;
      if (pet_id === null) throw unknownPet();
      refusePet(row);
      return { id: pet_id, species, size, coat };
    },
    async visitor(ctx, ids) {
      const { row, people } = await read(ctx, ids.tutor_id, ids.pet_id);
      const { tutor_id, pet_id, species, size, coat } = row;
      if (tutor_id === null) throw invalidField('tutor_id', 'is not a known tutor');
      refuseTutor(row);
      if (pet_id === null) throw unknownPet();
      refusePet(row);
      refuseStranger(tutor_id, people);
      return { pet: { id: pet_id, species, size, coat }, people };
    },
    clinic: (ctx) => settings.booking(ctx),
  };
}

const unknownPet = () => invalidField('pet_id', 'is not a known pet');

/** Throws VALIDATION_FAILED naming `service_id`. */
export function refuseArchivedService(archivedAt: string | null): void {
  if (archivedAt !== null) throw invalidField('service_id', 'is an archived service');
}

/** Throws VALIDATION_FAILED naming `tutor_id`. */
export function refuseTutor({ tutor_archived_at }: Pick<VisitorState, 'tutor_archived_at'>): void {
  if (tutor_archived_at !== null) throw invalidField('tutor_id', 'is an archived tutor');
}

/** Throws VALIDATION_FAILED naming `pet_id`. */
export function refusePet({ deceased_at, pet_archived_at }: Pick<VisitorState, 'deceased_at' | 'pet_archived_at'>): void {
  refuseDeceased(deceased_at);
  if (pet_archived_at !== null) throw invalidField('pet_id', 'is an archived pet');
}

/** Throws VALIDATION_FAILED naming `pet_id`. */
export function refuseDeceased(deceasedAt: string | null): void {
  if (deceasedAt !== null) throw invalidField('pet_id', 'is a pet that has died');
}

/** Throws VALIDATION_FAILED naming `pet_id` when the pet does not belong to the person. */
export function refuseStranger(tutorId: string, people: readonly string[]): void {
  if (!people.includes(tutorId)) throw invalidField('pet_id', 'is not a pet of this tutor');
}
