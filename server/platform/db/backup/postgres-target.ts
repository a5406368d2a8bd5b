/** The database a dump is restored into: what was there is kept under another name until the new is proven, and comes back when it is not. */
import type { Database, Tx } from '../database.ts';
import { sql } from '../sql.ts';

const KEPT = 'caramelo_before_restore';

export async function wasInterrupted(db: Database): Promise<boolean> {
  return (await db.first(sql`select 1 as found from pg_catalog.pg_namespace where nspname = ${KEPT}`)) !== undefined;
}

/** Everything in `public` moves to another schema; extensions stay, since both sets of tables need them. */
export async function setAside(db: Database): Promise<void> {
  await db.tx(async (tx) => {
    await tx.script(`alter schema public rename to ${KEPT}; create schema public; grant usage on schema public to public`);
    await moveExtensions(tx, KEPT, 'public');
  });
}

/** Undoes a restore: `public` goes, what was set aside takes its place again. */
export async function bringBack(db: Database): Promise<void> {
  await db.tx(async (tx) => {
    await moveExtensions(tx, 'public', KEPT);
    await tx.script(`drop schema public cascade; alter schema ${KEPT} rename to public`);
  });
}

/** Undoes a restore into a database that was empty. */
export async function dropTables(db: Database): Promise<void> {
  await db.tx(async (tx) => {
    const tables = await tx.all<{ name: string }>(sql`select quote_ident(tablename) as name from pg_catalog.pg_tables where schemaname = 'public'`);
    if (tables.length > 0) await tx.script(`drop table ${tables.map(({ name }) => `public.${name}`).join(', ')} cascade`);
  });
}

export async function dropKept(db: Database): Promise<void> {
  await db.tx((tx) => tx.script(`drop schema ${KEPT} cascade`));
}

async function moveExtensions(tx: Tx, from: string, to: string): Promise<void> {
  const extensions = await tx.all<{ name: string }>(sql`
    select quote_ident(e.extname) as name from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where n.nspname = ${from}`);
  for (const { name } of extensions) await tx.script(`alter extension ${name} set schema ${to}`);
}
