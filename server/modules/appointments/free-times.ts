/** Searching free times: settings, one service, and what is busy; then the pure rule. */
import { addMs, DAY } from '#platform/clock';
import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { invalidField } from '#platform/errors';
import { priceOf } from '#modules/catalog/index';
import { addDays, dayBounds, localDay } from '#modules/settings/index';
import { type AvailabilityQuery, MAX_SLOTS } from './appointments.schemas.ts';
import { freeSlots, type Slot } from './availability.ts';
import type { BookingFacts } from './booking-facts.ts';
import { bookingRequest, refuseResource, refuseSpecies } from './booking-rules.ts';
import { readOccupancy } from './occupancy.repository.ts';

/**
 * Free starts by time, one per start and resource; days that are past or beyond the horizon have none.
 * The number of statements depends neither on days nor on resources nor on what is busy.
 */
export function createFreeTimes({ db, facts }: { db: Database; facts: BookingFacts }) {
  return async function freeTimes(ctx: Ctx, query: AvailabilityQuery): Promise<Slot[]> {
    const service = await facts.service(ctx, query.service_id);
    refuseResource(service, query.resource_id);
    const pet = query.pet_id === undefined ? query : await facts.pet(ctx, query.pet_id);
    refuseSpecies(service, pet.species);
    const { duration_minutes } = priceOf(service, pet);
    const clinic = await facts.clinic(ctx);
    const { timezone } = clinic.opening;
    const today = localDay(timezone, ctx.now);
    const from = query.from > today ? query.from : today;
    const last = addDays(today, clinic.policies.horizon_days);
    const to = query.to < last ? query.to : last;
    if (from > to) return [];
    const wanted = service.resources.map(({ id }) => id).filter((id) => query.resource_id === undefined || id === query.resource_id);
    // A visit ends on the day it starts; a day more on both sides holds any buffer.
    const range = { busy_from: addMs(dayBounds(timezone, from).starts_at, -DAY), busy_to: addMs(dayBounds(timezone, to).ends_at, DAY) };
    const { busy } = await readOccupancy(ctx.tx ?? db, wanted, range);
    const request = bookingRequest(clinic, { service, duration_minutes, resource_id: query.resource_id }, busy, ctx.now);
    const slots = freeSlots({ ...request, from, to, grid_minutes: clinic.policies.grid_minutes, limit: query.limit ?? MAX_SLOTS + 1 });
    if (slots.length > MAX_SLOTS) throw invalidField('to', `makes more than ${MAX_SLOTS} free times; ask for fewer days, one resource or a limit`);
    return slots;
  };
}
