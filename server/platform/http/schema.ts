/** Building blocks of request schemas: what comes in is cleaned and canonical before a service sees it. */
import { isValidCnpj, isValidCpf } from '@brazilian-utils/brazilian-utils';
import { z } from 'zod';
import { instantOf } from '../clock.ts';
import { parsePhone } from '../phone.ts';
import { cleanLine, cleanText, graphemes } from '../text.ts';

/** An id as we make them; any UUID is accepted, in lower case. */
export const id = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i, 'must be a UUID')
  .toLowerCase()
  .meta({ format: 'uuid' });

/** One line of human text, cleaned of control, zero-width and bidi characters; 1 to `max` graphemes. */
export function line(max: number, min = 1) {
  return bounded(cleanLine, max, min);
}

/** Human text that may have several lines, cleaned alike. */
export function text(max: number, min = 1) {
  return bounded(cleanText, max, min);
}

function bounded(clean: (raw: string) => string, max: number, min: number) {
  return z
    .string()
    .max(max * 16 + 64, 'is too long')
    .transform(clean)
    .refine((value) => graphemes(value) >= min, min === 1 ? 'must not be empty' : `must have at least ${min} characters`)
    .refine((value) => graphemes(value) <= max, `must have at most ${max} characters`)
    .meta({ type: 'string', minLength: min, maxLength: max });
}

/** Any Brazilian spelling (or a foreign number with its +) → E.164. */
export const phone = z
  .string()
  .max(64)
  .transform((raw, ctx) => {
    const parsed = parsePhone(raw);
    if (parsed !== undefined) return parsed;
    ctx.addIssue({ code: 'custom', message: 'is not a phone number with area code' });
    return z.NEVER;
  })
  .meta({ type: 'string', example: '+5511987654321', description: 'Any Brazilian spelling is accepted; answers are E.164.' });

const EARLIEST_MS = Date.UTC(2000, 0);
const LATEST_MS = Date.UTC(2100, 0);

export const email = z.email().max(254).toLowerCase();

/** CPF or CNPJ in any spelling → its characters alone, checked by their check digits. */
export const taxId = z
  .string()
  .max(32)
  .transform((raw) => raw.replace(/[.\-/\s]/g, '').toUpperCase())
  .refine((digits) => isValidCpf(digits) || isValidCnpj(digits, { version: 2 }), 'must be a valid CPF or CNPJ')
  .meta({ type: 'string' });

/** A state's two letters. */
export const state = z
  .string()
  .regex(/^[A-Za-z]{2}$/, 'must be a state, e.g. SP')
  .toUpperCase();

/** A CEP, with or without its dash → with it. */
export const postalCode = z
  .string()
  .regex(/^\d{5}-?\d{3}$/, 'must be a CEP, e.g. 01310-100')
  .transform((raw) => raw.replace(/^(\d{5})(\d{3})$/, '$1-$2'))
  .meta({ type: 'string' });

/** A moment with an offset (`2027-02-03T10:00:00-03:00` or `…Z`) → canonical UTC. Years 2000 to 2099. */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with its offset, e.g. 2027-02-03T10:00:00-03:00' })
  .transform((raw, ctx) => {
    const ms = Date.parse(raw);
    if (ms >= EARLIEST_MS && ms < LATEST_MS) return instantOf(ms);
    ctx.addIssue({ code: 'custom', message: 'must be a real moment between 2000 and 2099' });
    return z.NEVER;
  })
  .meta({ type: 'string', format: 'date-time' });

/** A day of the clinic's calendar, `YYYY-MM-DD`, that exists. */
export const day = z.iso.date({ error: 'must be a real day, YYYY-MM-DD' }).refine((d) => /^(19|20)\d\d/.test(d), 'must be between 1900 and 2099');

/** Integer cents in BRL, up to R$ 10 million. */
export const cents = z.number().int().min(0).max(1_000_000_000).meta({ description: 'Integer cents (BRL).' });

export const species = z.enum(['dog', 'cat', 'bird', 'rabbit', 'rodent', 'reptile', 'other']);
export const size = z.enum(['small', 'medium', 'large', 'giant']);

/** A caller's own id for a row, unique in its table. */
export const externalId = z
  .string()
  .max(200)
  .transform(cleanLine)
  .refine((v) => v.length > 0, 'must not be empty')
  .meta({ type: 'string', maxLength: 200 });

/** Lists by change. A row says when it was changed, and is seen once that change is finished: callers look back a little. */
export const updatedSince = instant.optional().meta({
  description:
    'Only rows changed since, archived or not; then the oldest change comes first. A change can be seen seconds after the time it carries: to miss none, ask from ten seconds before the last updated_at you saw, and expect rows you know.',
});

/** `true`/`false` in a query string. */
export const flag = z.enum(['true', 'false']).transform((v) => v === 'true');

/** A PATCH body must change something. */
export function atLeastOne<T extends z.ZodType>(schema: T) {
  return schema.refine(
    (body) => typeof body === 'object' && body !== null && Object.values(body).some((v) => v !== undefined),
    'must change at least one field',
  );
}

/** Turns zod's issues into the contract's `details.fields`. */
export function fieldFaults(error: z.ZodError): { field: string; message: string }[] {
  return error.issues.slice(0, 50).flatMap((issue) => {
    const at = issue.path.map(String);
    if (issue.code === 'unrecognized_keys')
      return issue.keys.slice(0, 20).map((key) => ({ field: [...at, key.slice(0, 100)].join('.'), message: 'is not a field of this call' }));
    return [{ field: at.join('.') || '(body)', message: issue.message }];
  });
}
