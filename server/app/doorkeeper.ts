/** Who calls, and how often they may: the part of the gateway that runs before anything of the request is looked at. */
import type { Request } from 'express';
import type { Authenticator } from '#modules/accounts/index';
import type { Cache } from '#platform/cache/cache';
import type { Actor } from '#platform/ctx';
import { rateLimited, unauthenticated } from '#platform/errors';
import type { Route } from '#platform/http/route';
import { newId } from '#platform/ids';
import { networkOf } from '#platform/network';

/** One request, from its first byte to its log line. */
export interface Call {
  id: string;
  method: string;
  /** The caller's address after trusted proxies. */
  ip: string;
  /** Monotonic milliseconds. */
  started: number;
  route: Route | undefined;
  actor: Actor | undefined;
}

export interface Doorkeeper {
  /** Gives the request its id. */
  meet(req: Request): Call;
  /** Demands credentials and counts the call. Throws UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED. */
  identify(req: Request, call: Call): Promise<void>;
  /** For open routes: credentials are welcome, not demanded. Throws RATE_LIMITED, unless the route is not limited. */
  welcome(req: Request, call: Call, limited: boolean): Promise<void>;
}

export interface DoorkeeperParts {
  authenticator: Authenticator;
  cache: Cache;
  rateLimit: { perIp: number; perUser: number };
  trustProxy: number;
}

const anonymous: Actor = { kind: 'anonymous', id: null, scopes: new Set() };
const WINDOW_SECONDS = 60;

export function createDoorkeeper({ authenticator, cache, rateLimit, trustProxy }: DoorkeeperParts): Doorkeeper {
  const byIp = (ip: string) => ({ key: `ip:${networkOf(ip)}`, limit: rateLimit.perIp });
  const byCaller = (actor: Actor) => ({ key: `caller:${actor.id}`, limit: rateLimit.perUser });

  async function count(...limits: { key: string; limit: number }[]): Promise<void> {
    const verdict = await cache.limit(limits, WINDOW_SECONDS);
    if (!verdict.allowed) throw rateLimited({ retryAfter: verdict.retryAfterSeconds });
  }

  function resolve(req: Request): Promise<Actor | undefined> {
    const { headers } = req;
    return authenticator.authenticate({
      apiKey: apiKeyOf(req),
      cookie: headers.cookie,
      method: req.method,
      origin: headers.origin,
      host: headers.host,
      secFetchSite: headers['sec-fetch-site'] as string | undefined,
      secure: req.secure,
    });
  }

  return {
    meet: (req) => ({
      id: requestId(req.headers['x-request-id']),
      method: req.method,
      ip: (trustProxy === 0 ? req.socket.remoteAddress : req.ip) ?? '',
      started: performance.now(),
      route: undefined,
      actor: undefined,
    }),
    async identify(req, call) {
      const key = apiKeyOf(req);
      const known = key === undefined ? undefined : authenticator.known(key);
      if (known) {
        // One round trip counts both.
        await count(byIp(call.ip), byCaller(known));
        call.actor = known;
        return;
      }
      // The address is counted before any look-up, so that guessing costs the guesser.
      await count(byIp(call.ip));
      const actor = await resolve(req);
      if (!actor) throw unauthenticated();
      await count(byCaller(actor));
      call.actor = actor;
    },
    async welcome(req, call, limited) {
      if (limited) await count(byIp(call.ip));
      const sent = apiKeyOf(req) !== undefined || req.headers.cookie !== undefined;
      // What nobody demanded must not fail: an open call works for a stranger, so it works for a caller we cannot look up.
      call.actor = (sent ? await resolve(req).catch(() => undefined) : undefined) ?? anonymous;
    },
  };
}

function apiKeyOf(req: Request): string | undefined {
  const key = req.headers['x-api-key'];
  if (typeof key === 'string' && key !== '') return key;
  const bearer = req.headers.authorization;
  return bearer !== undefined && /^bearer /i.test(bearer) ? bearer.slice(7).trim() : undefined;
}

/** A caller's own id is kept when it is harmless, so that logs can be joined. */
function requestId(sent: string | string[] | undefined): string {
  return typeof sent === 'string' && /^[\w-]{8,64}$/.test(sent) ? sent : newId();
}
