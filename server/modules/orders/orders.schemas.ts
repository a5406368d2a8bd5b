/** Wire = row: what the order calls give out. */
import { z } from 'zod';
import { pageQuery } from '#platform/http/page';
import { cents, externalId, id, instant, updatedSince } from '#platform/http/schema';

const orderStatus = z.enum(['draft', 'pending_payment', 'paid', 'preparing', 'ready', 'delivered', 'cancelled']);

const orderItem = z.object({
  id,
  product_id: id.nullable(),
  appointment_id: id.nullable(),
  pet_id: id.nullable(),
  product_name: z.string().meta({ description: "The product's name when it was added, or the booked service's." }),
  quantity: z.number().int(),
  unit_price_cents: cents,
  total_cents: z.number().int().min(0).meta({ description: 'Integer cents (BRL).' }),
});
export type OrderItem = z.output<typeof orderItem>;

export const order = z.object({
  id,
  number: z.number().int().meta({ description: 'The short number people say.' }),
  tutor_id: id,
  status: orderStatus,
  delivery: z.enum(['pickup', 'delivery']),
  address: z.looseObject({}).nullable(),
  notes: z.string().nullable(),
  items: z.array(orderItem),
  total_cents: z.number().int().min(0).meta({ description: 'Integer cents (BRL).' }),
  external_id: z.string().nullable(),
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type Order = z.output<typeof order>;

export const orderQuery = z.strictObject({
  ...pageQuery,
  tutor_id: id.optional(),
  status: orderStatus.optional(),
  external_id: externalId.optional(),
  updated_since: updatedSince,
});
export type OrderQuery = z.output<typeof orderQuery>;

export const orderId = z.object({ id });
