/** What every module that holds something about a person offers, so that one call reaches all of it. */
import type { Instant } from '#platform/clock';
import type { Ctx } from '#platform/ctx';
import type { Queryable, Tx } from '#platform/db/database';

export interface Glance {
  /** When time alone makes the other fields wrong, by the clock of `ctx.now`. */
  fresh_until?: Instant | undefined;
  [field: string]: unknown;
}

export interface PersonFace {
  /** The module's name; its part of an export stands under it. */
  name: string;
  /**
   * Fields for the customer's view, e.g. `{ next_visits: […] }`; the view is made of `person:ID`, `names` and `glanceTopics`,
   * so what changes them must touch one of those. What changes by time alone says so in `fresh_until`, which is not shown.
   */
  glance?(db: Queryable, personId: string, ctx: Ctx): Promise<Glance>;
  glanceTopics?: readonly string[];
  /** Everything the module knows about the person, as it would be handed out. */
  export(db: Queryable, personId: string): Promise<object>;
  /** Forgets the person: rows go, or stay without whatever tells who it was where the law wants them kept. Repeatable. */
  erase(tx: Tx, ctx: Ctx, personId: string): Promise<void>;
  /** Gives everything of `from` to `into`; afterwards no row names `from`. Both exist and are locked. */
  merge(tx: Tx, ctx: Ctx, from: string, into: string): Promise<void>;
}
