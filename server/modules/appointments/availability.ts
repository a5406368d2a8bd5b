/**
 * Free times. Pure: the caller brings settings, resources, what is busy, and the time.
 * `freeSlots` (what we offer) and `checkStart` (what we accept) ask the same rule, so an offer is never refused for another reason
 * than that someone was faster.
 */
import { HOUR, MINUTE, instantOf, msOf } from '#platform/clock';
import type { Instant } from '#platform/clock';
import { addDays, createCalendar, dayBounds, localDay } from '#modules/settings/index';
import type { Opening, Range, WeekHours } from '#modules/settings/index';

/** Occupancy of one unit of a resource, its buffers inside; half-open `[busy_from, busy_to)`. */
export interface BusySpan {
  resource_id: string;
  unit: number;
  busy_from: Instant;
  busy_to: Instant;
}

export interface BookableResource {
  id: string;
  name: string;
  /** Units are numbered 1 to capacity. */
  capacity: number;
  /** Its own hours, by weekday; only what lies inside the clinic's hours counts. None = the clinic's. */
  hours?: WeekHours | null | undefined;
}

/** What decides about a start, whoever asks. */
export interface BookingRequest {
  opening: Opening;
  /** Any one of these can serve. */
  resources: BookableResource[];
  busy: BusySpan[];
  now: Instant;
  /** Starts earlier than this many minutes from now are refused. */
  lead_minutes: number;
  /** The last bookable local day is this many days after today. */
  horizon_days: number;
  duration_minutes: number;
  /** Buffers occupy the resource; they may lie outside the hours, the service may not. */
  buffer_before_minutes: number;
  buffer_after_minutes: number;
  /** Only this one of the resources. */
  resource_id?: string | undefined;
}

export interface SlotRequest extends BookingRequest {
  /** First and last local day, inclusive. */
  from: string;
  to: string;
  /** Minutes by the clock on the wall, counted from each opening of the clinic. */
  grid_minutes: number;
  limit?: number | undefined;
}

export interface Slot {
  starts_at: Instant;
  ends_at: Instant;
  resource_id: string;
  resource_name: string;
}

export type StartFault = 'past' | 'lead_time' | 'horizon' | 'closed' | 'outside_hours' | 'taken';

/** Free starts on the grid by time, then resource name; one per start and resource. RangeError on a duration or grid that is not positive. */
export function freeSlots(request: SlotRequest): Slot[] {
  const rule = createRule(request);
  const limit = request.limit ?? Infinity;
  const slots: Slot[] = [];
  const last = earlier(request.to, rule.lastDay);
  for (let date = later(request.from, rule.firstDay); date <= last; date = addDays(date, 1)) {
    const day = rule.day(date);
    for (const start of day.grid(request.grid_minutes)) {
      if (rule.outOfReach(start)) continue;
      const free = rule.freeAt(day, start);
      if (typeof free === 'string') continue;
      const [starts_at, ends_at] = [rule.write(start), rule.write(start + rule.duration)];
      for (const resource of free) {
        if (slots.length >= limit) return slots;
        slots.push({ starts_at, ends_at, resource_id: resource.id, resource_name: resource.name });
      }
    }
  }
  return slots;
}

/**
 * Why a start cannot be booked, the first reason in the order of `StartFault`; undefined when it can. It need not be on the grid.
 * `outside_hours` also when none of the resources works then; `taken` also when there is no such resource.
 */
export function checkStart(request: BookingRequest & { starts_at: Instant }): StartFault | undefined {
  const rule = createRule(request);
  const start = msOf(request.starts_at);
  const fault = rule.outOfReach(start);
  if (fault) return fault;
  const free = rule.freeAt(rule.day(localDay(request.opening.timezone, request.starts_at)), start);
  return typeof free === 'string' ? free : undefined;
}

/** The lowest unit of the resource with nothing in `[from, to)`, buffers included by the caller; undefined when all are busy. */
export function pickUnit(resource: Pick<BookableResource, 'id' | 'capacity'>, busy: BusySpan[], from: Instant, to: Instant): number | undefined {
  return createOccupancy(busy)(resource, from, to);
}

interface BookingDay {
  open: Range[];
  grid(minutes: number): number[];
  stations: { resource: BookableResource; open: Range[] }[];
}

