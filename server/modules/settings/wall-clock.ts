/**
 * From the clock on the clinic's wall to instants and back, by stretches of constant UTC offset.
 * One rule covers both turns of a daylight-saving clock: a wall time belongs to every instant at which a clock there shows it.
 * So a skipped wall time belongs to none, and a doubled one to two.
 */
import { Temporal } from 'temporal-polyfill';
import { DAY, HOUR, MINUTE, instantOf, msOf } from '#platform/clock';
import type { Instant } from '#platform/clock';

/** Half-open `[from, to)`: minutes of the day, or epoch milliseconds. */
export interface Range {
  from: number;
  to: number;
}

/** Half-open `[starts_at, ends_at)`. */
export interface Span {
  starts_at: Instant;
  ends_at: Instant;
}

/** One local day, as the clock on the wall shows it. */
export interface WallDay {
  /** The first instant (epoch ms) at which the clock shows this minute of the day; undefined when it never does. */
  firstAt(minute: number): number | undefined;
  /** The instants at which the clock shows a time within the hours (minutes of the day): in order, apart, never touching. */
  rangesOf(hours: Range[]): Range[];
}

interface Stretch extends Range {
  offset: number;
}

/** True for a zone of the tz database (`America/Sao_Paulo`, `UTC`); false for bare offsets like `-03:00`. */
export function isTimezone(name: string): boolean {
  // Temporal would also take an offset or a whole timestamp with a zone in brackets.
  if (!/^[a-z][\w+-]*(\/[\w+-]+)*$/i.test(name)) return false;
  try {
    zonedAt(name, 0);
    return true;
  } catch {
    return false;
  }
}

/** The local day of an instant, `YYYY-MM-DD`. Throws RangeError on an unknown zone or a malformed instant. */
export function localDay(timezone: string, at: Instant): string {
  return wallText(timezone, at).slice(0, 10);
}

/** What the clock on the wall shows at an instant, `HH:MM`. Throws as `localDay`. */
export function localTime(timezone: string, at: Instant): string {
  return wallText(timezone, at).slice(11, 16);
}

/** From the start of the local day to the start of the next; empty for a day the zone left out. */
export function dayBounds(timezone: string, date: string): Span {
  const startOf = (day: string) => instantOf(Temporal.PlainDate.from(day).toZonedDateTime(timezone).epochMilliseconds);
  return { starts_at: startOf(date), ends_at: startOf(addDays(date, 1)) };
}

/** The date `days` later (earlier when negative). */
export function addDays(date: string, days: number): string {
  return instantOf(utcMidnight(date) + days * DAY).slice(0, 10);
}

/** 0 (Sunday) to 6 (Saturday). */
export function dayOfWeek(date: string): number {
  const thursday = 4; // 1970-01-01
  return (((utcMidnight(date) / DAY + thursday) % 7) + 7) % 7;
}

/** Local days of a zone. Keep one for a run of days: it looks the zone up once per change of its clock, not once per day. */
export function createWallClock(timezone: string): (date: string) => WallDay {
  let known: Stretch | undefined;
  return (date) => {
    const midnight = utcMidnight(date);
    // No zone has ever been more than 16 hours from UTC.
    const end = midnight + DAY + 16 * HOUR;
    const stretches: Stretch[] = [];
    for (let at = midnight - 16 * HOUR; at < end; at = known.to) {
      if (known === undefined || at < known.from || at >= known.to) known = stretchFrom(timezone, at);
      stretches.push(known);
    }
    return {
      firstAt: (minute) => firstAt(stretches, midnight + minute * MINUTE),
      rangesOf: (hours) => rangesOf(stretches, midnight, hours),
    };
  };
}

function firstAt(stretches: Stretch[], wall: number): number | undefined {
  for (const { from, to, offset } of stretches) {
    const at = wall - offset;
    if (at >= from && at < to) return at;
  }
  return undefined;
}

function rangesOf(stretches: Stretch[], midnight: number, hours: Range[]): Range[] {
  const ranges: Range[] = [];
  for (const stretch of stretches) {
    for (const span of hours) {
      const from = Math.max(stretch.from, midnight + span.from * MINUTE - stretch.offset);
      const to = Math.min(stretch.to, midnight + span.to * MINUTE - stretch.offset);
      if (from >= to) continue;
      const last = ranges.at(-1);
      if (last?.to === from) last.to = to;
      else ranges.push({ from, to });
    }
  }
  return ranges;
}

function stretchFrom(timezone: string, from: number): Stretch {
  const zoned = zonedAt(timezone, from);
  const next = zoned.getTimeZoneTransition('next');
  return { from, to: next?.epochMilliseconds ?? Infinity, offset: zoned.offsetNanoseconds / 1e6 };
}

function wallText(timezone: string, at: Instant): string {
  const ms = msOf(at);
  return instantOf(ms + zonedAt(timezone, ms).offsetNanoseconds / 1e6);
}

function zonedAt(timezone: string, ms: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timezone);
}

function utcMidnight(date: string): number {
  return msOf(`${date}T00:00:00.000Z`);
}
