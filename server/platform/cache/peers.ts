/**
 * The instances of one database, as rows with a heartbeat by the database's clock. `heartbeat_at` says more than "alive":
 * every invalidation row committed before it has been applied by that instance.
 */
import type { Instant } from '../clock.ts';
import { msOf } from '../clock.ts';
import type { Database } from '../db/database.ts';
import { dbNow, dbNowPlus } from '../db/dialect.ts';
import { sql } from '../db/sql.ts';

/** What an instance's reads trust: Redis, its own memory, or only the database. */
export type CacheState = 'redis' | 'memory' | 'down';

export interface Peer {
  id: string;
  name: string;
  cache_state: CacheState;
  heartbeat_at: Instant;
}

export interface Peers {
  /** Whether there can be others at all: SQLite runs one process. */
  readonly possible: boolean;
  /** The database's clock, and the others that are alive. Joins first when we are not among them. */
  look(): Promise<{ now: Instant; others: Peer[] }>;
  /** Publishes what our reads trust; with `heartbeat` also that all rows before it were applied. */
  publish(state: CacheState, heartbeat?: Instant): Promise<void>;
  /** Resolves once every other instance has applied all rows committed so far, trusts only the database, or had `atMostMs`. */
  followed(atMostMs: number): Promise<void>;
  leave(): Promise<void>;
}

/** An instance unheard of for this long is dead. Three times as long as anybody trusts what it has not confirmed. */
export const ALIVE_MS = 3_000;
const FORGET_SECONDS = 3_600;
const ASK_AGAIN_MS = 40;

export function createPeers(db: Database, self: { id: string; name: string }): Peers {
  const possible = db.engine !== 'sqlite';

  const join = async () => {
    await db.run(sql`delete from instances where heartbeat_at < ${dbNowPlus(-FORGET_SECONDS)}`);
    await db.run(sql`insert into instances (id, name, started_at, heartbeat_at, cache_state) values (${self.id}, ${self.name}, ${dbNow}, ${dbNow}, 'down')
      on conflict (id) do update set name = excluded.name, started_at = excluded.started_at, heartbeat_at = excluded.heartbeat_at, cache_state = 'down'`);
  };
  const look = async (): Promise<{ now: Instant; others: Peer[] }> => {
    const rows = await db.all<Peer & { now: Instant }>(sql`select id, name, cache_state, heartbeat_at, ${dbNow} as now from instances`);
    const now = rows[0]?.now;
    if (now === undefined || !rows.some((peer) => peer.id === self.id)) {
      // New, or paused so long that the others forgot us.
      await join();
      return look();
    }
    return { now, others: rows.filter((peer) => peer.id !== self.id && msOf(now) - msOf(peer.heartbeat_at) < ALIVE_MS) };
  };

  return {
    possible,
    look,
    async publish(state, heartbeat) {
      if (heartbeat === undefined) await db.run(sql`update instances set cache_state = ${state} where id = ${self.id}`);
      else await db.run(sql`update instances set cache_state = ${state}, heartbeat_at = ${heartbeat} where id = ${self.id}`);
    },
    async followed(atMostMs) {
      if (!possible) return;
      const until = performance.now() + atMostMs;
      const first = await look();
      const waiting = new Set(first.others.filter((peer) => peer.cache_state !== 'down').map((peer) => peer.id));
      while (waiting.size > 0 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
        const { others } = await look();
        const now = new Map(others.map((peer) => [peer.id, peer]));
        for (const id of waiting) {
          const peer = now.get(id);
          if (peer === undefined || peer.cache_state === 'down' || peer.heartbeat_at > first.now) waiting.delete(id);
        }
      }
    },
    async leave() {
      await db.run(sql`delete from instances where id = ${self.id}`);
    },
  };
}
