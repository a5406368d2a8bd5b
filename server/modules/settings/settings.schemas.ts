/** The pieces sections are made of: what comes in is cleaned and canonical, so that reading a stored value again changes nothing. */
import { z } from 'zod';
import { line, phone } from '#platform/http/schema';
import { parseHours } from './opening.ts';

/** Spans of local hours in order; none: closed. Touching spans are fine, crossing midnight takes one until 24:00 and one from 00:00. */
export const spans = z
  .array(z.string().max(11, { error: 'must be spans of hours like 08:00-12:00', abort: true }))
  .max(12)
  .superRefine((given, ctx) => {
    try {
      parseHours(given);
    } catch (error) {
      ctx.addIssue({ code: 'custom', message: (error as Error).message });
    }
  })
  .meta({ description: 'Local hours in order, not overlapping; 24:00 may end a span; none: closed.', example: ['08:00-12:00', '13:00-18:00'] });

/** Hours by weekday, each day given. */
export const weekHours = z.strictObject({ mon: spans, tue: spans, wed: spans, thu: spans, fri: spans, sat: spans, sun: spans });

const orNone = spans.default([]);
const weekHoursOrNone = z.strictObject({ mon: orNone, tue: orNone, wed: orNone, thu: orNone, fri: orNone, sat: orNone, sun: orNone });

/** An absolute address of the web, canonical; anything a browser would run or that carries a password is refused. */
export function webAddress(...protocols: ('https:' | 'http:')[]) {
  return z
    .string()
    .max(2000)
    .transform((raw, ctx) => {
      const url = URL.canParse(raw) ? new URL(raw) : undefined;
      if (url && (protocols as string[]).includes(url.protocol) && url.username === '' && url.password === '' && url.hostname.includes('.')) return url.href;
      ctx.addIssue({ code: 'custom', message: `must be an address starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}` });
      return z.NEVER;
    })
    .meta({ type: 'string', format: 'uri' });
}

export const emergencyPlace = z.strictObject({
  name: line(120),
  address: line(300),
  phone,
  map_url: webAddress('https:').nullable().default(null),
  hours: z.union([z.literal('always'), weekHoursOrNone], { error: 'must be "always" or hours by weekday, e.g. {"mon": ["08:00-12:00"]}' }),
});