function createRule(request: BookingRequest) {
  const { timezone } = request.opening;
  const duration = request.duration_minutes * MINUTE;
  if (!(duration > 0)) throw new RangeError(`duration of ${request.duration_minutes} minutes`);
  const now = msOf(request.now);
  const earliest = now + request.lead_minutes * MINUTE;
  const lastDay = addDays(localDay(timezone, request.now), request.horizon_days);
  const beyond = msOf(dayBounds(timezone, lastDay).ends_at);
  const resources = request.resources
    .filter(({ id }) => request.resource_id === undefined || id === request.resource_id)
    .sort((a, b) => inOrder(a.name, b.name) || inOrder(a.id, b.id));
  const calendar = createCalendar(request.opening);
  const freeUnit = createOccupancy(request.busy);
  const write = createInstantWriter();

  const day = (date: string): BookingDay => {
    const { open, grid, rangesOf } = calendar(date);
    const stations = resources.map((resource) => ({
      resource,
      open: resource.hours ? overlaps(open, rangesOf(resource.hours)) : open,
    }));
    return { open, grid, stations };
  };

  const outOfReach = (start: number): StartFault | undefined => {
    if (start < now) return 'past';
    if (start < earliest) return 'lead_time';
    return start < beyond ? undefined : 'horizon';
  };

  /** Who is free for a service that starts then, at least one; else why nobody is. */
  const freeAt = ({ open, stations }: BookingDay, start: number): BookableResource[] | StartFault => {
    if (open.length === 0) return 'closed';
    const end = start + duration;
    if (!holds(open, start, end)) return 'outside_hours';
    const working = stations.filter((station) => holds(station.open, start, end));
    if (working.length === 0 && stations.length > 0) return 'outside_hours';
    const from = write(start - request.buffer_before_minutes * MINUTE);
    const to = write(end + request.buffer_after_minutes * MINUTE);
    const free = working.filter(({ resource }) => freeUnit(resource, from, to) !== undefined);
    return free.length > 0 ? free.map(({ resource }) => resource) : 'taken';
  };

  return { duration, firstDay: localDay(timezone, instantOf(earliest)), lastDay, day, outOfReach, freeAt, write };
}

interface Track {
  spans: { from: Instant; to: Instant }[];
  next: number;
}

/**
 * The lowest free unit, asked in rising order of `from`, as a sweep does. Instants sort as text, so nothing is parsed, and a unit's spans
 * are put in order only when someone asks for that unit.
 */
function createOccupancy(busy: BusySpan[]) {
  const unitsOf = new Map<string, Map<number, BusySpan[]>>();
  for (const span of busy) {
    if (span.busy_from >= span.busy_to) continue;
    let units = unitsOf.get(span.resource_id);
    if (!units) unitsOf.set(span.resource_id, (units = new Map()));
    const spans = units.get(span.unit);
    if (spans) spans.push(span);
    else units.set(span.unit, [span]);
  }
  const tracks = new Map<BusySpan[], Track>();

  return (resource: Pick<BookableResource, 'id' | 'capacity'>, from: Instant, to: Instant): number | undefined => {
    const units = unitsOf.get(resource.id);
    for (let unit = 1; unit <= resource.capacity; unit++) {
      const spans = units?.get(unit);
      if (!spans) return unit;
      let track = tracks.get(spans);
      if (!track) tracks.set(spans, (track = trackOf(spans)));
      if (isClear(track, from, to)) return unit;
    }
    return undefined;
  };
}

function trackOf(spans: BusySpan[]): Track {
  const joined: Track['spans'] = [];
  for (const { busy_from: from, busy_to: to } of spans.toSorted((a, b) => inOrder(a.busy_from, b.busy_from))) {
    const last = joined.at(-1);
    if (last && from <= last.to) last.to = later(last.to, to);
    else joined.push({ from, to });
  }
  return { spans: joined, next: 0 };
}

/** Goes on where the last question ended. */
function isClear(track: Track, from: Instant, to: Instant): boolean {
  let span = track.spans[track.next];
  while (span && span.to <= from) span = track.spans[++track.next];
  return span === undefined || span.from >= to;
}

/** `instantOf` for many times within the same few hours, most of them full minutes: nearly half of a search went into it. */
function createInstantWriter(): (ms: number) => Instant {
  const heads = new Map<number, string>();
  return (ms) => {
    const hour = Math.floor(ms / HOUR);
    const minute = (ms - hour * HOUR) / MINUTE;
    if (!Number.isInteger(minute)) return instantOf(ms);
    let head = heads.get(hour);
    if (head === undefined) heads.set(hour, (head = instantOf(ms).slice(0, 14)));
    return `${head}${minute < 10 ? '0' : ''}${minute}:00.000Z`;
  };
}

function holds(ranges: Range[], from: number, to: number): boolean {
  return ranges.some((range) => range.from <= from && to <= range.to);
}

function overlaps(mine: Range[], theirs: Range[]): Range[] {
  return mine.flatMap((a) => theirs.map((b) => ({ from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) })).filter(({ from, to }) => from < to));
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}

function earlier(a: string, b: string): string {
  return a < b ? a : b;
}
