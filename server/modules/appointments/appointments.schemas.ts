/** Wire = row: what the appointment calls take in and give out. */
import { z } from 'zod';
import { pageQuery } from '#platform/http/page';
import { atLeastOne, day, externalId, id, instant, line, size, species, text, updatedSince } from '#platform/http/schema';
import { type Status, statuses } from './statuses.ts';

const status = z.enum(statuses);

const statusList = z
  .string()
  .max(200)
  .transform((raw, ctx): Status[] => {
    const parsed = z
      .array(status)
      .min(1)
      .safeParse(raw.split(',').map((word) => word.trim()));
    if (parsed.success) return [...new Set(parsed.data)].sort();
    ctx.addIssue({ code: 'custom', message: `must be one or more of ${statuses.join(', ')}, with commas between` });
    return z.NEVER;
  })
  .meta({ type: 'string', description: `One or more of ${statuses.join(', ')}, with commas between.` });

const start = instant
  .refine((at) => at.endsWith(':00.000Z'), 'must be a whole minute')
  .meta({ type: 'string', format: 'date-time', description: 'A whole minute.' });

export const createAppointment = z.strictObject({
  tutor_id: id,
  pet_id: id,
  service_id: id,
  starts_at: start,
  resource_id: id.nullish().meta({ description: 'Left out: any resource of the service that is free.' }),
  hold_id: id.nullish().meta({ description: 'A pending appointment of the same tutor, pet, service and time; it becomes the booking.' }),
  notes: text(4000).nullish(),
  external_id: externalId.nullish(),
});
export type CreateAppointment = z.output<typeof createAppointment>;

export const updateAppointment = atLeastOne(
  z
    .strictObject({
      status,
      starts_at: start,
      resource_id: id,
      service_id: id.meta({ description: 'Another service is priced anew; allowed until the visit begins.' }),
      cancel_reason: text(500).nullable().meta({ description: 'With status cancelled only.' }),
      notes: text(4000).nullable(),
      external_id: externalId.nullable(),
    })
    .partial(),
);
export type UpdateAppointment = z.output<typeof updateAppointment>;

const visitResource = z.object({ id, name: z.string(), unit: z.number().int().min(1) });
export type VisitResource = z.output<typeof visitResource>;

export const appointment = z.object({
  id,
  tutor_id: id,
  tutor_name: z.string().nullable(),
  pet_id: id,
  pet_name: z.string(),
  service_id: id,
  service_name: z.string(),
  status,
  starts_at: instant,
  ends_at: instant,
  price_cents: z.number().int().nullable().meta({ description: 'As agreed when it was booked.' }),
  notes: z.string().nullable(),
  hold_expires_at: instant.nullable(),
  hold_reason: z.enum(['proposal', 'deposit', 'request']).nullable(),
  cancel_reason: z.string().nullable(),
  source: z.string(),
  external_id: z.string().nullable(),
  resources: z.array(visitResource),
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type Appointment = z.output<typeof appointment>;

/** A day of the clinic, or a moment with its offset. */
const dayOrInstant = (ofDay: string, ofInstant: string) =>
  z
    .string()
    .max(40)
    .transform((raw, ctx): string => {
      const parsed = (raw.includes('T') ? instant : day).safeParse(raw);
      if (parsed.success) return parsed.data;
      ctx.addIssue({ code: 'custom', message: 'must be a real day, YYYY-MM-DD, or an ISO 8601 time with its offset' });
      return z.NEVER;
    })
    .meta({ type: 'string', description: `A day of the clinic, YYYY-MM-DD (${ofDay}), or a time with its offset (${ofInstant}).` });

/** False for a moment, and for nothing. */
export function isDay(from: string | undefined): boolean {
  return from?.length === 'YYYY-MM-DD'.length;
}

export const appointmentQuery = z.strictObject({
  ...pageQuery,
  tutor_id: id.optional(),
  pet_id: id.optional(),
  resource_id: id.optional(),
  service_id: id.optional(),
  status: statusList.optional(),
  external_id: externalId.optional(),
  from: dayOrInstant('from its beginning', 'inclusive').optional(),
  to: dayOrInstant('to its end', 'exclusive').optional(),
  updated_since: updatedSince,
});
export type AppointmentQuery = z.output<typeof appointmentQuery>;

/** Days one search may span: as far as anything can be booked, by default. */
const SEARCH_DAYS = 400;
/** More free times than this are refused, not cut. */
export const MAX_SLOTS = 20_000;

export const availabilityQuery = z
  .strictObject({
    service_id: id,
    from: day,
    to: day.meta({ description: `Inclusive; at most ${SEARCH_DAYS} days after from.` }),
    pet_id: id.optional().meta({ description: 'Its species, size and coat decide; those in the query are then ignored.' }),
    species: species.optional(),
    size: size.optional(),
    coat: line(60).optional(),
    resource_id: id.optional(),
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(MAX_SLOTS)
      .optional()
      .meta({ description: `The earliest so many. Without it all are listed, and more than ${MAX_SLOTS} are refused.` }),
  })
  .superRefine(({ from, to }, ctx) => {
    if (from > to) ctx.addIssue({ code: 'custom', path: ['to'], message: 'must not be before from' });
    if (daysBetween(from, to) > SEARCH_DAYS) ctx.addIssue({ code: 'custom', path: ['to'], message: `must be at most ${SEARCH_DAYS} days after from` });
  });
export type AvailabilityQuery = z.output<typeof availabilityQuery>;

function daysBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 86_400_000;
}

export const slot = z.object({ starts_at: instant, ends_at: instant, resource_id: id, resource_name: z.string() });

export const appointmentId = z.object({ id });
