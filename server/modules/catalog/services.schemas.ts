/** Wire = row: what the service calls take in and give out. */
import { z } from 'zod';
import { atLeastOne, cents, externalId, id, instant, line, size, species, text } from '#platform/http/schema';
import { fold } from '#platform/text';
import { catalogQuery, speciesList } from './catalog.schemas.ts';
import { weekHours } from './resources.schemas.ts';

const minutes = z.number().int().min(1).max(1440);
const buffer = z.number().int().min(0).max(240).meta({ description: 'Minutes the resource is kept free beside the visit.' });
const booking = z.enum(['auto', 'request', 'staff']);

const priceRow = z.strictObject({
  species: species.nullish(),
  size: size.nullish(),
  coat: line(60).nullish(),
  price_cents: cents,
  duration_minutes: minutes.nullish().meta({ description: "Left out: the service's own." }),
});
export type PriceInput = z.output<typeof priceRow>;

const prices = z
  .array(priceRow)
  .max(100)
  .superRefine((rows, ctx) => {
    const seen = new Set<string>();
    for (const [i, row] of rows.entries()) {
      const facts = JSON.stringify([row.species ?? null, row.size ?? null, row.coat ? fold(row.coat) : null]);
      if (seen.has(facts)) ctx.addIssue({ code: 'custom', path: [i], message: 'has the same species, size and coat as a row before it' });
      seen.add(facts);
    }
  })
  .meta({ description: 'Prices that depend on the pet: the row with most matching facts wins, the first of equals; none: price_cents.' });

const resourceIds = z
  .array(id)
  .max(50)
  .refine((ids) => new Set(ids).size === ids.length, 'must name each resource once')
  .meta({ description: 'Any one of these can serve, tried in this order. None: not bookable yet. Left out of a POST: it gets a resource of its own.' });

const fields = {
  name: line(120),
  description: text(4000).nullable(),
  duration_minutes: minutes,
  price_cents: cents,
  prices,
  requires: z.null().meta({ description: 'Reserved; only null.' }),
  resources: resourceIds,
  species: speciesList,
  booking: booking.meta({ description: 'auto: booked at once; request: staff confirm; staff: only staff book it.' }),
  instructions: text(4000).nullable().meta({ description: 'What the tutor is told beforehand.' }),
  buffer_before_minutes: buffer,
  buffer_after_minutes: buffer,
  external_id: externalId.nullable(),
};

export const createService = z.strictObject({
  ...z.object(fields).partial().shape,
  name: fields.name,
  duration_minutes: fields.duration_minutes,
  price_cents: fields.price_cents,
});
export type CreateService = z.output<typeof createService>;

export const updateService = atLeastOne(z.strictObject({ ...fields, archived: z.boolean() }).partial());
export type UpdateService = z.output<typeof updateService>;

const servicePrice = z.object({
  species: species.nullable(),
  size: size.nullable(),
  coat: z.string().nullable(),
  price_cents: cents,
  duration_minutes: minutes.nullable(),
});
export type ServicePrice = z.output<typeof servicePrice>;

/** Archived resources serve nobody, so a service does not show them until they are back in use. */
const serviceResource = z.object({ id, name: z.string(), capacity: z.number().int(), hours: weekHours.nullable() });
export type ServiceResource = z.output<typeof serviceResource>;

export const service = z.object({
  id,
  name: z.string(),
  description: z.string().nullable(),
  duration_minutes: minutes,
  price_cents: cents,
  prices: z.array(servicePrice),
  requires: z.null(),
  resources: z.array(serviceResource),
  species: speciesList,
  booking,
  instructions: z.string().nullable(),
  buffer_before_minutes: z.number().int(),
  buffer_after_minutes: z.number().int(),
  external_id: z.string().nullable(),
  archived_at: instant.nullable(),
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type Service = z.output<typeof service>;

export const serviceQuery = z.strictObject(catalogQuery);
export type ServiceQuery = z.output<typeof serviceQuery>;
