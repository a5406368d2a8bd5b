/** What services, products and resources take and give alike. */
import { z } from 'zod';
import { pageQuery } from '#platform/http/page';
import { externalId, flag, id, line, species, updatedSince } from '#platform/http/schema';

/** The query fields of every list of the catalogue. */
export const catalogQuery = {
  ...pageQuery,
  q: line(100).optional().meta({ description: 'Part of the name; accents do not matter.' }),
  external_id: externalId.optional(),
  updated_since: updatedSince,
  archived: flag.optional().meta({ description: 'true: the archived ones; otherwise those in use.' }),
};

const listQuery = z.strictObject(catalogQuery);
export type CatalogQuery = z.output<typeof listQuery>;

export const catalogId = z.object({ id });

/** For which animals; null: for all. */
export const speciesList = z
  .array(species)
  .min(1, 'must name a species, or be null for all')
  .max(species.options.length)
  .refine((list) => new Set(list).size === list.length, 'must name each species once')
  .nullable()
  .meta({ description: 'For these species only; null: for all.' });
