/** Wire = row: what the appointment calls take in and give out. */
import { z } from 'zod';
import { pageQuery } from '#platform/http/page';
import { atLeastOne, day, externalId, id, instant, line, size, species, text } from '#platform/http/schema';
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

export const createAppointment = z.strictObject({
  tutor_id: id,
  pet_id: id,
  service_id: id,
  starts_at: instant,
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
      starts_at: instant,
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

interface Days {
  from?: string | undefined;
  to?: string | undefined;
}

function inOrder({ from, to }: Days, ctx: z.RefinementCtx): void {
  if (from !== undefined && to !== undefined && from > to) ctx.addIssue({ code: 'custom', path: ['to'], message: 'must not be before from' });
}

export const appointmentQuery = z
  .strictObject({
    ...pageQuery,
    tutor_id: id.optional(),
    pet_id: id.optional(),
    resource_id: id.optional(),
    service_id: id.optional(),
    status: statusList.optional(),
    external_id: externalId.optional(),
    from: day.optional().meta({ description: 'First day of the clinic, inclusive.' }),
    to: day.optional().meta({ description: 'Last day of the clinic, inclusive.' }),
    updated_since: instant.optional().meta({ description: 'Only rows changed since; then the oldest change comes first.' }),
  })
  .superRefine(inOrder);
export type AppointmentQuery = z.output<typeof appointmentQuery>;

/** Days one search may span. */
const SEARCH_DAYS = 62;
const MAX_SLOTS = 5_000;

export const availabilityQuery = z
  .strictObject({
    service_id: id,
    from: day,
    to: day.meta({ description: `Inclusive; at most ${SEARCH_DAYS} days a call.` }),
    pet_id: id.optional().meta({ description: 'Its species, size and coat decide; those in the query are then ignored.' }),
    species: species.optional(),
    size: size.optional(),
    coat: line(60).optional(),
    resource_id: id.optional(),
    limit: z.coerce.number().int().min(1).max(MAX_SLOTS).default(MAX_SLOTS).meta({ description: 'The earliest so many.' }),
  })
  .superRefine((query, ctx) => {
    inOrder(query, ctx);
    if (daysBetween(query.from, query.to) >= SEARCH_DAYS)
      ctx.addIssue({ code: 'custom', path: ['to'], message: `must be at most ${SEARCH_DAYS} days from from` });
  });
export type AvailabilityQuery = z.output<typeof availabilityQuery>;

function daysBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 86_400_000;
}

export const slot = z.object({ starts_at: instant, ends_at: instant, resource_id: id, resource_name: z.string() });

export const appointmentId = z.object({ id });
