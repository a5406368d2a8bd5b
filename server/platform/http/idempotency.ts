/**
 * `Idempotency-Key`, Stripe's way: the same key and body answer the same bytes for 24 hours; the same key with another body is
 * refused; a second call while the first runs is told to wait. The answer is stored in the transaction that caused it, so a kill
 * between the effect and the answer cannot make a retry do it twice. Refusals are kept too; what may succeed later (5xx, 429) is not.
 */
import type { Queryable, Tx } from '../db/database.ts';
import { contains, dbNow, dbNowPlus } from '../db/dialect.ts';
import { sql } from '../db/sql.ts';
import { conflict, defineError, invalidField } from '../errors.ts';
import { digest, newSecret } from '../ids.ts';

const keyReused = defineError({ code: 'IDEMPOTENCY_KEY_REUSED', status: 422, message: 'This Idempotency-Key was used with another request.' });

export interface Claim {
  /** Stores the answer inside the transaction that made it. Throws CONFLICT when another instance took the key over meanwhile. */
  keep(tx: Tx, status: number, body: string): Promise<void>;
  /** Stores the answer of a call that wrote nothing. */
  finish(status: number, body: string): Promise<void>;
  /** Forgets the claim, so that a retry runs anew. */
  release(): Promise<void>;
}

export type Begun = { kind: 'replay'; status: number; body: string } | { kind: 'run'; claim: Claim };

export interface Idempotency {
  /** `request` is whatever identifies the call: method, path and body. */
  begin(caller: string, key: string, request: string): Promise<Begun>;
  /** Removes keys older than 24 hours; answers how many. */
  purge(): Promise<number>;
}

/** Longer than any request may run, so that a live owner never loses its claim. */
const LEASE_SECONDS = 60;
const KEPT_SECONDS = 24 * 3600;

export function createIdempotency(db: Queryable): Idempotency {
  return {
    async begin(caller, key, request) {
      if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw invalidField('Idempotency-Key', 'must be 1 to 255 printable characters without spaces');
      const id = digest(`${caller}\n${key}`);
      // Salted with the key, which is not stored: a body may hold a password.
      const requestDigest = digest(`${key}\n${request}`);
      const token = newSecret();
      // Takes a new key, one of yesterday, or one whose owner died; leaves any other alone.
      const claimed = await db.run(sql`
        insert into idempotency_keys (id, request_digest, lock_token, locked_until, created_at)
        values (${id}, ${requestDigest}, ${token}, ${dbNowPlus(LEASE_SECONDS)}, ${dbNow})
        on conflict (id) do update set request_digest = excluded.request_digest, lock_token = excluded.lock_token,
          locked_until = excluded.locked_until, created_at = excluded.created_at, status = null, body = null
        where idempotency_keys.created_at < ${dbNowPlus(-KEPT_SECONDS)}
          or (idempotency_keys.status is null and idempotency_keys.locked_until < ${dbNow} and idempotency_keys.request_digest = excluded.request_digest)`);
      if (claimed > 0) return { kind: 'run', claim: createClaim(db, id, token) };
      const row = await db.first<{ request_digest: string; status: number | null; body: string | null }>(
        sql`select request_digest, status, body from idempotency_keys where id = ${id}`,
      );
      if (row && row.request_digest !== requestDigest) throw keyReused();
      if (row && row.status !== null) return { kind: 'replay', status: row.status, body: row.body ?? '' };
      throw conflict({ message: 'A request with this Idempotency-Key is still running.', retryAfter: 1 });
    },
    purge: () => db.run(sql`delete from idempotency_keys where created_at < ${dbNowPlus(-KEPT_SECONDS)}`),
  };
}

function createClaim(db: Queryable, id: string, token: string): Claim {
  const mine = sql`id = ${id} and lock_token = ${token}`;
  return {
    async keep(tx, status, body) {
      const kept = await tx.run(sql`update idempotency_keys set status = ${status}, body = ${body} where ${mine}`);
      if (kept === 0) throw conflict({ message: 'Another request took this Idempotency-Key over.', retryAfter: 1 });
    },
    async finish(status, body) {
      await db.run(sql`update idempotency_keys set status = ${status}, body = ${body} where ${mine}`);
    },
    async release() {
      await db.run(sql`delete from idempotency_keys where ${mine} and status is null`);
    },
  };
}

/** Forgets the kept answers that name a person's id, and may quote them; a retry of such a call runs anew. */
export async function eraseAnswers(tx: Queryable, personId: string): Promise<void> {
  await tx.run(sql`delete from idempotency_keys where ${contains(sql`body`, personId)}`);
}
