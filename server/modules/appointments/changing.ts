/** Changing a visit: its time, its service, its status. What fails leaves it as it was. */
import { type Instant, MINUTE, msOf } from '#platform/clock';
import type { Ctx } from '#platform/ctx';
import type { Database, Tx } from '#platform/db/database';
import { conflict, invalidField, notFound, versionMismatch } from '#platform/errors';
import type { Writer } from '#platform/write';
import { priceOf } from '#modules/catalog/index';
import { changeVisit, type HeldVisit, namingDuplicate, recordChange, removeLapsed } from './visit-changes.ts';
import { holdExpired, slotTaken } from './appointments.errors.ts';
import { type AppointmentPatch, findAppointment, updateAppointment } from './appointments.repository.ts';
import type { Appointment, UpdateAppointment } from './appointments.schemas.ts';
import { type BookingFacts, refuseArchivedService, refuseDeceased, refusePet, refuseTutor } from './booking-facts.ts';
import { type BookableService, listPlaces } from './booking-facts.repository.ts';
import { bookingRequest, busyRange, candidatesFor, endOf, refuseResource, refuseSpecies } from './booking-rules.ts';
import { free, type LapsedHold, leave, occupy, readOccupancy, type Wanted } from './occupancy.repository.ts';
import { following, freeing, movable, type Status } from './statuses.ts';

export interface ChangingParts {
  db: Database;
  writer: Writer;
  facts: BookingFacts;
}

interface Move {
  starts_at: Instant;
  wanted: Wanted;
  lapsed: LapsedHold[];
}

interface Plan {
  patch: AppointmentPatch;
  move: Move | undefined;
  /** The new status gives the place back. */
  frees: boolean;
  /** It must not be a hold that ran out. */
  mustStand: boolean;
  /** Throws when the visitor cannot come like this any more; asked once nobody changes that. */
  check(held: HeldVisit): void;
  /** For audit and news. */
  change: string;
}

/** Somebody else changed the row between our look and our change so often: it is the caller's turn to look. */
const ATTEMPTS = 5;

