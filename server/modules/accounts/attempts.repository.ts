/** All SQL about password guesses. Windows open with the first guess and go by the database's clock. */
import { type Instant, msOf, SECOND } from '#platform/clock';
import type { Queryable } from '#platform/db/database';
import { dbNow, dbNowPlus, forUpdate, inList } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';

/** Something guesses are counted against. */
export interface Allowance {
  /** A digest. */
  id: string;
  /** Guesses a window. */
  limit: number;
  windowSeconds: number;
}

/** Counts one guess on each; seconds to wait when one is overdrawn, and then the caller must roll back. */
export async function countGuess(tx: Queryable, allowances: readonly Allowance[]): Promise<number | undefined> {
  // One order for everybody, so that two logins never hold what the other waits for.
  const ordered = allowances.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const rows = await tx.all<{ id: string; used: number; resets_at: Instant; now: Instant }>(sql`
    insert into login_attempts (id, used, resets_at)
    values ${sql.join(ordered.map((one) => sql`(${one.id}, 1, ${dbNowPlus(one.windowSeconds)})`))}
    on conflict (id) do update set
      used = case when login_attempts.resets_at <= ${dbNow} then 1 else login_attempts.used + 1 end,
      resets_at = case when login_attempts.resets_at <= ${dbNow} then excluded.resets_at else login_attempts.resets_at end
    returning id, used, resets_at, ${dbNow} as now`);
  const overdrawn = rows.filter((row) => row.used > allowances.find((one) => one.id === row.id)!.limit);
  if (overdrawn.length === 0) return undefined;
  return Math.max(1, ...overdrawn.map((row) => Math.ceil((msOf(row.resets_at) - msOf(row.now)) / SECOND)));
}

/** A guess that was right does not count. */
export async function uncountGuess(tx: Queryable, allowances: readonly Allowance[]): Promise<void> {
  // Locked in the order in which they are counted.
  await tx.run(sql`
    update login_attempts set used = used - 1
    where used > 0 and id in (select id from login_attempts where id in ${inList(allowances.map((one) => one.id))} order by id ${forUpdate})`);
}

export function purgeGuesses(db: Queryable): Promise<number> {
  return db.run(sql`delete from login_attempts where resets_at <= ${dbNow}`);
}
