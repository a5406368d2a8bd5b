/**
 * A route as data: the gateway checks, the documentation lists and the tests walk what is declared here.
 * Paths are written as in the contract (`/api/tutors/{id}`).
 */
import type { z } from 'zod';
import type { Ctx } from '../ctx.ts';
import type { Reply } from './reply.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** `public`: no credentials. `authenticated`: any. Otherwise the scope the caller must hold, e.g. `customers:read`. */
export type Access = 'public' | 'authenticated' | `${string}:read` | `${string}:write`;

export interface RouteInput<P, Q, B> {
  ctx: Ctx;
  params: P;
  query: Q;
  body: B;
  /** The version the caller saw, from `If-Match`; the write must fail with VERSION_MISMATCH when it is another. */
  ifMatch: number | undefined;
  /** For the few routes that need cookies, raw bodies or the peer's address. */
  http: RouteHttp;
}

export interface RouteHttp {
  header(name: string): string | undefined;
  /** The caller's address after trusted proxies. */
  ip: string;
  /** True over TLS, as far as trusted proxies tell. */
  secure: boolean;
}

export interface Route {
  method: Method;
  path: string;
  access: Access;
  /** One line for the documentation. */
  summary: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** What `data` holds in a good answer; undefined for 204 and for answers that are not JSON. */
  response?: z.ZodType;
  /** The status of a good answer. */
  status: 200 | 201 | 202 | 204;
  /** True: the answer is a page and `meta.next_cursor` is there. */
  paged: boolean;
  /** False where an `Idempotency-Key` is ignored: login, webhooks, key creation. */
  idempotent: boolean;
  /** False for open routes that count against nobody's limit: health probes. */
  limited: boolean;
  /** Extra `error.code`s worth listing in the documentation. */
  errors: readonly string[];
  handle(input: RouteInput<unknown, unknown, unknown>): Promise<Reply>;
}

type Shape = z.ZodObject | undefined;
type Out<S> = S extends z.ZodType ? z.output<S> : Record<string, never>;

export interface RouteDeclaration<P extends Shape, Q extends Shape, B extends z.ZodType | undefined> {
  method: Method;
  path: string;
  access: Access;
  summary: string;
  params?: P;
  query?: Q;
  body?: B;
  response?: z.ZodType;
  status?: Route['status'];
  paged?: boolean;
  idempotent?: boolean;
  limited?: boolean;
  errors?: readonly string[];
  handle(input: RouteInput<Out<P>, Out<Q>, B extends z.ZodType ? z.output<B> : undefined>): Promise<Reply>;
}

/** Declares a route; the handler's `params`, `query` and `body` are what the schemas put out. */
export function defineRoute<P extends Shape = undefined, Q extends Shape = undefined, B extends z.ZodType | undefined = undefined>(
  route: RouteDeclaration<P, Q, B>,
): Route {
  return {
    status: route.method === 'POST' ? 201 : 200,
    paged: false,
    idempotent: route.method === 'POST',
    limited: true,
    errors: [],
    ...(route as unknown as Omit<Route, 'status' | 'paged' | 'idempotent' | 'limited' | 'errors'>),
    ...(route.status === undefined ? {} : { status: route.status }),
  };
}
