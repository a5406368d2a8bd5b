/**
 * The rules against an oracle that shares nothing with them: it looks at every minute through Intl and asks, minute by minute,
 * whether the clock on the wall shows an open hour and whether a unit is taken.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Opening, WeekHours } from '#modules/settings/index';
import { checkStart, freeSlots, pickUnit } from './availability.ts';
import type { BookableResource, BusySpan, SlotRequest, StartFault } from './availability.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const KEYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** Those of the days below, written down by hand. */
const NATIONAL = ['2018-11-02', '2027-09-07', '2028-01-01'];
const CARNAVAL = '2027-02-09';

/** A zone, and a first day at or just before something that happens to its clock or calendar. */
const PLACES = [
  ['America/Sao_Paulo', '2027-02-08'],
  ['America/Sao_Paulo', '2018-11-02'],
  ['America/Sao_Paulo', '2018-11-03'],
  ['America/Sao_Paulo', '2018-02-16'],
  ['America/Sao_Paulo', '2018-02-17'],
  ['America/Manaus', '2027-09-06'],
  ['America/Rio_Branco', '2027-02-27'],
  ['America/Noronha', '2027-12-31'],
  ['America/New_York', '2027-03-13'],
  ['America/New_York', '2027-03-14'],
  ['America/New_York', '2027-11-06'],
  ['America/New_York', '2027-11-07'],
] as const;

interface Wall {
  date: string;
  minute: number;
}

interface Zone {
  format: Intl.DateTimeFormat;
  walls: Map<number, Wall>;
}

const zones = new Map<string, Zone>();

function zoneOf(timezone: string): Zone {
  let zone = zones.get(timezone);
  if (!zone) {
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' });
    zones.set(timezone, (zone = { format, walls: new Map() }));
  }
  return zone;
}

