/** News for other modules, the console and outgoing webhooks: a row in the writer's transaction, holding ids only. */
import type { Queryable } from '../db/database.ts';
import { dbNow, dbNowPlus, written } from '../db/dialect.ts';
import { type Sql, sql } from '../db/sql.ts';
import { newId } from '../ids.ts';

export type EventType =
  | 'person.created'
  | 'person.changed'
  | 'person.merged'
  | 'person.erased'
  | 'pet.changed'
  | 'pet.deceased'
  | 'consent.changed'
  | 'appointment.changed'
  | 'catalog.changed'
  | 'settings.changed';

/** What happened, and to whom or what. */
export interface News {
  type: EventType;
  subject: Record<string, string>;
}

/** Publishes inside the caller's transaction; it exists exactly when the change does. */
export async function publish(tx: Queryable, type: EventType, subject: Record<string, string>): Promise<void> {
  await tx.run(sql`insert into events (id, type, subject, created_at) values (${newId()}, ${type}, ${subject}, ${dbNow})`);
}

/** The same as a statement for `db.fused`: news only when the change itself changed a row. */
export function newsOfWritten({ type, subject }: News): Sql {
  return sql`insert into events (id, type, subject, created_at) select ${newId()}, ${type}, ${subject}, ${dbNow} from ${written}`;
}

const KEPT_SECONDS = 24 * 3600;

/** Removes news older than 24 hours; whoever listened heard it long ago. Answers how many. */
export function purgeEvents(db: Queryable): Promise<number> {
  return db.run(sql`delete from events where created_at < ${dbNowPlus(-KEPT_SECONDS)}`);
}
