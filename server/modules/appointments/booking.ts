/** Booking a visit. Cheap to lose: who comes too late is told so by a read, before any transaction is opened. */
import type { Actor, Ctx } from '#platform/ctx';
import type { Database, Tx } from '#platform/db/database';
import { conflict, invalidField } from '#platform/errors';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import { priceOf } from '#modules/catalog/index';
import { changeVisit, idInUse, namingDuplicate, recordChange, removeLapsed, topicsOf, touchLate } from './visit-changes.ts';
import { holdExpired, slotTaken, startRefused } from './appointments.errors.ts';
import { findAppointment, findIdByExternalId, insertAppointment, updateAppointment } from './appointments.repository.ts';
import type { Appointment, CreateAppointment } from './appointments.schemas.ts';
import { type BookingFacts, refuseArchivedService, refusePet, refuseStranger, refuseTutor } from './booking-facts.ts';
import type { BookableService, VisitingPet } from './booking-facts.repository.ts';
import { createLine } from './booking-line.ts';
import { bookingRequest, busyRange, candidatesFor, endOf, isSold, refuseResource, refuseSpecies } from './booking-rules.ts';
import { occupy, readOccupancy } from './occupancy.repository.ts';

export interface BookingParts {
  db: Database;
  writer: Writer;
  facts: BookingFacts;
}

/** `appointments.source`: where a booking came from. */
const SOURCES: Record<Actor['kind'], string> = { user: 'console', api_key: 'api', person: 'conversation', system: 'system', anonymous: 'api' };

/** Longer than a booking takes, even a slow one. */
const PATIENCE_MS = 1_000;

type Price = Pick<ReturnType<typeof priceOf>, 'price_cents' | 'duration_minutes'>;

export function createBooking({ db, writer, facts }: BookingParts) {
  const line = createLine(PATIENCE_MS);

  function book(ctx: Ctx, input: CreateAppointment, service: BookableService, pet: VisitingPet, people: readonly string[]): Promise<Appointment> {
    refuseResource(service, input.resource_id);
    const quote = priceOf(service, pet);
    const attempt = () => take(ctx, input, service, quote, people);
    return ctx.tx ? attempt() : line(`${service.id} ${input.starts_at}`, attempt);
  }

  async function take(ctx: Ctx, input: CreateAppointment, service: BookableService, quote: Price, people: readonly string[]): Promise<Appointment> {
    const { price_cents, duration_minutes } = quote;
    const { starts_at } = input;
    const ends_at = endOf(starts_at, duration_minutes);
    const range = busyRange(service, starts_at, ends_at);
    const { busy, lapsed } = await readOccupancy(
      ctx.tx ?? db,
      service.resources.map((resource) => resource.id),
      range,
    );
    const wish = { service, duration_minutes, resource_id: input.resource_id };
    // Before the settings are read: most who come too late are told so here.
    if (starts_at >= ctx.now && isSold(wish, busy, range)) throw slotTaken({ details: { starts_at } });
    const clinic = await facts.clinic(ctx);
    const candidates = candidatesFor(bookingRequest(clinic, wish, busy, ctx.now), starts_at);
    const topics = await topicsOf(ctx.tx ?? db, people, [], lapsed);
    return writer.write(ctx, { topics }, async (tx) => {
      const { tutor_id, pet_id, notes, external_id } = input;
      const row = await insertAppointment(tx, {
        id: newId(),
        tutor_id,
        pet_id,
        service_id: service.id,
        starts_at,
        ends_at,
        price_cents,
        notes,
        source: SOURCES[ctx.actor.kind],
        external_id,
      });
      if (!row) throw await notInserted(tx, ctx, input);
      await removeLapsed(tx, ctx, lapsed);
      const resource = await occupy(tx, row.id, { candidates, range }, busy);
      if (!resource) throw slotTaken({ details: { starts_at } });
      refuseStranger(tutor_id, await touchLate(writer, tx, ctx, pet_id, topics));
      await recordChange(tx, ctx, row, 'created', input);
      return { ...row, resources: [resource] };
    });
  }

  /** What changed between our look and the insert. */
  async function notInserted(tx: Tx, ctx: Ctx, input: CreateAppointment): Promise<Error> {
    await facts.visitor({ ...ctx, tx }, input);
    await facts.service({ ...ctx, tx }, input.service_id);
    return input.external_id ? idInUse(tx, input.external_id) : conflict({ retryAfter: 1 });
  }

  /** The hold keeps its place, its price and its id. */
  async function takeHold(ctx: Ctx, input: CreateAppointment, holdId: string): Promise<Appointment> {
    const hold = await findAppointment(ctx.tx ?? db, holdId);
    if (hold?.tutor_id !== input.tutor_id) throw invalidField('hold_id', 'is not a hold of this tutor');
    for (const field of ['pet_id', 'service_id', 'starts_at'] as const)
      if (hold[field] !== input[field]) throw invalidField(field, 'is not what the hold is for');
    if (input.resource_id && !hold.resources.some(({ id }) => id === input.resource_id)) throw invalidField('resource_id', 'is not what the hold is for');
    if (hold.status !== 'pending') throw holdExpired();
    if (hold.starts_at < ctx.now) throw startRefused('past');
    const change = changeVisit({ db, writer }, ctx, hold, [], async (tx, held) => {
      if (!held) throw holdExpired();
      refuseTutor(held);
      refusePet(held);
      refuseStranger(hold.tutor_id, held.people);
      refuseArchivedService(held.service_archived_at);
      const { notes, external_id } = input;
      const row = await updateAppointment(
        tx,
        hold.id,
        hold.version,
        { status: 'scheduled', ...(notes && { notes }), ...(external_id && { external_id }) },
        true,
      );
      if (!row) throw holdExpired();
      await recordChange(tx, ctx, row, 'scheduled', input);
      return { ...row, resources: hold.resources };
    });
    return namingDuplicate(db, ctx, input.external_id, change);
  }

  return async function create(ctx: Ctx, input: CreateAppointment): Promise<Appointment> {
    // First, so that a repeated import hears "exists already" and not "taken" by itself.
    if (input.external_id && (await findIdByExternalId(ctx.tx ?? db, input.external_id))) throw await idInUse(ctx.tx ?? db, input.external_id);
    const { pet, people } = await facts.visitor(ctx, input);
    const service = await facts.service(ctx, input.service_id);
    refuseSpecies(service, pet.species);
    return input.hold_id ? takeHold(ctx, input, input.hold_id) : book(ctx, input, service, pet, people);
  };
}
