/** Wire = row: API keys. The key itself is in one answer only, that of its creation. */
import { z } from 'zod';
import { pageQuery } from '#platform/http/page';
import { id, instant, line } from '#platform/http/schema';
import { scope } from './scopes.ts';

export const createApiKey = z.strictObject({
  name: line(120),
  scopes: z
    .array(scope)
    .min(1, 'must name at least one scope')
    .max(100)
    .transform((list) => [...new Set(list)].sort()),
  expires_at: instant.nullable().optional(),
});
export type CreateApiKey = z.output<typeof createApiKey>;

export const apiKey = z.object({
  id,
  name: z.string(),
  prefix: z.string().meta({ description: 'The first characters, to recognise it by.' }),
  scopes: z.array(z.string()),
  origin: z.enum(['created', 'environment']),
  expires_at: instant.nullable(),
  revoked_at: instant.nullable(),
  last_used_at: instant.nullable().meta({ description: 'To the minute.' }),
  created_at: instant,
});
export type ApiKey = z.output<typeof apiKey>;

export const createdApiKey = apiKey.extend({ key: z.string().meta({ description: 'Shown this once; only its digest is kept.' }) });
export type CreatedApiKey = z.output<typeof createdApiKey>;

export const apiKeyQuery = z.strictObject(pageQuery);
export type ApiKeyQuery = z.output<typeof apiKeyQuery>;

export const apiKeyId = z.object({ id });
