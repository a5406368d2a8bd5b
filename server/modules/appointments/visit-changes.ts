/** What goes with every change of an appointment: who is concerned, the audit entry, the news. */
import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation, type Queryable, type Tx } from '#platform/db/database';
import { alreadyExists } from '#platform/errors';
import { publish } from '#platform/events/events';
import type { Writer } from '#platform/write';
import { findIdByExternalId, listConcerned } from './appointments.repository.ts';
import { type HeldFacts, holdParties, type VisitIds } from './booking-facts.repository.ts';
import { cancelLapsed, type LapsedHold } from './occupancy.repository.ts';

/** The audit entry and the event of one change, in its transaction. `change`: `created`, `rescheduled`, `deleted`, `expired`, a new status, … */
export async function recordChange(tx: Tx, ctx: Ctx, row: { id: string; tutor_id: string }, change: string, changes?: object): Promise<void> {
  await audit(tx, ctx, { action: change, entity: 'appointment', entity_id: row.id, person_id: row.tutor_id, ...(changes && { changes }) });
  await publish(tx, 'appointment.changed', { appointment_id: row.id, person_id: row.tutor_id, change });
}

/** The topics of those people, of everybody these pets belong to, and of those whose lapsed holds go with the change. */
export async function topicsOf(db: Queryable, people: readonly string[], petIds: readonly string[], lapsed: readonly LapsedHold[] = []): Promise<string[]> {
  const pets = [...petIds, ...lapsed.map((hold) => hold.pet_id)];
  const owners = pets.length === 0 ? [] : await listConcerned(db, pets);
  const all = [...people, ...lapsed.map((hold) => hold.tutor_id), ...owners.map((concern) => concern.person_id)];
  return [...new Set(all)].map((id) => `person:${id}`);
}

/**
 * Touches also who became a guardian of the pet since `touched` was read, and answers whose pet it is. The caller's transaction
 * holds the pet, by `holdParties` or `insertAppointment`, so that nobody becomes one later.
 */
export async function touchLate(writer: Writer, tx: Tx, ctx: Ctx, petId: string, touched: readonly string[]): Promise<string[]> {
  const people = (await listConcerned(tx, [petId])).map((concern) => concern.person_id);
  const late = people.map((id) => `person:${id}`).filter((topic) => !touched.includes(topic));
  if (late.length > 0) await writer.write({ ...ctx, tx }, { topics: late }, () => Promise.resolve());
  return people;
}

/** Tutor, pet and service as they stay until the transaction ends, and whose pet it is. */
export interface HeldVisit extends HeldFacts {
  people: string[];
}

/**
 * A change of a known appointment: one transaction that holds tutor, pet and service and touches everybody who sees the visit.
 * `fn` gets no facts when one of the three is gone; then the appointment is another's by now.
 */
export async function changeVisit<T>(
  on: { db: Database; writer: Writer },
  ctx: Ctx,
  visit: VisitIds,
  lapsed: readonly LapsedHold[],
  fn: (tx: Tx, held: HeldVisit | undefined) => Promise<T>,
): Promise<T> {
  const topics = await topicsOf(ctx.tx ?? on.db, [visit.tutor_id], [visit.pet_id], lapsed);
  return on.writer.write(ctx, { topics }, async (tx) => {
    const held = await holdParties(tx, visit);
    const people = await touchLate(on.writer, tx, ctx, visit.pet_id, topics);
    return fn(tx, held && { ...held, people });
  });
}

/** Cancels holds seen to have run out, so that their place can be taken. */
export async function removeLapsed(tx: Tx, ctx: Ctx, lapsed: readonly LapsedHold[]): Promise<void> {
  if (lapsed.length === 0) return;
  const ids = lapsed.map(({ id }) => id);
  for (const hold of await cancelLapsed(tx, ids)) await recordChange(tx, ctx, hold, 'expired');
}

export async function idInUse(db: Queryable, externalId: string): Promise<Error> {
  return alreadyExists({ details: { id: (await findIdByExternalId(db, externalId)) ?? null } });
}

/** A unique violation can only be the external id: ALREADY_EXISTS with the id of who has it. */
export async function namingDuplicate<T>(db: Database, ctx: Ctx, externalId: string | null | undefined, change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof DbViolation) || error.rule !== 'unique' || !externalId) throw error;
    // A caller's transaction is spoilt by now and answers nothing more.
    throw ctx.tx ? alreadyExists({ cause: error }) : await idInUse(db, externalId);
  }
}
