import type { Instant } from './clock.ts';
import type { Tx } from './db/database.ts';

/** Who acts: a console user, an API key, a person over a channel, the system (jobs, start-up), or nobody we know. */
export interface Actor {
  kind: 'user' | 'api_key' | 'person' | 'system' | 'anonymous';
  id: string | null;
  /** What the actor may do, `resource:read|write`; `*` for the system. */
  scopes: ReadonlySet<string>;
  /** Console role, for what only an owner may do. */
  role?: 'owner' | 'attendant' | 'viewer';
}

/** Travels with every service call. */
export interface Ctx {
  actor: Actor;
  /** "Now" for rules and words; the server's clock, in a simulator turn the message's own time. Leases and holds go by the database's clock. */
  now: Instant;
  /** Request or job id, in logs and in the audit trail. */
  trace: string;
  /** An open transaction the call must join, when its caller has one. */
  tx?: Tx;
  /** Set by the gateway on an idempotent POST: stores the answer in the transaction that caused it. */
  keep?: (tx: Tx, result: unknown) => Promise<void>;
}

/** The context of work that no request started. */
export function systemCtx(now: Instant, trace: string): Ctx {
  return { actor: { kind: 'system', id: null, scopes: new Set(['*']) }, now, trace };
}
