/**
 * All SQL about what visits occupy. The database has the last word: an overlapping row, or one on a unit that the resource no longer has,
 * is not inserted, and says so by its absence. Whoever may wait for another's row holds none that a third waits for, so nobody waits in
 * a circle: a change of a resource holds that one alone, and a visit that waits for it holds no place yet.
 */
import { addMs, DAY, type Instant } from '#platform/clock';
import type { Queryable } from '#platform/db/database';
import { dbNow, forShare, forUpdate, inList } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import type { BookableResource, BusySpan } from './availability.ts';
import type { VisitResource } from './appointments.schemas.ts';

/** Half-open, buffers inside. */
export interface BusyRange {
  busy_from: Instant;
  busy_to: Instant;
}

/** A hold that has run out by the database's clock but still has its row. */
export interface LapsedHold {
  id: string;
  tutor_id: string;
  pet_id: string;
}

export interface Occupancy {
  busy: BusySpan[];
  /** They block nobody, but must go before their place can be taken. */
  lapsed: LapsedHold[];
}

type BusyRow = BusySpan & { lapsed_id: string | null; tutor_id: string | null; pet_id: string | null };

/** What occupies these resources in the range; one statement. `except`: an appointment that must not collide with itself. */
export async function readOccupancy(db: Queryable, resourceIds: readonly string[], { busy_from, busy_to }: BusyRange, except = ''): Promise<Occupancy> {
  const rows = await db.all<BusyRow>(sql`
    select r.resource_id, r.unit, r.busy_from, r.busy_to, h.id as lapsed_id, h.tutor_id, h.pet_id
    from appointment_resources r
    left join (select id, tutor_id, pet_id from appointments where status = 'pending' and hold_expires_at <= ${dbNow}) h on h.id = r.appointment_id
    where r.active and r.resource_id in ${inList(resourceIds)}
      and r.busy_from < ${busy_to} and r.busy_to > ${busy_from}
      -- Nothing is longer than a day and its buffers, so that the index on busy_from has two ends.
      and r.busy_from > ${addMs(busy_from, -2 * DAY)}
      and r.appointment_id <> ${except}`);
  const lapsed = new Map<string, LapsedHold>();
  const busy: BusySpan[] = [];
  for (const { lapsed_id: id, tutor_id, pet_id, ...span } of rows) {
    if (id === null) busy.push(span);
    else lapsed.set(id, { id, tutor_id: tutor_id!, pet_id: pet_id! });
  }
  return { busy, lapsed: [...lapsed.values()] };
}

/** `cancel_reason` of a hold that ran out and had to make way. */
const HOLD_EXPIRED = 'hold_expired';

/**
 * Cancels those of the holds that have really run out, in the order of their ids, as everybody does, and frees their places.
 * The rows stay: a payment may hang on them. Answers which.
 */
export async function cancelLapsed(tx: Queryable, ids: readonly string[]): Promise<LapsedHold[]> {
  const cancelled = await tx.all<LapsedHold>(sql`
    update appointments set status = 'cancelled', cancel_reason = ${HOLD_EXPIRED}, hold_expires_at = null, hold_reason = null,
      version = version + 1, updated_at = ${dbNow}
    where id in (
      select id from appointments where id in ${inList(ids)} and status = 'pending' and hold_expires_at <= ${dbNow} order by id ${forUpdate}
    ) returning id, tutor_id, pet_id`);
  await free(
    tx,
    cancelled.map(({ id }) => id),
  );
  return cancelled;
}

export interface Wanted {
  /** Tried in this order. */
  candidates: readonly BookableResource[];
  range: BusyRange;
  /** Of the candidates, those the visit has already: it may stay there though they were archived meanwhile. */
  kept?: readonly string[];
}

/** Takes a unit of the first of the candidates that has one; undefined when others were faster everywhere. */
export async function occupy(tx: Queryable, appointmentId: string, wanted: Wanted, busy: readonly BusySpan[]): Promise<VisitResource | undefined> {
  const { candidates, range, kept = [] } = wanted;
  for (const { id, name, capacity } of candidates) {
    const taken = new Set(
      busy.filter((span) => span.resource_id === id && span.busy_from < range.busy_to && span.busy_to > range.busy_from).map((span) => span.unit),
    );
    for (let unit = 1; unit <= capacity; unit++) {
      if (!taken.has(unit) && (await insertOccupancy(tx, appointmentId, { id, unit, evenArchived: kept.includes(id) }, range))) return { id, name, unit };
    }
  }
  return undefined;
}

interface Place {
  id: string;
  unit: number;
  evenArchived: boolean;
}

/** The resource keeps its capacity, and is not archived, until the transaction ends. */
async function insertOccupancy(tx: Queryable, appointmentId: string, place: Place, { busy_from, busy_to }: BusyRange): Promise<boolean> {
  const serves = sql.and([sql`id = ${place.id}`, sql`capacity >= ${place.unit}`, !place.evenArchived && sql`archived_at is null`]);
  const inserted = await tx.first(sql`
    insert into appointment_resources (appointment_id, resource_id, unit, busy_from, busy_to)
    select ${appointmentId}, id, ${place.unit}, ${busy_from}, ${busy_to} from resources where ${serves} ${forShare}
    on conflict do nothing returning unit`);
  return inserted !== undefined;
}

/** Before a visit takes its new place. */
export async function leave(tx: Queryable, appointmentId: string): Promise<void> {
  await tx.run(sql`delete from appointment_resources where appointment_id = ${appointmentId}`);
}

/** The visits block nobody any more; where they would have been stays known. */
export async function free(tx: Queryable, appointmentIds: readonly string[]): Promise<void> {
  await tx.run(sql`update appointment_resources set active = false where appointment_id in ${inList(appointmentIds)} and active`);
}

/** The highest unit that blocks anybody now or later; 0 when there is none. */
export async function occupiedUnits(db: Queryable, resourceId: string): Promise<number> {
  const row = await db.first<{ highest: number | null }>(sql`
    select max(unit) as highest from appointment_resources where resource_id = ${resourceId} and active and busy_to > ${dbNow}`);
  return row?.highest ?? 0;
}
