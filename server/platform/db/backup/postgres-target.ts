/**
 * The database a dump is restored into: what was there is kept in another schema until the new is proven, and comes back when it is not.
 * Object by object, since extensions must stay where both sets of tables find them and belong, on managed servers, to nobody who could move them.
 */
import type { Database, Tx } from '../database.ts';
import { sql } from '../sql.ts';

const KEPT = 'caramelo_before_restore';

export async function wasInterrupted(db: Database): Promise<boolean> {
  return (await db.first(sql`select 1 as found from pg_catalog.pg_namespace where nspname = ${KEPT}`)) !== undefined;
}

export async function isEmpty(db: Database): Promise<boolean> {
  return (await listOwn(db, 'public')).length === 0;
}

/** Moves everything of ours out of `public`. */
export async function setAside(db: Database): Promise<void> {
  await db.tx(async (tx) => {
    await tx.script(`create schema ${KEPT}`);
    await move(tx, 'public', KEPT);
  });
}

/** Undoes a restore: what it made goes, and what was set aside, if anything, takes its place again. */
export async function bringBack(db: Database): Promise<void> {
  const wasSetAside = await wasInterrupted(db);
  await db.tx(async (tx) => {
    for (const { kind, name } of await listOwn(tx, 'public')) await tx.script(`drop ${kind} if exists ${name} cascade`);
    if (!wasSetAside) return;
    await move(tx, KEPT, 'public');
    await tx.script(`drop schema ${KEPT}`);
  });
}

export async function dropKept(db: Database): Promise<void> {
  await db.tx((tx) => tx.script(`drop schema ${KEPT} cascade`));
}

async function move(tx: Tx, from: string, to: string): Promise<void> {
  for (const { kind, name } of await listOwn(tx, from)) await tx.script(`alter ${kind} ${name} set schema ${to}`);
}

interface Own {
  kind: 'table' | 'view' | 'materialized view' | 'foreign table' | 'sequence' | 'function' | 'procedure';
  /** Quoted, with its schema. */
  name: string;
}

/** What stands in a schema by itself: nothing that belongs to an extension or comes and goes with a table. */
async function listOwn(db: Pick<Database, 'all'>, schema: string): Promise<Own[]> {
  return db.all<Own>(sql`
    select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' when 'S' then 'sequence' else 'table' end as kind,
           format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and not exists (select 1 from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('e', 'a', 'i') and d.refclassid <> 'pg_catalog.pg_namespace'::regclass)
    union all
    select case p.prokind when 'p' then 'procedure' else 'function' end, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${schema} and p.prokind in ('f', 'p', 'w')
      and not exists (select 1 from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`);
}
