import type { Cache } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation } from '#platform/db/database';
import { inUse, invalidField, notFound, versionMismatch } from '#platform/errors';
import type { Page } from '#platform/http/page';
import type { Writer } from '#platform/write';
import { NAMES } from '#modules/customers/index';
import { dayBounds, type SettingsService } from '#modules/settings/index';
import { changeVisit, recordChange } from './visit-changes.ts';
import * as rows from './appointments.repository.ts';
import {
  type Appointment,
  type AppointmentQuery,
  appointmentQuery,
  type AvailabilityQuery,
  type CreateAppointment,
  isDay,
  type UpdateAppointment,
} from './appointments.schemas.ts';
import type { Slot } from './availability.ts';
import { type BookingFactsParts, createBookingFacts } from './booking-facts.ts';
import { createBooking } from './booking.ts';
import { createChanging } from './changing.ts';
import { createFreeTimes } from './free-times.ts';
import { following, freeing } from './statuses.ts';

export interface AppointmentsService {
  /** By time, or by change with `updated_since`. */
  list(ctx: Ctx, query: AppointmentQuery): Promise<Page<Appointment>>;
  /** A tutor's whole day as ready JSON; undefined when it does not fit on one page. */
  readDay(ctx: Ctx, tutorId: string, date: string): Promise<{ body: Buffer; hit: boolean } | undefined>;
  /** Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<Appointment>;
  /** Free starts. Throws VALIDATION_FAILED for unknown ids, SERVICE_RULE. */
  freeTimes(ctx: Ctx, query: AvailabilityQuery): Promise<Slot[]>;
  /**
   * Books, or turns a hold into the booking. Throws VALIDATION_FAILED (`details.reason` when the start is the fault), SERVICE_RULE,
   * SLOT_TAKEN, HOLD_EXPIRED, ALREADY_EXISTS. Inside a caller's transaction a throw must end that transaction.
   */
  create(ctx: Ctx, input: CreateAppointment): Promise<Appointment>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, CONFLICT for a status that may not follow, and what `create` throws about the new time. */
  update(ctx: Ctx, id: string, patch: UpdateAppointment, ifMatch?: number): Promise<Appointment>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, IN_USE when the visit has begun or something hangs on it. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
}

export interface AppointmentsParts extends Omit<BookingFactsParts, 'settings'> {
  db: Database;
  cache: Cache;
  writer: Writer;
  settings: Pick<SettingsService, 'booking' | 'profile'>;
  /** Seconds a tutor's day stays cached. */
  appointmentsTtl: number;
}

export function createAppointmentsService(parts: AppointmentsParts): AppointmentsService {
  const { db, cache, writer, settings, appointmentsTtl } = parts;
  const facts = createBookingFacts(parts);

  async function list(ctx: Ctx, query: AppointmentQuery): Promise<Page<Appointment>> {
    return rows.listAppointments(ctx.tx ?? db, query, await rangeOf(ctx, query));
  }

  /** Days are the clinic's and inclusive, moments half-open. Throws VALIDATION_FAILED when `to` comes first. */
  async function rangeOf(ctx: Ctx, { from, to }: AppointmentQuery): Promise<rows.TimeRange> {
    const timezone = isDay(from) || isDay(to) ? (await settings.profile(ctx)).timezone : '';
    const starts_at = from !== undefined && isDay(from) ? dayBounds(timezone, from).starts_at : from;
    const ends_at = to !== undefined && isDay(to) ? dayBounds(timezone, to).ends_at : to;
    if (starts_at === undefined || ends_at === undefined || from === to || starts_at < ends_at) return { starts_at, ends_at };
    throw invalidField('to', 'must not be before from');
  }

  async function get(ctx: Ctx, id: string): Promise<Appointment> {
    const appointment = await rows.findAppointment(ctx.tx ?? db, id);
    if (!appointment) throw notFound();
    return appointment;
  }

  const removeRow = (ctx: Ctx, before: Appointment, ifMatch: number | undefined): Promise<void> =>
    changeVisit({ db, writer }, ctx, before, [], async (tx) => {
      if (!(await rows.deleteAppointment(tx, before.id, ifMatch))) throw refusal(await rows.findAppointment(tx, before.id), ifMatch);
      await recordChange(tx, ctx, before, 'deleted');
    });

  return {
    list,
    get,
    readDay: (ctx, tutorId, date) =>
      cache.read({
        key: `tutor:${tutorId}:appointments:${date}`,
        topics: [`person:${tutorId}`, NAMES, 'catalog', 'settings'],
        ttlSeconds: appointmentsTtl,
        load: async () => {
          // Never from inside a caller's transaction: what is stored must have been committed.
          const { actor, now, trace } = ctx;
          const page = await list({ actor, now, trace }, appointmentQuery.parse({ tutor_id: tutorId, from: date, to: date }));
          return page.next_cursor === null ? page.rows : undefined;
        },
      }),
    freeTimes: createFreeTimes({ db, facts }),
    create: createBooking({ db, writer, facts }),
    update: createChanging({ db, writer, facts }),
    async remove(ctx, id, ifMatch) {
      const before = await get(ctx, id);
      await removeRow(ctx, before, ifMatch).catch((error: unknown) => {
        throw error instanceof DbViolation && error.rule === 'foreign_key' ? cannotGo(before, error) : error;
      });
    },
  };
}

/** Why no row was deleted. */
function refusal(now: Appointment | undefined, ifMatch: number | undefined): Error {
  if (!now) return notFound();
  return ifMatch !== undefined && now.version !== ifMatch ? versionMismatch() : cannotGo(now);
}

/** IN_USE: what has begun or is billed stays; while it can be, it is cancelled instead. */
function cannotGo({ id, status }: Appointment, cause?: unknown): Error {
  const archive = following[status].some((next) => freeing.includes(next)) ? `PATCH /api/appointments/${id} {"status": "cancelled"}` : null;
  return inUse({ message: 'The visit has begun or something hangs on it; it stays.', details: { status, archive }, ...(cause === undefined ? {} : { cause }) });
}
