/**
 * When the clinic is open. Pure: the caller brings the settings and the time.
 * For a day, the first that applies decides: an exceptional opening, a closed day of the clinic's own, a holiday, the weekday's hours.
 */
import { instantOf, msOf } from '#platform/clock';
import type { Instant } from '#platform/clock';
import { holidaysOf } from './holidays.ts';
import { addDays, createWallClock, dayOfWeek, localDay } from './wall-clock.ts';
import type { Range, Span } from './wall-clock.ts';

export { holidaysOf } from './holidays.ts';
export type { Holiday } from './holidays.ts';
export { addDays, dayBounds, isTimezone, localDay, localTime } from './wall-clock.ts';
export type { Range, Span } from './wall-clock.ts';

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Local hours such as `['08:00-12:00', '13:00-18:00']`, in order, not overlapping; `24:00` may end a span; none = closed. */
export type WeekHours = Record<Weekday, string[]>;

export interface ClosedDay {
  /** `YYYY-MM-DD` */
  date: string;
  name: string;
}

/** An exceptional opening: these hours hold on that day, holiday or not. Without hours it says nothing. */
export interface OpenDay {
  /** `YYYY-MM-DD` */
  date: string;
  hours: string[];
}

export interface HolidayChoice {
  /** Closed on every national holiday. */
  closed_national: boolean;
  /** Ids of further holidays on which the clinic is closed: `carnaval`, `easter`, `corpus_christi`. */
  optional: string[];
}

export interface Opening {
  /** A zone of the tz database. */
  timezone: string;
  hours: WeekHours;
  holidays: HolidayChoice;
  closed_days: ClosedDay[];
  open_days: OpenDay[];
}

export interface ClosedReason {
  kind: 'weekday' | 'holiday' | 'closed_day';
  /** In Brazilian Portuguese: the day's, the holiday's or the clinic's own name for it. */
  name: string;
}

/** An open day in epoch milliseconds, for callers that reckon with many. */
export interface CalendarDay {
  /** When the clinic is open: in order, apart, never touching. */
  open: Range[];
  /** The same for hours of someone's own, by themselves (not cut to the clinic's). */
  rangesOf(hours: WeekHours): Range[];
  /** Starts every `minutes` by the clock on the wall, counted from each span's opening; a doubled wall time once, the earlier. */
  grid(minutes: number): number[];
}

const WEEKDAYS: readonly { key: Weekday; name: string }[] = [
  { key: 'sun', name: 'domingo' },
  { key: 'mon', name: 'segunda-feira' },
  { key: 'tue', name: 'terça-feira' },
  { key: 'wed', name: 'quarta-feira' },
  { key: 'thu', name: 'quinta-feira' },
  { key: 'fri', name: 'sexta-feira' },
  { key: 'sat', name: 'sábado' },
];

const SPAN = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;

/**
 * `['08:00-12:00']` → `[{ from: 480, to: 720 }]`, minutes of the day; spans that touch become one.
 * Throws an Error naming the span that is malformed, ends before it starts, or begins before the one ahead of it has ended.
 */
export function parseHours(spans: string[]): Range[] {
  const parsed: Range[] = [];
  for (const span of spans) {
    const match = SPAN.exec(span);
    if (!match) throw new Error(`"${span}" is not a span of hours like 08:00-12:00`);
    const [, fromHour, fromMinute, toHour = 24, toMinute = 0] = match;
    const from = Number(fromHour) * 60 + Number(fromMinute);
    const to = Number(toHour) * 60 + Number(toMinute);
    if (from >= to) throw new Error(`"${span}" ends before it starts`);
    const last = parsed.at(-1);
    if (last && from < last.to) throw new Error(`"${span}" begins before the span ahead of it has ended`);
    if (last?.to === from) last.to = to;
    else parsed.push({ from, to });
  }
  return parsed;
}

/** Why the clinic does not open on a local day; undefined when it has hours on it. */
export function closedReason(opening: Opening, date: string): ClosedReason | undefined {
  if (exceptionalHours(opening, date)) return undefined;
  const closed = opening.closed_days.find((day) => day.date === date);
  if (closed) return { kind: 'closed_day', name: closed.name };
  const { closed_national, optional } = opening.holidays;
  const holiday = holidaysOf(Number(date.slice(0, 4))).find(
    (day) => day.date === date && ((day.kind === 'national' && closed_national) || optional.includes(day.id)),
  );
  if (holiday) return { kind: 'holiday', name: holiday.name };
  const { key, name } = weekdayOf(date);
  return opening.hours[key].length === 0 ? { kind: 'weekday', name } : undefined;
}

/** The days of an opening, reckoned one by one as they are asked for. Throws as `parseHours`; RangeError on an unknown zone. */
export function createCalendar(opening: Opening): (date: string) => CalendarDay {
  const wallClock = createWallClock(opening.timezone);
  return (date) => {
    const { key } = weekdayOf(date);
    const wall = wallClock(date);
    const hours = closedReason(opening, date) ? [] : parseHours(exceptionalHours(opening, date) ?? opening.hours[key]);
    return {
      open: wall.rangesOf(hours),
      rangesOf: (own) => wall.rangesOf(parseHours(own[key])),
      grid: (minutes) => gridMinutes(hours, minutes).flatMap((minute) => wall.firstAt(minute) ?? []),
    };
  };
}

/**
 * The open spans of a local day, in order: every instant at which the clock on the wall shows an open hour. So 09:00 is 09:00 on both
 * sides of a change of the clock; hours that begin in a skipped hour begin when it is over; of a doubled hour both passes count, from
 * the earlier start to the later end.
 */
export function openSpans(opening: Opening, date: string): Span[] {
  return createCalendar(opening)(date).open.map(spanOf);
}

export function isOpenAt(opening: Opening, at: Instant): boolean {
  const ms = msOf(at);
  return createCalendar(opening)(localDay(opening.timezone, at)).open.some((range) => ms >= range.from && ms < range.to);
}

/** The first span that begins at or after an instant, looking as many local days ahead; undefined when there is none. */
export function nextOpening(opening: Opening, after: Instant, horizonDays = 60): Span | undefined {
  const calendar = createCalendar(opening);
  const today = localDay(opening.timezone, after);
  const ms = msOf(after);
  for (let day = 0; day <= horizonDays; day++) {
    const next = calendar(addDays(today, day)).open.find((range) => range.from >= ms);
    if (next) return spanOf(next);
  }
  return undefined;
}

function exceptionalHours(opening: Opening, date: string): string[] | undefined {
  return opening.open_days.find((day) => day.date === date && day.hours.length > 0)?.hours;
}

function weekdayOf(date: string): { key: Weekday; name: string } {
  const weekday = WEEKDAYS[dayOfWeek(date)];
  if (!weekday) throw new RangeError(`not a date: ${date}`);
  return weekday;
}

function gridMinutes(hours: Range[], step: number): number[] {
  if (!(step > 0)) throw new RangeError(`grid of ${step} minutes`);
  const minutes: number[] = [];
  for (const { from, to } of hours) {
    for (let minute = from; minute < to; minute += step) minutes.push(minute);
  }
  return minutes;
}

function spanOf(range: Range): Span {
  return { starts_at: instantOf(range.from), ends_at: instantOf(range.to) };
}