function wallOf(timezone: string, ms: number): Wall {
  const { format, walls } = zoneOf(timezone);
  let wall = walls.get(ms);
  if (!wall) {
    const [date = '', time = ''] = format.format(ms).split(' ');
    walls.set(ms, (wall = { date, minute: minuteOf(time) }));
  }
  return wall;
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

function dateAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00Z`) + days * DAY).toISOString().slice(0, 10);
}

function hoursOn(opening: Opening, date: string): string[] {
  const exception = opening.open_days.find((day) => day.date === date);
  if (exception) return exception.hours;
  if (opening.closed_days.some((day) => day.date === date)) return [];
  if (opening.holidays.closed_national && NATIONAL.includes(date)) return [];
  if (opening.holidays.optional.includes('carnaval') && date === CARNAVAL) return [];
  return ownHours(opening.hours, date);
}

function ownHours(hours: WeekHours, date: string): string[] {
  return hours[KEYS[new Date(`${date}T00:00Z`).getUTCDay()] ?? 'sun'];
}

function shows(hours: string[], minute: number): boolean {
  return hours.some((span) => minute >= minuteOf(span) && minute < minuteOf(span.slice(6)));
}

/** One question per minute of the service: the same day as its start, and within the hours. */
function lasts(request: SlotRequest, start: number, hours: string[]): boolean {
  const { timezone } = request.opening;
  const { date } = wallOf(timezone, start);
  for (let minute = 0; minute < request.duration_minutes; minute++) {
    const wall = wallOf(timezone, start + minute * MINUTE);
    if (wall.date !== date || !shows(hours, wall.minute)) return false;
  }
  return true;
}

function hasUnit(request: SlotRequest, resource: BookableResource, start: number): boolean {
  const from = start - request.buffer_before_minutes * MINUTE;
  const to = start + (request.duration_minutes + request.buffer_after_minutes) * MINUTE;
  const units = Array.from({ length: resource.capacity }, (_, index) => index + 1);
  return units.some((unit) => {
    const spans = request.busy
      .filter((span) => span.resource_id === resource.id && span.unit === unit)
      .map((span) => [Date.parse(span.busy_from), Date.parse(span.busy_to)] as const);
    for (let at = from; at < to; at += MINUTE) {
      if (spans.some(([since, until]) => at >= since && at < until)) return false;
    }
    return true;
  });
}

function faultOf(request: SlotRequest, start: number): StartFault | undefined {
  const { opening } = request;
  const now = Date.parse(request.now);
  const { date } = wallOf(opening.timezone, start);
  if (start < now) return 'past';
  if (start < now + request.lead_minutes * MINUTE) return 'lead_time';
  if (date > dateAfter(wallOf(opening.timezone, now).date, request.horizon_days)) return 'horizon';
  const hours = hoursOn(opening, date);
  if (!minutesOf(opening.timezone, date).some(({ minute }) => shows(hours, minute))) return 'closed';
  if (!lasts(request, start, hours)) return 'outside_hours';
  const able = request.resources.filter(({ id }) => request.resource_id === undefined || request.resource_id === id);
  const working = able.filter((resource) => !resource.hours || lasts(request, start, ownHours(resource.hours, date)));
  if (working.length === 0) return able.length === 0 ? 'taken' : 'outside_hours';
  return working.some((resource) => hasUnit(request, resource, start)) ? undefined : 'taken';
}

/** Every minute of a local day, in order, with what the wall shows. */
function minutesOf(timezone: string, date: string): { at: number; minute: number }[] {
  const minutes: { at: number; minute: number }[] = [];
  const midnight = Date.parse(`${date}T00:00Z`);
  for (let at = midnight - 14 * 60 * MINUTE; at < midnight + 38 * 60 * MINUTE; at += MINUTE) {
    const wall = wallOf(timezone, at);
    if (wall.date === date) minutes.push({ at, minute: wall.minute });
  }
  return minutes;
}

/** The day's grid: of the minutes that show a grid time, the first to show it. */
function gridOf(request: SlotRequest, date: string): number[] {
  const hours = hoursOn(request.opening, date);
  const seen = new Set<number>();
  return minutesOf(request.opening.timezone, date)
    .filter(({ minute }) => {
      const onGrid = hours.some((span) => shows([span], minute) && (minute - minuteOf(span)) % request.grid_minutes === 0);
      return onGrid && !seen.has(minute) && seen.add(minute);
    })
    .map(({ at }) => at);
}

function daysOf(request: SlotRequest): string[] {
  const days: string[] = [];
  for (let date = request.from; date <= request.to; date = dateAfter(date, 1)) days.push(date);
  return days;
}

const clock = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

/** Hours at odd places, apart. */
const anyHours = fc.uniqueArray(fc.integer({ min: 0, max: 144 }), { minLength: 2, maxLength: 7 }).map((cuts) => {
  const sorted = cuts.sort((a, b) => a - b).map((cut) => clock(cut * 10));
  return Array.from({ length: Math.floor(sorted.length / 2) }, (_, index) => `${sorted[2 * index]}-${sorted[2 * index + 1]}`);
});
const plainHours = fc.constantFrom<string[]>([], ['00:00-24:00'], ['08:00-12:00', '13:00-18:00']);
const dayHours = fc.oneof({ weight: 5, arbitrary: anyHours }, { weight: 1, arbitrary: plainHours });
const weekHours: fc.Arbitrary<WeekHours> = fc.record({
  mon: dayHours,
  tue: dayHours,
  wed: dayHours,
  thu: dayHours,
  fri: dayHours,
  sat: dayHours,
  sun: dayHours,
});

const anyRequest: fc.Arbitrary<SlotRequest> = fc
  .record({ place: fc.constantFrom(...PLACES), days: fc.integer({ min: 1, max: 3 }) })
  .chain(({ place: [timezone, from], days }) => {
    const noon = Date.parse(`${from}T12:00Z`);
    const someDay = fc.integer({ min: 0, max: 3 }).map((day) => dateAfter(from, day));
    const opening = fc.record({
      timezone: fc.constant(timezone),
      hours: weekHours,
      holidays: fc.record({ closed_national: fc.boolean(), optional: fc.constantFrom<string[]>([], ['carnaval'], ['easter']) }),
      closed_days: fc.array(fc.record({ date: someDay, name: fc.constant('Reforma') }), { maxLength: 1 }),
      open_days: fc.array(fc.record({ date: someDay, hours: anyHours }), { maxLength: 1 }),
    });
    const resource = (id: string) =>
      fc.record({
        id: fc.constant(id),
        name: fc.constantFrom('Ana', 'Beto'),
        capacity: fc.integer({ min: 1, max: 3 }),
        hours: fc.option(weekHours, { freq: 2 }),
      });
    const busy = fc
      .tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 3 }), fc.integer({ min: -600, max: 4300 }), fc.integer({ min: 0, max: 500 }))
      .map(([resource_id, unit, start, length]): BusySpan => ({
        resource_id,
        unit,
        busy_from: new Date(noon + start * MINUTE).toISOString(),
        busy_to: new Date(noon + (start + length) * MINUTE).toISOString(),
      }));
    return fc.record({
      opening,
      resources: fc.subarray(['a', 'b', 'c'], { minLength: 1 }).chain((ids) => fc.tuple(...ids.map(resource))),
      busy: fc.array(busy, { maxLength: 14 }),
      from: fc.constant(from),
      to: fc.constant(dateAfter(from, days - 1)),
      now: fc.integer({ min: -2 * DAY, max: DAY }).map((ms) => new Date(noon + ms).toISOString()),
      lead_minutes: fc.constantFrom(0, 0, 45, 1440),
      horizon_days: fc.constantFrom(0, 1, 2, 400),
      duration_minutes: fc.integer({ min: 1, max: 24 }).map((fives) => fives * 5),
      buffer_before_minutes: fc.constantFrom(0, 0, 10, 35),
      buffer_after_minutes: fc.constantFrom(0, 0, 10, 35),
      grid_minutes: fc.constantFrom(5, 10, 15, 20, 30, 45, 60),
    });
  });

const key = (slot: { starts_at: string; resource_id: string }) => `${slot.starts_at} ${slot.resource_id}`;

test('freeSlots offers exactly what the oracle finds free, in order, and a limit cuts it short', () => {
  fc.assert(
    fc.property(anyRequest, fc.nat(30), (request, limit) => {
      const byName = request.resources.toSorted((a, b) => (a.name + a.id < b.name + b.id ? -1 : 1));
      const expected = daysOf(request).flatMap((date) =>
        gridOf(request, date).flatMap((start) =>
          byName
            .filter(({ id }) => faultOf({ ...request, resource_id: id }, start) === undefined)
            .map(({ id }) => key({ starts_at: new Date(start).toISOString(), resource_id: id })),
        ),
      );
      expect(freeSlots(request).map(key)).toEqual(expected);
      expect(freeSlots({ ...request, limit }).map(key)).toEqual(expected.slice(0, limit));
    }),
    { numRuns: 100 },
  );
});

test('checkStart accepts every slot offered and, for any minute on or off the grid, gives the oracle’s reason', () => {
  fc.assert(
    fc.property(anyRequest, fc.array(fc.integer({ min: -1500, max: 4500 }), { minLength: 5, maxLength: 20 }), (request, offsets) => {
      for (const { starts_at, resource_id } of freeSlots({ ...request, limit: 40 })) {
        expect(checkStart({ ...request, resource_id, starts_at })).toBeUndefined();
      }
      const noon = Date.parse(`${request.from}T12:00Z`);
      const grid = gridOf(request, request.from).slice(0, 40);
      for (const start of [...grid, ...offsets.map((offset) => noon + offset * MINUTE)]) {
        expect(checkStart({ ...request, starts_at: new Date(start).toISOString() })).toBe(faultOf(request, start));
      }
    }),
    { numRuns: 80 },
  );
});

test('every grid start not offered is refused', () => {
  fc.assert(
    fc.property(anyRequest, (request) => {
      const offered = new Set(freeSlots(request).map(key));
      for (const start of daysOf(request).flatMap((date) => gridOf(request, date))) {
        const starts_at = new Date(start).toISOString();
        for (const { id: resource_id } of request.resources) {
          const refused = checkStart({ ...request, resource_id, starts_at }) !== undefined;
          expect(refused).toBe(!offered.has(key({ starts_at, resource_id })));
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('booking whatever is offered until nothing is left never takes a unit twice nor leaves the hours or the window', () => {
  fc.assert(
    fc.property(anyRequest, fc.infiniteStream(fc.nat()), (request, choices) => {
      const booked: BusySpan[] = [];
      const open = { ...request, busy: [] };
      for (let round = 0; round < 12; round++) {
        const offers = freeSlots({ ...open, busy: booked });
        const slot = offers[(choices.next().value ?? 0) % Math.max(offers.length, 1)];
        if (!slot) break;
        const start = Date.parse(slot.starts_at);
        expect(Date.parse(slot.ends_at) - start).toBe(request.duration_minutes * MINUTE);
        expect(faultOf({ ...open, resource_id: slot.resource_id }, start)).toBeUndefined();
        const busy_from = new Date(start - request.buffer_before_minutes * MINUTE).toISOString();
        const busy_to = new Date(start + (request.duration_minutes + request.buffer_after_minutes) * MINUTE).toISOString();
        const resource = request.resources.find(({ id }) => id === slot.resource_id);
        const unit = resource && pickUnit(resource, booked, busy_from, busy_to);
        expect(unit).toBeGreaterThanOrEqual(1);
        expect(unit).toBeLessThanOrEqual(resource?.capacity ?? 0);
        const clash = booked.some(
          (span) => span.resource_id === slot.resource_id && span.unit === unit && span.busy_from < busy_to && span.busy_to > busy_from,
        );
        expect(clash).toBe(false);
        booked.push({ resource_id: slot.resource_id, unit: unit ?? 0, busy_from, busy_to });
      }
    }),
    { numRuns: 60 },
  );
});
