/** The audit trail: one row per change, written in the change's own transaction. */
import type { Ctx } from './ctx.ts';
import type { Queryable } from './db/database.ts';
import { dbNow, written } from './db/dialect.ts';
import { type Sql, sql } from './db/sql.ts';
import { newId } from './ids.ts';

export interface AuditEntry {
  /** A verb in the past or a short phrase: `created`, `updated`, `deleted`, `archived`, `rescheduled`. */
  action: string;
  /** The row's kind: `tutor`, `pet`, `appointment`. */
  entity: string;
  entity_id: string;
  /** Whom it is about; an erasure empties `changes` of these rows. */
  person_id?: string | null;
  /** The fields that were set, as they were set. No secrets. */
  changes?: object | null;
}

/** Writes the entry inside the caller's transaction. */
export async function audit(tx: Queryable, ctx: Ctx, entry: AuditEntry): Promise<void> {
  await tx.run(sql`insert into audit_log (id, at, actor_kind, actor_id, action, entity, entity_id, person_id, changes, trace) values (${columns(ctx, entry)})`);
}

/** The same as a statement for `db.fused`: it writes only when the change itself changed a row. */
export function auditOfWritten(ctx: Ctx, entry: AuditEntry): Sql {
  return sql`insert into audit_log (id, at, actor_kind, actor_id, action, entity, entity_id, person_id, changes, trace) select ${columns(ctx, entry)} from ${written}`;
}

function columns(ctx: Ctx, entry: AuditEntry): Sql {
  return sql.join([newId(), dbNow, ctx.actor.kind, ctx.actor.id, entry.action, entry.entity, entry.entity_id, entry.person_id, entry.changes, ctx.trace]);
}

/** Forgets what was changed about a person, keeping that something was. */
export async function eraseAudit(tx: Queryable, personId: string): Promise<void> {
  await tx.run(sql`update audit_log set changes = null where person_id = ${personId}`);
}
