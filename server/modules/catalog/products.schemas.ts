/** Wire = row: what the product calls take in and give out. */
import { z } from 'zod';
import { atLeastOne, cents, externalId, flag, id, instant, line, text } from '#platform/http/schema';
import { catalogQuery, speciesList } from './catalog.schemas.ts';

const sale = z.enum(['free', 'ask_staff', 'prescription']);

const fields = {
  name: line(200),
  description: text(4000).nullable(),
  price_cents: cents,
  stock_quantity: z.number().int().min(0).max(1_000_000_000).nullable().meta({ description: 'null: not counted, always in stock.' }),
  species: speciesList,
  min_weight_kg: z.number().min(0).max(2000).nullable(),
  max_weight_kg: z.number().positive().max(2000).nullable(),
  sale: sale.meta({ description: 'free: anybody may buy it; ask_staff: a person confirms; prescription: only with one.' }),
  external_id: externalId.nullable(),
};

/** How the database's own rule about the two weights is told to callers. */
export const WEIGHTS_FAULT = { field: 'max_weight_kg', message: 'must not be below min_weight_kg' };

function weightsInOrder(product: { min_weight_kg?: number | null | undefined; max_weight_kg?: number | null | undefined }): boolean {
  const { min_weight_kg: min, max_weight_kg: max } = product;
  return min === null || min === undefined || max === null || max === undefined || min <= max;
}
const weights = { path: [WEIGHTS_FAULT.field], message: WEIGHTS_FAULT.message };

export const createProduct = z
  .strictObject({ ...z.object(fields).partial().shape, name: fields.name, price_cents: fields.price_cents })
  .refine(weightsInOrder, weights);
export type CreateProduct = z.output<typeof createProduct>;

export const updateProduct = atLeastOne(
  z
    .strictObject({ ...fields, archived: z.boolean() })
    .partial()
    .refine(weightsInOrder, weights),
);
export type UpdateProduct = z.output<typeof updateProduct>;

export const product = z.object({
  id,
  name: z.string(),
  description: z.string().nullable(),
  price_cents: cents,
  stock_quantity: z.number().int().nullable(),
  species: speciesList,
  min_weight_kg: z.number().nullable(),
  max_weight_kg: z.number().nullable(),
  sale,
  external_id: z.string().nullable(),
  archived_at: instant.nullable(),
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type Product = z.output<typeof product>;

export const productQuery = z.strictObject({
  ...catalogQuery,
  in_stock: flag.optional().meta({ description: 'true: those that can be bought now, uncounted ones included; false: the sold out ones.' }),
});
export type ProductQuery = z.output<typeof productQuery>;
