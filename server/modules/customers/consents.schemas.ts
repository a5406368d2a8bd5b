import { z } from 'zod';
import { id, instant, line, text } from '#platform/http/schema';

export const purpose = z.enum(['marketing', 'reminders', 'photos']);
export type Purpose = z.output<typeof purpose>;

export const recordConsent = z.strictObject({
  purpose,
  granted: z.boolean(),
  source: line(60).optional().meta({ description: 'How it was given, e.g. whatsapp or form; who calls, when absent.' }),
  evidence: text(4000).optional().meta({ description: "The person's own words, a document's number, …" }),
});
export type RecordConsent = z.output<typeof recordConsent>;

export const consent = z.object({ id, person_id: id, purpose, granted: z.boolean(), source: z.string(), evidence: z.string().nullable(), created_at: instant });
export type Consent = z.output<typeof consent>;

/** What holds now; null: never asked. */
export const currentConsents = z.object({ marketing: consent.nullable(), reminders: consent.nullable(), photos: consent.nullable() });
export type CurrentConsents = z.output<typeof currentConsents>;

/** By purpose, from at most one record of each. */
export function byPurpose(records: readonly Consent[]): CurrentConsents {
  const of = (wanted: Purpose) => records.find((record) => record.purpose === wanted) ?? null;
  return { marketing: of('marketing'), reminders: of('reminders'), photos: of('photos') };
}

export const consentLog = z.object({ current: currentConsents, records: z.array(consent).meta({ description: 'All of them, the newest first.' }) });
export type ConsentLog = z.output<typeof consentLog>;

export const recordedConsent = z.object({ ...consent.shape, current: currentConsents });
export type RecordedConsent = z.output<typeof recordedConsent>;
