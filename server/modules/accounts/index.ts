/** Console users, their sessions, API keys, roles and scopes: who may come in, and what they may do. */
import type { Cache } from '#platform/cache/cache';
import type { Actor, Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import type { Route } from '#platform/http/route';
import type { Writer } from '#platform/write';
import { apiKeyRoutes } from './api-keys.routes.ts';
import { type ApiKeysService, createApiKeysService, createKeyLookup } from './api-keys.service.ts';
import { createAttempts } from './attempts.ts';
import { purgeGuesses } from './attempts.repository.ts';
import { authRoutes } from './auth.routes.ts';
import { type Authenticator, createAuthenticator } from './authenticator.ts';
import { createFirstAccess, type EnsureFirstAccess } from './first-access.ts';
import { createPasswords } from './passwords.ts';
import { createRecall } from './recall.ts';
import { createLiveSessions } from './sessions.cache.ts';
import { purgeSessions } from './sessions.repository.ts';
import { createSessionsService, type SessionsService } from './sessions.service.ts';
import { userRoutes } from './users.routes.ts';
import { createUsersService, type UsersService } from './users.service.ts';

export type { ApiKeysService, Authenticator, EnsureFirstAccess, SessionsService, UsersService };

export interface AccountsParts {
  db: Database;
  cache: Pick<Cache, 'limit' | 'read'>;
  writer: Writer;
}

export interface Accounts {
  users: UsersService;
  sessions: SessionsService;
  apiKeys: ApiKeysService;
  authenticator: Authenticator;
  ensureFirstAccess: EnsureFirstAccess;
  /** Removes dead sessions and closed windows of wrong passwords; answers how many rows. For a job, hourly or so. */
  purgeExpired(ctx: Ctx): Promise<number>;
  routes: Route[];
}

/** Keys remembered at most, for less than a second. */
const MAX_REMEMBERED = 10_000;

export function createAccounts({ db, cache, writer }: AccountsParts): Accounts {
  const passwords = createPasswords();
  const liveKeys = createRecall<Actor>(createKeyLookup(db), MAX_REMEMBERED);
  const liveSessions = createLiveSessions({ db, cache });
  const attempts = createAttempts({ db, cache });
  const users = createUsersService({ db, writer, passwords });
  const sessions = createSessionsService({ db, writer, passwords, attempts, live: liveSessions });
  const apiKeys = createApiKeysService({ db, writer, forgetKeys: liveKeys.forget });
  return {
    users,
    sessions,
    apiKeys,
    authenticator: createAuthenticator({ keys: liveKeys, sessions: liveSessions }),
    ensureFirstAccess: createFirstAccess({ db, writer, passwords }),
    purgeExpired: async (ctx) => (await purgeSessions(ctx.tx ?? db)) + (await purgeGuesses(ctx.tx ?? db)),
    routes: [...authRoutes({ sessions, users, apiKeys }), ...userRoutes(users), ...apiKeyRoutes(apiKeys)],
  };
}
