/** What every module that holds something about a person offers, so that one call reaches all of it. */
import type { Ctx } from '#platform/ctx';
import type { Queryable, Tx } from '#platform/db/database';

export interface PersonFace {
  /** The module's name; its part of an export stands under it. */
  name: string;
  /**
   * Fields for the customer's view, e.g. `{ next_visits: […] }`; the view is cached under `person:ID` and `glanceTopics`,
   * so what changes them must touch one of those.
   */
  glance?(db: Queryable, personId: string, ctx: Ctx): Promise<object>;
  glanceTopics?: readonly string[];
  /** Everything the module knows about the person, as it would be handed out. */
  export(db: Queryable, personId: string): Promise<object>;
  /** Forgets the person: rows go, or stay without whatever tells who it was where the law wants them kept. Repeatable. */
  erase(tx: Tx, ctx: Ctx, personId: string): Promise<void>;
  /** Gives everything of `from` to `into`; afterwards no row names `from`. Both exist and are locked. */
  merge(tx: Tx, ctx: Ctx, from: string, into: string): Promise<void>;
}
