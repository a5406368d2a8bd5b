import { z } from 'zod';
import { unauthenticated } from '#platform/errors';
import { reply, replyEmpty } from '#platform/http/reply';
import { defineRoute, type Route, type RouteHttp } from '#platform/http/route';
import { apiKey } from './api-keys.schemas.ts';
import type { ApiKeysService } from './api-keys.service.ts';
import { clearedCookie, sessionCookie, sessionOf } from './cookie.ts';
import { refuseForeign } from './provenance.ts';
import type { SessionsService, Visitor } from './sessions.service.ts';
import { login, scopes, updateMe, user } from './users.schemas.ts';
import type { UsersService } from './users.service.ts';

const me = z.union([z.object({ kind: z.literal('user'), user, scopes }), z.object({ kind: z.literal('api_key'), key: apiKey, scopes })]);

export interface AuthRoutesParts {
  sessions: SessionsService;
  users: UsersService;
  apiKeys: ApiKeysService;
}

export function authRoutes({ sessions, users, apiKeys }: AuthRoutesParts): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/auth/login',
      access: 'public',
      summary: 'Open a session of the console: sets the cookie, always a new one',
      body: login,
      response: z.object({ user }),
      status: 200,
      idempotent: false,
      errors: ['UNAUTHENTICATED', 'RATE_LIMITED'],
      async handle({ ctx, body, http }) {
        refuseForeign({ origin: http.header('origin'), host: http.header('host'), secFetchSite: http.header('sec-fetch-site') });
        const opened = await sessions.login(ctx, body, visitorOf(http));
        return reply({ user: opened.user }, setCookie(sessionCookie(opened.token, http.secure)));
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/auth/logout',
      access: 'authenticated',
      summary: 'End this session on every instance',
      status: 204,
      idempotent: false,
      async handle({ ctx, http }) {
        await sessions.logout(ctx, visitorOf(http).held);
        return replyEmpty(setCookie(clearedCookie(http.secure)));
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/auth/me',
      access: 'authenticated',
      summary: 'Who calls and what they may do',
      response: me,
      async handle({ ctx }) {
        const { kind, id } = ctx.actor;
        const held = [...ctx.actor.scopes].sort();
        if (kind === 'user' && id !== null) return reply({ kind, user: await users.get(ctx, id), scopes: held });
        if (kind === 'api_key' && id !== null) return reply({ kind, key: await apiKeys.get(ctx, id), scopes: held });
        throw unauthenticated();
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/auth/me',
      access: 'authenticated',
      summary: 'Change one’s own name or password; a new password ends every session and opens a new one',
      body: updateMe,
      response: z.object({ user }),
      errors: ['RATE_LIMITED'],
      async handle({ ctx, body, http }) {
        const changed = await sessions.updateMe(ctx, body, visitorOf(http));
        return reply({ user: changed.user }, changed.token === undefined ? undefined : setCookie(sessionCookie(changed.token, http.secure)));
      },
    }),
  ];
}

function visitorOf(http: RouteHttp): Visitor {
  return { ip: http.ip, held: sessionOf(http.header('cookie'), http.secure) };
}

function setCookie(cookie: string): Record<string, string> {
  return { 'set-cookie': cookie };
}
