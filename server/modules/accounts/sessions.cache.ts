/** Who a session belongs to and what they may do: from the cache, where every change to their account makes it unfound. */
import type { Cache } from '#platform/cache/cache';
import type { Actor } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { type Role, scopesOfRole } from './scopes.ts';
import type { SessionRef } from './session-token.ts';
import { findSession, markSeen } from './sessions.repository.ts';

export interface LiveSessions {
  /** Undefined for what is no live session of an enabled user. Rejects when it cannot be known: doubt never lets anybody in. */
  find(session: SessionRef): Promise<Actor | undefined>;
}

/** What lies in the cache: no secret, no e-mail. */
interface CachedSession {
  user_id: string;
  role: Role;
}

/** How long an expired session may still be let in; its expiry goes by the database's clock alone. */
const TTL_SECONDS = 60;

/** Written by whatever ends sessions of that user or changes what they may do. */
export const accountTopic = (userId: string): string => `account:${userId}`;

export function userActor(id: string, role: Role): Actor {
  return { kind: 'user', id, role, scopes: scopesOfRole(role) };
}

export function createLiveSessions({ db, cache }: { db: Database; cache: Pick<Cache, 'read'> }): LiveSessions {
  async function load({ id, userId }: SessionRef): Promise<CachedSession | undefined> {
    const row = await findSession(db, id, userId);
    // Nobody waits for it, and a lost one is made up for a minute later.
    if (row?.due === 1) markSeen(db, id).catch(() => undefined);
    return row && { user_id: userId, role: row.role };
  }

  return {
    async find(session) {
      const found = await cache.read({
        key: `session:${session.id}`,
        topics: [accountTopic(session.userId)],
        ttlSeconds: TTL_SECONDS,
        load: () => load(session),
      });
      if (!found) return undefined;
      const { user_id, role } = JSON.parse(found.body.toString()) as CachedSession;
      return userActor(user_id, role);
    },
  };
}
