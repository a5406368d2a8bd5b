/** All SQL that writes sessions. A session's id is the digest of its token (session-token.ts); its ages go by the database's clock. */
import type { Queryable } from '#platform/db/database';
import { dbNow, dbNowPlus } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import type { Role } from './scopes.ts';

const IDLE_SECONDS = 12 * 3600;
const LONGEST_SECONDS = 30 * 24 * 3600;
const SEEN_EVERY_SECONDS = 60;

/** Of `sessions s`: neither too old nor unused for too long. */
export const live = sql`s.expires_at > ${dbNow} and s.last_seen_at > ${dbNowPlus(-IDLE_SECONDS)}`;

export interface SessionRow {
  role: Role;
  /** 1 when `last_seen_at` is due to be moved. */
  due: number;
}

/** A live session of that user, who is enabled. */
export function findSession(db: Queryable, id: string, userId: string): Promise<SessionRow | undefined> {
  return db.first<SessionRow>(sql`
    select u.role, case when s.last_seen_at <= ${dbNowPlus(-SEEN_EVERY_SECONDS)} then 1 else 0 end as due
    from sessions s join console_users u on u.id = s.user_id
    where s.id = ${id} and s.user_id = ${userId} and u.disabled_at is null and ${live}`);
}

/** At most one write a minute, whoever else saw it too. */
export async function markSeen(db: Queryable, id: string): Promise<void> {
  await db.run(sql`update sessions set last_seen_at = ${dbNow} where id = ${id} and last_seen_at <= ${dbNowPlus(-SEEN_EVERY_SECONDS)}`);
}

export async function insertSession(tx: Queryable, id: string, userId: string, networkDigest: string): Promise<void> {
  await tx.run(sql`
    insert into sessions (id, user_id, created_at, expires_at, last_seen_at, network_digest)
    values (${id}, ${userId}, ${dbNow}, ${dbNowPlus(LONGEST_SECONDS)}, ${dbNow}, ${networkDigest})`);
}

/** Whose it was, when there was one. */
export async function deleteSession(tx: Queryable, id: string): Promise<string | undefined> {
  return (await tx.first<{ user_id: string }>(sql`delete from sessions where id = ${id} returning user_id`))?.user_id;
}

export function deleteSessionsOf(tx: Queryable, userId: string): Promise<number> {
  return tx.run(sql`delete from sessions where user_id = ${userId}`);
}

export function purgeSessions(db: Queryable): Promise<number> {
  return db.run(sql`delete from sessions where expires_at <= ${dbNow} or last_seen_at <= ${dbNowPlus(-IDLE_SECONDS)}`);
}
