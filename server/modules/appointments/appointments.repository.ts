/** All SQL about appointments, except what they occupy. */
import type { Instant } from '#platform/clock';
import type { Queryable } from '#platform/db/database';
import { dbNow, forShare, forUpdate, inList, secondsUntil, statementTime } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import { keyset, type Page, pageOf } from '#platform/http/page';
import type { Appointment, AppointmentQuery, VisitResource } from './appointments.schemas.ts';
import { partiesOf, type VisitIds } from './booking-facts.repository.ts';
import { removable, type Status, upcoming } from './statuses.ts';

/** A row without its resources; as `select` and as `returning`. */
export type AppointmentRow = Omit<Appointment, 'resources'>;

const columns = sql`
  id, tutor_id, (select t.name from tutors t where t.id = appointments.tutor_id) as tutor_name,
  pet_id, (select p.name from pets p where p.id = appointments.pet_id) as pet_name,
  service_id, (select s.name from services s where s.id = appointments.service_id) as service_name,
  status, starts_at, ends_at, price_cents, notes, hold_expires_at, hold_reason, cancel_reason, source, external_id, version, created_at, updated_at`;

/** A hold that has not run out; true for anything that is no hold. */
const standing = sql`(status <> 'pending' or hold_expires_at is null or hold_expires_at > ${dbNow})`;

export async function findAppointment(db: Queryable, id: string): Promise<Appointment | undefined> {
  const row = await db.first<AppointmentRow>(sql`select ${columns} from appointments where id = ${id}`);
  return row && (await withResources(db, [row]))[0];
}

export async function findIdByExternalId(db: Queryable, externalId: string): Promise<string | undefined> {
  return (await db.first<{ id: string }>(sql`select id from appointments where external_id = ${externalId}`))?.id;
}

/** Half-open. */
export interface TimeRange {
  starts_at?: Instant | undefined;
  ends_at?: Instant | undefined;
}

/** By time, or by change when `updated_since` is given. Two statements whatever the number of rows. */
export async function listAppointments(db: Queryable, query: AppointmentQuery, days: TimeRange): Promise<Page<Appointment>> {
  const since = query.updated_since;
  const order = since === undefined ? sql`starts_at` : sql`updated_at`;
  const set = keyset([order, sql`id`], 'asc', query);
  const where = sql.and([
    set.after,
    query.tutor_id !== undefined && sql`tutor_id = ${query.tutor_id}`,
    query.pet_id !== undefined && sql`pet_id = ${query.pet_id}`,
    query.service_id !== undefined && sql`service_id = ${query.service_id}`,
    query.external_id !== undefined && sql`external_id = ${query.external_id}`,
    query.resource_id !== undefined &&
      sql`exists (select 1 from appointment_resources r where r.appointment_id = appointments.id and r.resource_id = ${query.resource_id})`,
    query.status !== undefined && sql`status in ${inList(query.status)}`,
    days.starts_at !== undefined && sql`starts_at >= ${days.starts_at}`,
    days.ends_at !== undefined && sql`starts_at < ${days.ends_at}`,
    since !== undefined && sql`updated_at >= ${since}`,
  ]);
  const rows = await db.all<AppointmentRow>(sql`select ${columns} from appointments where ${where} ${set.order}`);
  const page = pageOf(rows, query.limit, (row) => [since === undefined ? row.starts_at : row.updated_at, row.id]);
  return { ...page, rows: await withResources(db, page.rows) };
}

/** One statement for all of them. */
async function withResources(db: Queryable, rows: readonly AppointmentRow[]): Promise<Appointment[]> {
  const found = await db.all<VisitResource & { appointment_id: string }>(sql`
    select o.appointment_id, r.id, r.name, o.unit from appointment_resources o join resources r on r.id = o.resource_id
    where o.appointment_id in ${inList(rows.map((row) => row.id))} order by r.id, o.unit`);
  const whole = new Map<string, Appointment>(rows.map((row) => [row.id, { ...row, resources: [] }]));
  for (const { appointment_id, ...resource } of found) whole.get(appointment_id)?.resources.push(resource);
  return [...whole.values()];
}

export interface NewAppointment extends VisitIds {
  id: string;
  starts_at: Instant;
  ends_at: Instant;
  price_cents: number;
  notes?: string | null | undefined;
  source: string;
  external_id?: string | null | undefined;
}

/**
 * Status `scheduled`. Nothing when the external id is taken, or when tutor, pet or service are no longer such as can be booked;
 * once inserted they stay as they are until the transaction ends, and so does whose pet it is.
 */
export function insertAppointment(tx: Queryable, row: NewAppointment): Promise<AppointmentRow | undefined> {
  return tx.first<AppointmentRow>(sql`
    insert into appointments (id, tutor_id, pet_id, service_id, status, starts_at, ends_at, price_cents, notes, source, external_id, created_at, updated_at)
    select ${row.id}, t.id, p.id, s.id, 'scheduled', ${row.starts_at}, ${row.ends_at}, ${row.price_cents}, ${row.notes}, ${row.source}, ${row.external_id}, ${statementTime}, ${statementTime}
    ${partiesOf(row)} and t.erased_at is null and t.archived_at is null and p.deceased_at is null and p.archived_at is null and s.archived_at is null
    ${forShare} on conflict (external_id) do nothing returning ${columns}`);
}

