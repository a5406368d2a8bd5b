/** Every section of the settings, as data: routes, documentation and tests walk this list. */
import { z } from 'zod';
import { invalidField } from '#platform/errors';
import { email, line, phone, postalCode, state, taxId, text } from '#platform/http/schema';
import { isTimezone } from './opening.ts';
import { parsePixKey, PIX_KEY_TYPES } from './pix-key.ts';
import { emergencyPlace, webAddress, weekHours } from './settings.schemas.ts';

const profile = z.strictObject({
  name: line(120),
  phone: phone.nullable(),
  email: email.nullable(),
  site: webAddress('https:', 'http:').nullable(),
  tax_id: taxId.nullable(),
  timezone: z.string().max(64).refine(isTimezone, 'must be a time zone such as America/Sao_Paulo'),
  locale: z.enum(['pt-BR']),
  about: text(2000).nullable(),
});
export type Profile = z.output<typeof profile>;

const address = z.strictObject({
  street: line(200),
  number: line(20),
  complement: line(100).nullable(),
  district: line(100),
  city: line(100),
  state,
  postal_code: postalCode,
  map_url: webAddress('https:').nullable(),
  parking: line(200).nullable(),
});
export type Address = z.output<typeof address>;

/** All ids of `holidaysOf`; national ones matter where `closed_national` is off. */
const HOLIDAY_IDS = [
  'new_year',
  'carnaval',
  'good_friday',
  'easter',
  'tiradentes',
  'labour_day',
  'corpus_christi',
  'independence',
  'aparecida',
  'all_souls',
  'republic',
  'black_consciousness',
  'christmas',
] as const;

const holidays = z.strictObject({
  closed_national: z.boolean().meta({ description: 'Closed on every national holiday.' }),
  optional: z
    .array(z.enum(HOLIDAY_IDS))
    .max(HOLIDAY_IDS.length)
    .refine((ids) => new Set(ids).size === ids.length, 'must name each holiday once')
    .meta({ description: 'Further holidays on which the clinic is closed.' }),
});
export type Holidays = z.output<typeof holidays>;

const emergency = z.strictObject({ items: z.array(emergencyPlace).max(20) });
export type Emergency = z.output<typeof emergency>;

const pix = z.strictObject({
  key: z.string().max(200),
  key_type: z.enum(PIX_KEY_TYPES),
  holder_name: line(100),
  city: line(60),
  demo: z.boolean().meta({ description: 'True: nobody can be paid at this key. A new key is no demo unless told so.' }),
});
export type Pix = z.output<typeof pix>;

const policies = z.strictObject({
  lead_minutes: z.number().int().min(0).max(43_200).meta({ description: 'The earliest booking is this many minutes ahead.' }),
  horizon_days: z.number().int().min(0).max(1_100).meta({ description: 'The last bookable day is this many days ahead.' }),
  grid_minutes: z.number().int().min(5).max(240).meta({ description: 'Times are offered every so many minutes, counted from each opening.' }),
});
export type Policies = z.output<typeof policies>;

/** What each section holds; null: never set. */
export interface Settings {
  profile: Profile;
  address: Address | null;
  hours: z.output<typeof weekHours>;
  holidays: Holidays;
  emergency: Emergency;
  pix: Pix | null;
  policies: Policies;
}
export type SectionKey = keyof Settings;

/** What the environment says until the settings do. */
export interface Defaults {
  timezone: string;
  locale: 'pt-BR';
}

export interface Section<V> {
  /** For the documentation, after "the clinic's". */
  title: string;
  /** The whole value. A field that may be null is optional; null clears it. */
  schema: z.ZodObject & z.ZodType<NonNullable<V>>;
  /** The value while nobody has set the section. */
  initial(defaults: Defaults): V;
  /** The optional fields unset: what a value lacks, a stored one of an older release too, is taken from here. */
  blank: Partial<NonNullable<V>>;
  /** Who may change it: whoever holds settings:write, or of the console's users only an owner (API keys need the scope alone). */
  change: 'writer' | 'owner';
  /** Rules across fields; `given` is what the caller sent. Throws VALIDATION_FAILED. */
  finish?(value: NonNullable<V>, given: Partial<NonNullable<V>>): NonNullable<V>;
}

const sections: { readonly [K in SectionKey]: Section<Settings[K]> } = {
  profile: {
    title: 'name, contacts and time zone',
    schema: profile,
    initial: (defaults) => ({ name: 'Clínica veterinária', phone: null, email: null, site: null, tax_id: null, about: null, ...defaults }),
    blank: { phone: null, email: null, site: null, tax_id: null, about: null },
    change: 'writer',
  },
  address: { title: 'address', schema: address, initial: () => null, blank: { complement: null, map_url: null, parking: null }, change: 'writer' },
  hours: {
    title: 'opening hours by weekday',
    schema: weekHours,
    // A clinic that has not told its hours cannot be booked: a guess would send people to a closed door.
    initial: () => ({ mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] }),
    blank: { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] },
    change: 'writer',
  },
  holidays: {
    title: 'choice of holidays',
    schema: holidays,
    initial: () => ({ closed_national: true, optional: [] }),
    blank: { closed_national: true, optional: [] },
    change: 'writer',
  },
  emergency: { title: 'places to send emergencies to', schema: emergency, initial: () => ({ items: [] }), blank: {}, change: 'writer' },
  pix: {
    title: 'PIX key',
    schema: pix,
    initial: () => null,
    blank: { demo: false },
    change: 'owner',
    finish(value, given) {
      const parsed = parsePixKey(value.key_type, value.key);
      if ('fault' in parsed) throw invalidField('key', parsed.fault);
      return { ...value, key: parsed.key, demo: given.demo ?? (given.key === undefined && value.demo) };
    },
  },
  policies: {
    title: 'booking rules',
    schema: policies,
    // Half hours: every duration of a clinic fits them without crumbs, and an offered list stays short enough to be read aloud.
    initial: () => ({ lead_minutes: 0, horizon_days: 400, grid_minutes: 30 }),
    blank: { lead_minutes: 0, horizon_days: 400, grid_minutes: 30 },
    change: 'writer',
  },
};

export const sectionKeys = Object.keys(sections) as SectionKey[];

/** The declaration of one section, typed by its key. */
export function sectionOf<K extends SectionKey>(key: K): Section<Settings[K]> {
  return sections[key];
}