export function createChanging({ db, writer, facts }: ChangingParts) {
  async function plan(ctx: Ctx, before: Appointment, patch: UpdateAppointment): Promise<Plan> {
    const status = nextStatus(before.status, patch.status);
    if (patch.cancel_reason && status !== 'cancelled') throw invalidField('cancel_reason', 'goes with status cancelled only');
    const moves = isMove(before, patch);
    if (moves && !(movable.includes(before.status) && movable.includes(status))) {
      throw conflict({ message: 'Its time can no longer be changed.', details: { status, movable } });
    }
    const { notes, cancel_reason, external_id } = patch;
    const own: AppointmentPatch = { notes, cancel_reason, external_id, ...(status !== before.status && { status }) };
    const another = patch.service_id !== undefined && patch.service_id !== before.service_id;
    const { move, quote } = moves ? await planMove(ctx, before, patch, another) : { move: undefined, quote: {} };
    const approved = before.status === 'pending' && status === 'scheduled';
    return {
      patch: { ...own, ...quote },
      move,
      frees: status !== before.status && freeing.includes(status),
      mustStand: before.status === 'pending' && (moves || (status !== before.status && status !== 'cancelled')),
      check(held) {
        if (approved) refuseTutor(held);
        if (approved || another) refusePet(held);
        else if (moves) refuseDeceased(held.deceased_at);
        if (another) refuseArchivedService(held.service_archived_at);
      },
      change: status !== before.status ? status : moves ? 'rescheduled' : 'updated',
    };
  }

  async function planMove(ctx: Ctx, before: Appointment, patch: UpdateAppointment, another: boolean): Promise<{ move: Move; quote: AppointmentPatch }> {
    const service = await facts.service(ctx, patch.service_id ?? before.service_id, !another);
    const kept = another ? [] : before.resources.map(({ id }) => id);
    service.resources.push(...(await placesOf(ctx, kept, service)));
    refuseResource(service, patch.resource_id);
    const { quote, duration_minutes } = another
      ? await requote(ctx, before, service)
      : { quote: {}, duration_minutes: (msOf(before.ends_at) - msOf(before.starts_at)) / MINUTE };
    const starts_at = patch.starts_at ?? before.starts_at;
    const ends_at = endOf(starts_at, duration_minutes);
    const range = busyRange(service, starts_at, ends_at);
    const clinic = await facts.clinic(ctx);
    const { busy, lapsed } = await readOccupancy(
      ctx.tx ?? db,
      service.resources.map(({ id }) => id),
      range,
      before.id,
    );
    const request = bookingRequest(clinic, { service, duration_minutes, resource_id: patch.resource_id }, busy, ctx.now);
    const preferred = before.resources.map(({ id }) => id);
    const candidates = candidatesFor(request, starts_at, preferred);
    return { move: { starts_at, wanted: { candidates, range, kept }, lapsed }, quote: { ...quote, starts_at, ends_at } };
  }

  /** What the visit has already serves it on, though the service uses it no longer. */
  async function placesOf(ctx: Ctx, kept: readonly string[], { resources }: BookableService): Promise<BookableService['resources']> {
    const missing = kept.filter((id) => !resources.some((resource) => resource.id === id));
    return missing.length === 0 ? [] : listPlaces(ctx.tx ?? db, missing);
  }

  async function requote(ctx: Ctx, before: Appointment, service: BookableService) {
    const pet = await facts.pet(ctx, before.pet_id);
    refuseSpecies(service, pet.species);
    const { price_cents, duration_minutes } = priceOf(service, pet);
    return { quote: { service_id: service.id, price_cents }, duration_minutes };
  }

  /** Undefined when the row is not what the plan was made for. */
  async function carryOut(tx: Tx, ctx: Ctx, before: Appointment, plan: Plan, given: UpdateAppointment): Promise<Appointment | undefined> {
    const { patch, move, frees, mustStand, change } = plan;
    if (move) await removeLapsed(tx, ctx, move.lapsed);
    const row = await updateAppointment(tx, before.id, before.version, patch, mustStand);
    if (!row) {
      if (mustStand && (await findAppointment(tx, before.id))?.version === before.version) throw holdExpired();
      return undefined;
    }
    const resources = move ? await relocate(tx, before.id, move) : before.resources;
    if (frees) await free(tx, [before.id]);
    await recordChange(tx, ctx, row, change, given);
    return { ...row, resources };
  }

  return async function update(ctx: Ctx, id: string, patch: UpdateAppointment, ifMatch?: number): Promise<Appointment> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = await findAppointment(ctx.tx ?? db, id);
      if (!before) throw notFound();
      if (ifMatch !== undefined && before.version !== ifMatch) throw versionMismatch();
      const planned = await plan(ctx, before, patch);
      const visit = { ...before, service_id: patch.service_id ?? before.service_id };
      const change = changeVisit({ db, writer }, ctx, visit, planned.move?.lapsed ?? [], async (tx, held) => {
        if (!held) return undefined;
        planned.check(held);
        return carryOut(tx, ctx, before, planned, patch);
      });
      const after = await namingDuplicate(db, ctx, patch.external_id, change);
      if (after) return after;
    }
    throw conflict({ message: 'Others are changing this appointment right now; read it again.', retryAfter: 1 });
  };
}

/** Throws CONFLICT with what would be allowed. */
function nextStatus(from: Status, to: Status | undefined): Status {
  if (to === undefined || to === from) return from;
  const allowed = following[from];
  if (!allowed.includes(to)) throw conflict({ message: `An appointment that is ${from} cannot become ${to}.`, details: { from, to, allowed } });
  return to;
}

function isMove(before: Appointment, { starts_at, resource_id, service_id }: UpdateAppointment): boolean {
  return (
    (starts_at !== undefined && starts_at !== before.starts_at) ||
    (service_id !== undefined && service_id !== before.service_id) ||
    (resource_id !== undefined && !before.resources.some(({ id }) => id === resource_id))
  );
}

/**
 * Out of the old place and into a new one. Looks again first, and goes only where nobody is: two visits that want each
 * other's place would otherwise wait for each other.
 */
async function relocate(tx: Tx, id: string, { starts_at, wanted }: Move): Promise<Appointment['resources']> {
  const { busy } = await readOccupancy(
    tx,
    wanted.candidates.map((resource) => resource.id),
    wanted.range,
    id,
  );
  await leave(tx, id);
  const resource = await occupy(tx, id, wanted, busy);
  if (!resource) throw slotTaken({ details: { starts_at } });
  return [resource];
}