/** The columns a change sets; absent ones stay. */
export interface AppointmentPatch {
  status?: Status | undefined;
  starts_at?: Instant | undefined;
  ends_at?: Instant | undefined;
  service_id?: string | undefined;
  price_cents?: number | null | undefined;
  notes?: string | null | undefined;
  cancel_reason?: string | null | undefined;
  external_id?: string | null | undefined;
}

/**
 * No row when it is gone or at another version, or when it must still be holding its place and is a hold that ran out.
 * A hold that gets another status is none any more. Throws DbViolation `unique` when the external id is another's.
 */
export function updateAppointment(
  tx: Queryable,
  id: string,
  version: number,
  patch: AppointmentPatch,
  mustStand: boolean,
): Promise<AppointmentRow | undefined> {
  const sets: (Sql | false)[] = [
    patch.status !== undefined && sql`status = ${patch.status}, hold_expires_at = null, hold_reason = null`,
    patch.starts_at !== undefined && sql`starts_at = ${patch.starts_at}`,
    patch.ends_at !== undefined && sql`ends_at = ${patch.ends_at}`,
    patch.service_id !== undefined && sql`service_id = ${patch.service_id}`,
    patch.price_cents !== undefined && sql`price_cents = ${patch.price_cents}`,
    patch.notes !== undefined && sql`notes = ${patch.notes}`,
    patch.cancel_reason !== undefined && sql`cancel_reason = ${patch.cancel_reason}`,
    patch.external_id !== undefined && sql`external_id = ${patch.external_id}`,
    sql`version = version + 1, updated_at = ${dbNow}`,
  ];
  const where = sql.and([sql`id = ${id}`, sql`version = ${version}`, mustStand && standing]);
  return tx.first<AppointmentRow>(sql`update appointments set ${sql.join(sets.filter((s) => s !== false))} where ${where} returning ${columns}`);
}

/** False when it is gone, at another version or has begun. DbViolation `foreign_key` when something hangs on it. */
export async function deleteAppointment(tx: Queryable, id: string, ifMatch: number | undefined): Promise<boolean> {
  const where = sql.and([sql`id = ${id}`, sql`status in ${inList(removable)}`, ifMatch !== undefined && sql`version = ${ifMatch}`]);
  return (await tx.run(sql`delete from appointments where ${where}`)) > 0;
}

export interface Concern {
  pet_id: string;
  person_id: string;
}

/** Whom these pets belong to: principal tutors and guardians. One statement. */
export function listConcerned(db: Queryable, petIds: readonly string[]): Promise<Concern[]> {
  const ids = inList(petIds);
  return db.all<Concern>(sql`
    select id as pet_id, tutor_id as person_id from pets where id in ${ids}
    union select pet_id, person_id from pet_guardians where pet_id in ${ids}`);
}

/** `held_seconds`: how long it is still a hold, by the database's clock; null when it does not end by itself. */
export type UpcomingRow = AppointmentRow & { held_seconds: number | null };

/** The person's next visits, booked by them or for a pet of theirs. */
export function listUpcoming(db: Queryable, personId: string, now: Instant, limit: number): Promise<UpcomingRow[]> {
  const ahead = sql`starts_at >= ${now} and status in ${inList(upcoming)}`;
  return db.all<UpcomingRow>(sql`
    select ${columns}, case when status = 'pending' then ${secondsUntil(sql`hold_expires_at`)} end as held_seconds from appointments where id in (
      select id from appointments where tutor_id = ${personId} and ${ahead}
      union select id from appointments where pet_id in (
        select id from pets where tutor_id = ${personId} union select pet_id from pet_guardians where person_id = ${personId}
      ) and ${ahead}
    ) and ${standing} order by starts_at, id limit ${limit}`);
}

/** Everything booked by the person, with its resources. */
export async function listAllOf(db: Queryable, personId: string): Promise<Appointment[]> {
  const all = await db.all<AppointmentRow>(sql`select ${columns} from appointments where tutor_id = ${personId} order by starts_at, id`);
  return withResources(db, all);
}

/** What of the person's is still to come, held until the transaction ends. */
export function lockUpcoming(tx: Queryable, personId: string, now: Instant): Promise<{ id: string; tutor_id: string; pet_id: string }[]> {
  return tx.all(sql`
    select id, tutor_id, pet_id from appointments
    where tutor_id = ${personId} and starts_at > ${now} and status in ${inList(upcoming)} order by id ${forUpdate}`);
}

export async function cancelAll(tx: Queryable, ids: readonly string[]): Promise<void> {
  await tx.run(sql`
    update appointments set status = 'cancelled', hold_expires_at = null, hold_reason = null, version = version + 1, updated_at = ${dbNow}
    where id in ${inList(ids)}`);
}

/** Leaves that somebody came, and when; not a word about them. */
export async function blankWords(tx: Queryable, personId: string): Promise<void> {
  await tx.run(sql`
    update appointments set notes = null, cancel_reason = null, external_id = null, version = version + 1, updated_at = ${dbNow}
    where tutor_id = ${personId} and (notes is not null or cancel_reason is not null or external_id is not null)`);
}

/** The pets of a person's visits, theirs or not. */
export async function listPetIdsOf(db: Queryable, personId: string): Promise<string[]> {
  return (await db.all<{ pet_id: string }>(sql`select distinct pet_id from appointments where tutor_id = ${personId}`)).map((row) => row.pet_id);
}

export async function moveAll(tx: Queryable, from: string, into: string): Promise<void> {
  await tx.run(sql`update appointments set tutor_id = ${into}, version = version + 1, updated_at = ${dbNow} where tutor_id = ${from}`);
}
