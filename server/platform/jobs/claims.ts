/** The SQL of a claim: a lease by the database's clock with a fencing token, so that only who holds the job can renew or end it. */
import type { Database } from '../db/database.ts';
import { dbNow, dbNowPlus, inList, skipLocked } from '../db/dialect.ts';
import { type Sql, sql } from '../db/sql.ts';
import { newSecret } from '../ids.ts';

interface ClaimedRow {
  id: string;
  kind: string;
  payload: Record<string, unknown>;
  /** This one included. */
  attempts: number;
  max_attempts: number;
}

export interface Claimed extends ClaimedRow {
  token: string;
}

/** Whatever changes a claimed job answers whether it was still ours. */
export interface Claims {
  /** The first due job by priority, then age, of any kind but these. */
  claim(except: readonly string[]): Promise<Claimed | undefined>;
  renew(job: Claimed): Promise<boolean>;
  finish(job: Claimed, result: object | undefined): Promise<boolean>;
  /** Puts it back for later, or for good when it is dead. */
  fail(job: Claimed, failure: { reason: string; dead: boolean; delaySeconds: number }): Promise<boolean>;
  /** Puts it back as if it had not been taken. */
  giveBack(job: Claimed): Promise<boolean>;
}

export function createClaims(db: Database, leaseMs: number): Claims {
  const leaseEnd = dbNowPlus(leaseMs / 1_000);
  // An ended claim keeps no token: a renewal that is still on its way must find nothing.
  const end = async ({ id, token }: Claimed, changes: Sql) =>
    (await db.run(sql`update jobs set ${changes}, locked_until = null, lock_token = null where id = ${id} and lock_token = ${token}`)) > 0;
  return {
    async claim(except) {
      const token = newSecret();
      const job = await db.first<ClaimedRow>(sql`
        update jobs set locked_until = ${leaseEnd}, lock_token = ${token}, attempts = attempts + 1
        where id = (
          select id from jobs where status = 'ready' and run_at <= ${dbNow} and (locked_until is null or locked_until < ${dbNow})
            and kind not in ${inList(except)}
          order by priority, run_at limit 1 ${skipLocked})
        returning id, kind, payload, attempts, max_attempts`);
      return job && { ...job, token };
    },
    // Also after its end, as long as nobody else took it.
    renew: async ({ id, token }) => (await db.run(sql`update jobs set locked_until = ${leaseEnd} where id = ${id} and lock_token = ${token}`)) > 0,
    finish: (job, result) => end(job, sql`status = 'done', result = ${result}, finished_at = ${dbNow}, last_error = null`),
    fail: (job, { reason, dead, delaySeconds }) =>
      end(
        job,
        sql`status = ${dead ? 'dead' : 'ready'}, run_at = ${dbNowPlus(delaySeconds)}, last_error = ${reason.slice(0, 500)}, finished_at = ${dead ? dbNow : null}`,
      ),
    giveBack: (job) => end(job, sql`attempts = attempts - 1`),
  };
}
