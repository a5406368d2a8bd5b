/**
 * The gateway: one visible chain a request. Id → who (401 before anything is looked at) → limits → scope → schemas →
 * idempotency → handler → envelope → log line. Every route of the list goes through it, and nothing else answers.
 */
import express, { type ErrorRequestHandler, type Express, type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import type { Clock } from '#platform/clock';
import type { Ctx } from '#platform/ctx';
import { AppError, forbidden, internalError, invalidField, invalidRequest, methodNotAllowed, notFound, validationFailed } from '#platform/errors';
import { bodyFault, readJson } from '#platform/http/body';
import { errorBody, goodBody, goodBytes, type Meta } from '#platform/http/envelope';
import type { Claim, Idempotency } from '#platform/http/idempotency';
import type { Reply } from '#platform/http/reply';
import type { Route, RouteInput } from '#platform/http/route';
import { fieldFaults } from '#platform/http/schema';
import type { Log } from '#platform/log';
import type { Call, Doorkeeper } from './doorkeeper.ts';
import type { Metrics } from './metrics.ts';

export interface HttpParts {
  routes: readonly Route[];
  /** Static pages that need no credentials: the console, the API reference. */
  pages: RequestHandler;
  doorkeeper: Doorkeeper;
  idempotency: Idempotency;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** In `meta.version`. */
  version: string;
  /** Sent with every answer, flat name-value pairs. */
  securityHeaders: readonly string[];
  trustProxy: number;
}

export function createHttpApp(parts: HttpParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', parts.trustProxy);
  const chain = createChain(parts);
  app.use(chain.begin);
  app.use(
    byPrefix(
      parts.routes.filter((route) => route.access === 'public'),
      chain,
    ),
  );
  app.use(parts.pages);
  app.use(chain.identify);
  app.use(
    byPrefix(
      parts.routes.filter((route) => route.access !== 'public'),
      chain,
    ),
  );
  app.use((_req, _res, next) => next(notFound({ message: 'There is no such call.' })));
  app.use(chain.fail);
  return app;
}

/** One small router per resource (`/api/tutors`), found by name, so that no request walks the whole list. */
function byPrefix(routes: readonly Route[], chain: Pick<ReturnType<typeof createChain>, 'serve' | 'refuseMethod'>): RequestHandler {
  const prefixOf = (path: string) => /^\/(?:api\/)?[^/]*/i.exec(path)?.[0].toLowerCase() ?? '/';
  const routers = new Map<string, Router>();
  // Fixed segments before parameters, each path closed before the next, so that /appointments/availability is never read as an id.
  const inOrder = (path: string) => path.replaceAll('{', '~');
  const paths = [...new Set(routes.map((route) => route.path))].sort((a, b) => (inOrder(a) < inOrder(b) ? -1 : 1));
  for (const path of paths) {
    const prefix = prefixOf(path);
    const router = routers.get(prefix) ?? Router();
    routers.set(prefix, router);
    const here = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    const allowed: string[] = [];
    for (const route of routes.filter((one) => one.path === path)) {
      const handler = chain.serve(route);
      here[route.method.toLowerCase() as 'get' | 'post' | 'patch' | 'delete'](handler);
      if (route.method === 'PATCH') here.put(handler);
      allowed.push(...(route.method === 'PATCH' ? ['PATCH', 'PUT'] : [route.method]));
    }
    here.all(chain.refuseMethod(allowed.join(', ')));
  }
  return (req, res, next) => {
    const router = routers.get(prefixOf(req.path));
    if (router) router(req, res, next);
    else next();
  };
}

function createChain(parts: HttpParts) {
  const { doorkeeper, clock, log, metrics } = parts;
  const callOf = (res: Response) => res.locals['call'] as Call;

  function send(res: Response, status: number, headers: string[], body: Buffer | string): void {
    const call = callOf(res);
    if (res.headersSent) return res.destroy() as unknown as void;
    const size = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    res.writeHead(status, ['x-request-id', call.id, 'content-length', String(size), ...headers, ...parts.securityHeaders]);
    res.end(body);
    const ms = performance.now() - call.started;
    metrics.request(call.route, call.method, status, ms);
    // The route, never the path or the query: those can hold a phone.
    log.info({ req: call.id, method: call.method, route: call.route?.path, status, ms: Math.round(ms * 10) / 10, caller: call.actor?.id }, 'request');
  }

  const begin = (req: Request, res: Response, next: NextFunction) => {
    res.locals['call'] = doorkeeper.meet(req);
    next();
  };

  const identify = (req: Request, res: Response, next: NextFunction) => {
    doorkeeper.identify(req, callOf(res)).then(() => next(), next);
  };

  const serve = (route: Route): RequestHandler => {
    const answer = async (req: Request, res: Response) => {
      const call = callOf(res);
      call.route = route;
      if (route.access === 'public') await doorkeeper.welcome(req, call, route.limited);
      else if (route.access !== 'authenticated' && !call.actor!.scopes.has(route.access) && !call.actor!.scopes.has('*')) {
        throw forbidden({ details: { scope: route.access } });
      }
      const input = await readInput(route, req, res, call, clock.now());
      const key = route.idempotent ? req.headers['idempotency-key'] : undefined;
      if (key === undefined) return deliver(res, route, await route.handle(input));
      return serveOnce(res, route, req, input, String(key));
    };
    return (req, res, next) => {
      answer(req, res).catch(next);
    };
  };

  /** Counted as any call is, so that nobody gets around the limits by a method that is not offered. */
  const refuseMethod =
    (allow: string): RequestHandler =>
    (req, res, next) => {
      const call = callOf(res);
      const counted = call.actor === undefined ? doorkeeper.welcome(req, call, true) : Promise.resolve();
      counted.then(() => {
        res.setHeader('allow', allow);
        next(methodNotAllowed());
      }, next);
    };

  const meta = (timestamp: string): Meta => ({ timestamp, version: parts.version });

  function deliver(res: Response, route: Route, reply: Reply): void {
    const now = clock.now();
    switch (reply.kind) {
      case 'bytes':
        return send(
          res,
          route.status,
          [...JSON_TYPE, 'x-cache', reply.hit ? 'HIT' : 'MISS'],
          goodBytes(reply.body, reply.next_cursor === undefined ? meta(now) : { ...meta(now), next_cursor: reply.next_cursor }),
        );
      case 'data':
        return send(res, route.status, [...JSON_TYPE, ...flat(reply.headers)], goodBody(reply.data, meta(now)));
      case 'page':
        return send(res, route.status, [...JSON_TYPE], goodBody(reply.data, { ...meta(now), next_cursor: reply.next_cursor }));
      case 'file':
        return send(res, route.status, ['content-type', reply.type, ...flat(reply.headers)], reply.body);
      case 'empty':
        return send(res, 204, flat(reply.headers), '');
    }
  }

  /** An idempotent POST: the answer is stored with its effect, and a retry gets the same bytes. */
  async function serveOnce(res: Response, route: Route, req: Request, input: RouteInput<unknown, unknown, unknown>, key: string): Promise<void> {
    const caller = `${input.ctx.actor.kind}:${input.ctx.actor.id}`;
    const begun = await parts.idempotency.begin(caller, key, JSON.stringify([req.method, req.path, req.body ?? null]));
    if (begun.kind === 'replay') return send(res, begun.status, [...JSON_TYPE, 'idempotent-replayed', 'true'], begun.body);
    let kept: Buffer | undefined;
    const ctx: Ctx = {
      ...input.ctx,
      keep: async (tx, result) => {
        kept = goodBody(result, meta(clock.now()));
        await begun.claim.keep(tx, route.status, kept.toString());
      },
    };
    try {
      const reply = await route.handle({ ...input, ctx });
      if (kept) return send(res, route.status, [...JSON_TYPE], kept);
      const body = reply.kind === 'data' ? goodBody(reply.data, meta(clock.now())) : undefined;
      if (!body) {
        await begun.claim.release();
        return deliver(res, route, reply);
      }
      await begun.claim.finish(route.status, body.toString());
      return send(res, route.status, [...JSON_TYPE], body);
    } catch (error) {
      await settleFailure(begun.claim, error);
      throw error;
    }
  }

  const fail: ErrorRequestHandler = (raised: unknown, _req, res, _next) => {
    const error = raised instanceof AppError ? raised : foreign(raised);
    const call = callOf(res);
    if (error.status >= 500) log[error.status === 503 ? 'warn' : 'error']({ req: call.id, route: call.route?.path, err: raised }, 'request failed');
    const headers = [...JSON_TYPE];
    if (error.status === 401) headers.push('www-authenticate', 'Bearer');
    const retryAfter = error.retryAfter ?? (error.status === 503 ? 1 : undefined);
    if (retryAfter !== undefined) headers.push('retry-after', String(Math.max(1, Math.ceil(retryAfter))));
    send(res, error.status, headers, errorBody(error));
  };

  return { begin, identify, serve, refuseMethod, fail };
}

const JSON_TYPE = ['content-type', 'application/json; charset=utf-8'];

function flat(headers: Record<string, string> | undefined): string[] {
  return headers ? Object.entries(headers).flat() : [];
}

/** A refusal is an answer worth repeating; what may go better next time is forgotten. */
async function settleFailure(claim: Claim, error: unknown): Promise<void> {
  const lasting = error instanceof AppError && error.status < 500 && !error.retryable;
  // The database may be what failed: then the claim's lease ends it.
  await (lasting ? claim.finish(error.status, errorBody(error).toString()) : claim.release()).catch(() => undefined);
}

/** Errors of Express and Node before or around our code. */
function foreign(error: unknown): AppError {
  if (error instanceof URIError) return invalidRequest({ message: 'The path is not valid percent-encoded UTF-8.', cause: error });
  const { status, type } = error as { status?: unknown; type?: unknown };
  if (typeof type === 'string' || (typeof status === 'number' && status >= 400 && status < 500)) return bodyFault(error);
  return internalError({ cause: error });
}

async function readInput(route: Route, req: Request, res: Response, call: Call, now: string): Promise<RouteInput<unknown, unknown, unknown>> {
  const params = route.params?.safeParse(req.params);
  // A malformed id names nothing, exactly as an unknown one.
  if (params && !params.success) throw notFound();
  const query = route.query?.safeParse({ ...req.query });
  if (query && !query.success) throw validationFailed({ details: { fields: fieldFaults(query.error) } });
  let body: unknown;
  if (route.body) {
    const parsed = route.body.safeParse(await readJson(req, res));
    if (!parsed.success) throw validationFailed({ details: { fields: fieldFaults(parsed.error) } });
    body = parsed.data;
  }
  const ctx: Ctx = { actor: call.actor!, now, trace: call.id };
  const http = { header: (name: string) => req.get(name), ip: call.ip, secure: req.secure };
  return { ctx, params: params?.data ?? {}, query: query?.data ?? {}, body, ifMatch: readIfMatch(req.headers['if-match']), http };
}

/** `If-Match: 3`, `"3"` or `W/"3"`; `*` asks for nothing. */
function readIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const match = /^\s*(?:W\/)?"?(\d{1,9})"?\s*$/.exec(header);
  if (!match) throw invalidField('If-Match', 'must be the version of the row, e.g. "3"');
  return Number(match[1]);
}
