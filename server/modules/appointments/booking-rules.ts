/** What may be booked, when, and with whom. Pure; throws what the caller is told. */
import { addMs, type Instant, MINUTE } from '#platform/clock';
import { type AppError, invalidField } from '#platform/errors';
import { closedReason, localDay, type Opening, type Policies } from '#modules/settings/index';
import { serviceRule, slotTaken, startRefused } from './appointments.errors.ts';
import { type BookableResource, type BookingRequest, checkStart, pickUnit, type StartFault } from './availability.ts';
import type { BookableService } from './booking-facts.repository.ts';
import type { BusyRange } from './occupancy.repository.ts';

/** What of the settings decides. */
export interface Clinic {
  opening: Opening;
  policies: Policies;
}

/** A service as it would be done for a certain pet. */
export interface Wish {
  service: BookableService;
  duration_minutes: number;
  /** Only with this one of the service's resources. */
  resource_id?: string | null | undefined;
}

/** Throws SERVICE_RULE when the service is not for that species; an unknown species passes. */
export function refuseSpecies({ species }: BookableService, given: string | null | undefined): void {
  if (species === null || given === undefined || given === null || (species as string[]).includes(given)) return;
  throw serviceRule({ message: 'This service is not for that species.', details: { reason: 'species', species } });
}

/** Throws SERVICE_RULE when nothing can serve, VALIDATION_FAILED when the resource asked for cannot. */
export function refuseResource({ resources }: BookableService, resourceId: string | null | undefined): void {
  if (resources.length === 0) throw serviceRule({ message: 'This service has no resource in use, so nobody can do it.', details: { reason: 'no_resource' } });
  if (resourceId && !resources.some(({ id }) => id === resourceId)) throw invalidField('resource_id', 'is not a resource of this service');
}

/**
 * Whether every place for exactly this time is taken by a visit of exactly this time. That one was within the hours,
 * so nothing else can be wrong with the start, and the hours need not be looked up.
 */
export function isSold({ service, resource_id }: Wish, busy: BookingRequest['busy'], { busy_from, busy_to }: BusyRange): boolean {
  const same = busy.filter((span) => span.busy_from === busy_from && span.busy_to === busy_to);
  const asked = service.resources.filter(({ id }) => !resource_id || id === resource_id);
  return asked.every((resource) => pickUnit(resource, same, busy_from, busy_to) === undefined);
}

export function bookingRequest(
  { opening, policies }: Clinic,
  { service, duration_minutes, resource_id }: Wish,
  busy: BookingRequest['busy'],
  now: Instant,
): BookingRequest {
  return {
    opening,
    resources: service.resources,
    busy,
    now,
    lead_minutes: policies.lead_minutes,
    horizon_days: policies.horizon_days,
    duration_minutes,
    buffer_before_minutes: service.buffer_before_minutes,
    buffer_after_minutes: service.buffer_after_minutes,
    resource_id: resource_id ?? undefined,
  };
}

/** Who could serve, going by `request.busy`: the preferred ones first, then in the service's order. Throws why nobody can. */
export function candidatesFor(request: BookingRequest, startsAt: Instant, preferred: readonly string[] = []): BookableResource[] {
  const asked = request.resources.filter(({ id }) => request.resource_id === undefined || id === request.resource_id);
  const free = asked.filter(({ id }) => checkStart({ ...request, resource_id: id, starts_at: startsAt }) === undefined);
  if (free.length === 0) throw refusal(checkStart({ ...request, starts_at: startsAt }) ?? 'taken', request.opening, startsAt);
  return [...free.filter(({ id }) => preferred.includes(id)), ...free.filter(({ id }) => !preferred.includes(id))];
}

function refusal(fault: StartFault, opening: Opening, startsAt: Instant): AppError {
  if (fault === 'taken') return slotTaken({ details: { starts_at: startsAt } });
  const closed = fault === 'closed' ? closedReason(opening, localDay(opening.timezone, startsAt)) : undefined;
  return startRefused(fault, closed && { closed });
}

export function endOf(startsAt: Instant, durationMinutes: number): Instant {
  return addMs(startsAt, durationMinutes * MINUTE);
}

/** What a visit keeps busy, buffers inside. */
export function busyRange(service: BookableService, startsAt: Instant, endsAt: Instant): BusyRange {
  return { busy_from: addMs(startsAt, -service.buffer_before_minutes * MINUTE), busy_to: addMs(endsAt, service.buffer_after_minutes * MINUTE) };
}
