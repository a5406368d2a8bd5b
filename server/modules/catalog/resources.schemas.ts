/** Wire = row: what the resource calls take in and give out. A resource is what a service occupies: a person, a tub, a room. */
import { z } from 'zod';
import { atLeastOne, externalId, id, instant, line } from '#platform/http/schema';
import { catalogQuery } from './catalog.schemas.ts';

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const SPAN = /^(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;

const span = z
  .string()
  .regex(SPAN, { error: 'must be a span of hours like 08:00-12:00', abort: true })
  .refine((value) => value.slice(0, 5) < value.slice(6), 'must end after it starts');
const spans = z
  .array(span)
  .max(10)
  .refine((list) => list.every((value, i) => i === 0 || list[i - 1]!.slice(6) <= value.slice(0, 5)), 'must be in order and not overlap');

/** Local hours by weekday; no span: does not work on that day. */
export const weekHours = z.strictObject({ mon: spans, tue: spans, wed: spans, thu: spans, fri: spans, sat: spans, sun: spans });
export type WeekHours = z.output<typeof weekHours>;

const hours = weekHours
  .partial()
  .transform((given) => Object.fromEntries(WEEKDAYS.map((day) => [day, given[day] ?? []])) as WeekHours)
  .meta({
    description: "Own hours, inside the clinic's; days not named have none. null: the clinic's hours.",
    example: { mon: ['08:00-12:00', '13:00-18:00'] },
  });

const resourceKind = z.enum(['vet', 'groomer', 'tub', 'room', 'equipment', 'other']);

const fields = {
  name: line(120),
  kind: resourceKind,
  capacity: z.number().int().min(1).max(100).meta({ description: 'How many it serves at once.' }),
  hours: hours.nullable(),
  external_id: externalId.nullable(),
};

export const createResource = z.strictObject({ ...z.object(fields).partial().shape, name: fields.name });
export type CreateResource = z.output<typeof createResource>;

export const updateResource = atLeastOne(z.strictObject({ ...fields, archived: z.boolean() }).partial());
export type UpdateResource = z.output<typeof updateResource>;

export const resource = z.object({
  id,
  name: z.string(),
  kind: resourceKind,
  capacity: z.number().int(),
  hours: weekHours.nullable(),
  external_id: z.string().nullable(),
  archived_at: instant.nullable(),
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type Resource = z.output<typeof resource>;

export const resourceQuery = z.strictObject({ ...catalogQuery, kind: resourceKind.optional() });
export type ResourceQuery = z.output<typeof resourceQuery>;
