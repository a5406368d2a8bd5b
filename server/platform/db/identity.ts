import { digest, newId } from '../ids.ts';
import type { Database, Queryable } from './database.ts';
import { forUpdate, whereabouts } from './dialect.ts';
import { sql } from './sql.ts';

/**
 * A name for the database in use, the same for every instance on it and different for any other,
 * also for a restored copy: cache keys carry it, so nobody is ever shown another database's rows.
 */
export async function databaseIdentity(db: Database): Promise<string> {
  await db.run(sql`insert into database_identity (id) values (${newId()}) on conflict do nothing`);
  const row = await db.first<{ id: string; place: string | null }>(sql`select id, ${whereabouts} as place from database_identity`);
  if (!row) throw new Error('the database has no identity although one was just stored');
  return digest(`${row.id}@${row.place}`).slice(0, 16);
}

/** Holds everyone else who asks for the same, until the transaction ends: for what must happen once when several instances start. */
export async function lockDatabase(tx: Queryable): Promise<void> {
  await tx.first(sql`select id from database_identity ${forUpdate}`);
}
