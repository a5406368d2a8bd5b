/**
 * The only file that asks the machine for the time.
 * Everything else takes a `Clock` (or a `Ctx`, whose `now` came from one), so that tests can move time.
 */

/**
 * A moment in canonical UTC with millisecond precision, e.g. `2027-02-03T13:00:00.000Z`.
 * Fixed width, so instants sort as text on both engines, and the same string goes from SQL to JSON.
 */
export type Instant = string;

export interface Clock {
  /** The wall clock as an instant. */
  now(): Instant;
  /** The wall clock in epoch milliseconds. */
  ms(): number;
}

export const systemClock: Clock = {
  now: () => new Date().toISOString(),
  ms: () => Date.now(),
};

/** Epoch milliseconds → instant. Throws RangeError outside the years 0000 to 9999. */
export function instantOf(ms: number): Instant {
  const text = new Date(ms).toISOString();
  if (text.length !== 24) throw new RangeError(`instant out of range: ${ms}`);
  return text;
}

/** Instant (or any ISO 8601 text with an offset) → epoch milliseconds; NaN when it is none. */
export function msOf(instant: Instant): number {
  return Date.parse(instant);
}

/** The instant `ms` milliseconds later (earlier when negative). */
export function addMs(instant: Instant, ms: number): Instant {
  return instantOf(msOf(instant) + ms);
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
