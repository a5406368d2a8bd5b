/** A dump of a PostgreSQL database that was proven to come back, taken while the server runs; and its way back. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Database, Queryable } from '../database.ts';
import { migrate, type Migration } from '../migrate.ts';
import { identifier, sql } from '../sql.ts';
import {
  backupFailed,
  becomeAnother,
  differences,
  refuseForeign,
  type RestoredBackup,
  restoreRefused,
  type RowCounts,
  type SavedBackup,
  saveWhole,
  total,
} from './backup-file.ts';
import type { PostgresTools } from './postgres-tools.ts';
import { bringBack, dropKept, isEmpty, setAside, wasInterrupted } from './postgres-target.ts';

export interface PostgresBackupParts {
  /** One connection without deadlines, not through a transaction pooler. */
  db: Database;
  tools: PostgresTools;
  /** Another database of the same server, by its name. */
  open(database: string): Database;
}

/** Dumps into `file` and restores it elsewhere to see. Throws BACKUP_FAILED, leaving no file, on any doubt. */
export async function savePostgres({ db, tools, open }: PostgresBackupParts, file: string, clock: Clock): Promise<SavedBackup> {
  await refuseOldTools(db, tools);
  return saveWhole(file, clock, async (partial) => {
    const rows = await inSnapshot(db, (snapshot) =>
      tools.run('pg_dump', [
        '--format=custom',
        '--no-owner',
        '--no-privileges',
        '--no-comments',
        '--lock-wait-timeout=30000',
        `--snapshot=${snapshot}`,
        `--file=${partial}`,
      ]),
    );
    refuseDifferent('the dump', rows, (await tools.read(partial)).rows);
    const verified = await restoreElsewhere({ db, tools, open }, partial, rows);
    return { rows, verified };
  });
}

async function refuseOldTools(db: Database, tools: PostgresTools): Promise<void> {
  const server = await db.first<{ major: number }>(sql`select current_setting('server_version_num')::integer / 10000 as major`);
  for (const tool of ['pg_dump', 'pg_restore'] as const) {
    const major = await tools.major(tool);
    if (major < server!.major)
      throw backupFailed({
        message: `${tool} is version ${major}, the server is version ${server!.major}: install PostgreSQL's client programs of version ${server!.major} or newer.`,
      });
  }
}

/** Runs `dump` with the id of a snapshot and answers the rows of that very snapshot, whatever is written meanwhile. */
function inSnapshot(db: Database, dump: (snapshot: string) => Promise<void>): Promise<RowCounts> {
  return db.tx(async (tx) => {
    await tx.script('set transaction isolation level repeatable read, read only; set local idle_in_transaction_session_timeout = 0');
    const exported = await tx.first<{ id: string }>(sql`select pg_export_snapshot() as id`);
    const rows = await countRows(tx);
    await dump(exported!.id);
    return rows;
  });
}

async function countRows(db: Queryable): Promise<RowCounts> {
  const tables = await db.all<{ name: string }>(sql`select tablename as name from pg_catalog.pg_tables where schemaname = 'public' order by tablename`);
  const rows = new Map<string, number>();
  for (const { name } of tables) rows.set(name, (await db.first<{ n: number }>(sql`select count(*) as n from public.${identifier(name)}`))!.n);
  return rows;
}

function refuseDifferent(where: string, expected: RowCounts, found: RowCounts): void {
  const different = differences(expected, found);
  if (different.length > 0) throw backupFailed({ message: `${where} is not what was in the database: ${different.join('; ')}` });
}

/** Where a scratch database may be made, the dump is restored into one: that also proves its constraints. */
async function restoreElsewhere({ db, tools, open }: PostgresBackupParts, file: string, expected: RowCounts): Promise<string> {
  const me = await db.first<{ may_create: boolean }>(sql`select rolcreatedb or rolsuper as may_create from pg_catalog.pg_roles where rolname = current_user`);
  if (!me?.may_create) return 'read back and counted (no right to create a scratch database)';
  const name = `caramelo_check_${randomBytes(6).toString('hex')}`;
  await db.run(sql`create database ${identifier(name)} template template0`);
  try {
    await load(tools, file, name);
    const scratch = open(name);
    try {
      refuseDifferent('the restored dump', expected, await countRows(scratch));
    } finally {
      await scratch.close();
    }
  } finally {
    await db.run(sql`drop database if exists ${identifier(name)} with (force)`);
  }
  return 'restored into a scratch database and counted';
}

/** The whole file or nothing. */
function load(tools: PostgresTools, file: string, database: string): Promise<void> {
  return tools.run('pg_restore', ['--single-transaction', '--exit-on-error', '--no-owner', '--no-privileges', '--no-comments', `--dbname=${database}`, file]);
}

/**
 * Restores `file` into the configured database and migrates it to this release. Throws RESTORE_REFUSED, with the database as it was, when the file
 * is not a whole backup this release can run on, when an instance runs, or when the database is not empty and `force` is not given.
 */
export async function restorePostgres(
  { db, tools }: PostgresBackupParts,
  file: string,
  migrations: readonly Migration[],
  { force = false } = {},
): Promise<RestoredBackup> {
  const contents = await tools.read(file).catch((cause: Error) => {
    throw restoreRefused({ message: `${file} cannot be read: ${cause.message}`, cause });
  });
  refuseForeign(file, contents, migrations);
  await refuseRunning(db);
  if (await wasInterrupted(db))
    throw restoreRefused({
      message: 'An earlier restore was interrupted: what was there before stands in the schema caramelo_before_restore. Put it back or drop it by hand first.',
    });
  const empty = await isEmpty(db);
  if (!empty && !force)
    throw restoreRefused({ message: 'The database is not empty. Name an empty one in DATABASE_URL, or replace what is there with --force.' });
  const here = await db.first<{ name: string }>(sql`select current_database() as name`);
  if (!empty) await setAside(db);
  let loaded = false;
  try {
    await load(tools, file, here!.name);
    loaded = true;
    refuseDifferent('what was restored', contents.rows, await countRows(db));
    const migrated = await migrate(db, migrations);
    await becomeAnother(db);
    if (!empty) await dropKept(db);
    return { tables: contents.rows.size, rows: total(contents.rows), migrated };
  } catch (cause) {
    // A load that failed left nothing of its own.
    if (loaded || !empty) await bringBack(db);
    throw restoreRefused({ message: `${(cause as Error).message} (the database is as it was)`, cause });
  }
}

/** Every instance names its connections; this one is not counted. */
async function refuseRunning(db: Database): Promise<void> {
  const running = await db.first<{ n: number }>(sql`
    select count(*) as n from pg_catalog.pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name like 'caramelo%'`);
  if (running!.n > 0) throw restoreRefused({ message: `Caramelo is running on this database (${running!.n} connections): stop every instance first.` });
}
