/** A copy of a SQLite database that was proven whole, taken while the server runs; and its way back. */
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { type AppliedMigration, migrate, type Migration } from '../migrate.ts';
import { lockSqlite, openSqlite } from '../sqlite.ts';
import {
  type BackupContents,
  backupFailed,
  becomeAnother,
  differences,
  refuseForeign,
  type RestoredBackup,
  restoreRefused,
  type RowCounts,
  type SavedBackup,
  saveWhole,
  settle,
  settleFolder,
  stamp,
  total,
} from './backup-file.ts';

/** Beside a database's file, while it is open or was not closed. */
const COMPANIONS = ['-wal', '-shm'];

/** Copies the database at `path` into `file`. Throws BACKUP_FAILED, leaving no file, on any doubt. */
export async function saveSqlite(path: string, file: string, clock: Clock): Promise<SavedBackup> {
  if (await isMissing(path)) throw backupFailed({ message: `There is no SQLite database at ${path}.` });
  return saveWhole(file, clock, async (partial) => {
    const rows = await copySnapshot(path, partial);
    const different = differences(rows, inspect(partial).rows);
    if (different.length > 0) throw backupFailed({ message: `the copy is not what was in the database: ${different.join('; ')}` });
    return { rows, verified: 'integrity, foreign keys and rows checked in the copy' };
  });
}

/** One read transaction counts and copies, so that the counts are the copy's whatever is written meanwhile. */
async function copySnapshot(path: string, to: string): Promise<RowCounts> {
  const source = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    source.exec('begin');
    const rows = countRows(source);
    await backup(source, to, { rate: 1_000 });
    source.exec('commit');
    return rows;
  } finally {
    source.close();
    makeSingle(to);
  }
}

/** One file that needs nothing beside it, also on a read-only disk. */
function makeSingle(file: string): void {
  const copy = new DatabaseSync(file);
  try {
    copy.exec('pragma journal_mode = delete');
  } finally {
    copy.close();
  }
}

function countRows(db: DatabaseSync): RowCounts {
  const tables = db.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name").all() as {
    name: string;
  }[];
  return new Map(tables.map(({ name }) => [name, (db.prepare(`select count(*) as n from "${name.replaceAll('"', '""')}"`).get() as { n: number }).n]));
}

/** Reads every page of a file that nobody writes. Throws when it is no database, or a damaged one. */
function inspect(file: string): BackupContents {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const integrity = (db.prepare('pragma integrity_check(1)').get() as { integrity_check: string }).integrity_check;
    if (integrity !== 'ok') throw backupFailed({ message: `the file is damaged: ${integrity}` });
    const broken = db.prepare('pragma foreign_key_check').get() as { table: string; parent: string } | undefined;
    if (broken) throw backupFailed({ message: `rows of ${broken.table} refer to missing rows of ${broken.parent}` });
    const rows = countRows(db);
    return { rows, migrations: rows.has('schema_migrations') ? appliedIn(db) : [] };
  } finally {
    db.close();
  }
}

function appliedIn(db: DatabaseSync): AppliedMigration[] {
  const applied = db.prepare('select * from schema_migrations').all() as { number?: number; checksum?: string; previous_runs?: number }[];
  return applied.map((row) => ({ number: row.number ?? 0, checksum: row.checksum ?? '', previous_runs: row.previous_runs === 1 }));
}

/**
 * Puts `file` in the place of the database at `path`, migrated to this release. Throws RESTORE_REFUSED (UNAVAILABLE when a server runs on it), with
 * the database as it was, when the file is not a whole backup this release can run on, or when the database is not empty and `force` is not given.
 */
export async function restoreSqlite(
  path: string,
  file: string,
  migrations: readonly Migration[],
  clock: Clock,
  { force = false } = {},
): Promise<RestoredBackup> {
  await mkdir(dirname(path), { recursive: true });
  const lock = lockSqlite(path);
  const partial = `${path}.restoring`;
  try {
    await clear(partial);
    await copyFile(file, partial);
    const { rows } = refuseUnfit(file, partial, migrations);
    const empty = await isEmpty(path);
    if (!empty && !force)
      throw restoreRefused({
        message: `${path} is not empty. Name another place in SQLITE_PATH, or replace what is there with --force (it is kept beside it).`,
      });
    const migrated = await migrateFile(partial, migrations);
    await settle(partial);
    const kept = empty ? undefined : `${path}.before-restore-${stamp(clock.now())}`;
    if (kept !== undefined) await moveAway(path, kept);
    // A write-ahead log left by a crash belongs to the old file; beside the new one it would be its ruin.
    for (const companion of COMPANIONS) await rm(path + companion, { force: true });
    await rename(partial, path);
    await settleFolder(dirname(path));
    return { tables: rows.size, rows: total(rows), migrated, kept };
  } finally {
    await clear(partial);
    lock.close();
  }
}

function refuseUnfit(file: string, copy: string, migrations: readonly Migration[]): BackupContents {
  let contents: BackupContents;
  try {
    contents = inspect(copy);
  } catch (cause) {
    throw restoreRefused({ message: `${file} cannot be restored: ${(cause as Error).message}`, cause });
  }
  refuseForeign(file, contents, migrations);
  return contents;
}

async function migrateFile(file: string, migrations: readonly Migration[]): Promise<number[]> {
  const db = openSqlite({ path: file, onError: () => undefined });
  try {
    const migrated = await migrate(db, migrations);
    await becomeAnother(db);
    return migrated;
  } finally {
    await db.close();
  }
}

async function isMissing(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  return there === undefined || there.size === 0;
}

/** What cannot be read is not empty: nobody throws it away by accident. */
async function isEmpty(path: string): Promise<boolean> {
  if (await isMissing(path)) return true;
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      return countRows(db).size === 0;
    } finally {
      db.close();
    }
  } catch {
    return false;
  }
}

async function moveAway(path: string, kept: string): Promise<void> {
  try {
    makeSingle(path);
  } catch {
    // It cannot be opened, so it is kept as it is, with whatever stands beside it.
    for (const companion of COMPANIONS) await copyFile(path + companion, kept + companion).catch(() => undefined);
  }
  await rename(path, kept);
}

async function clear(partial: string): Promise<void> {
  for (const end of ['', '.lock', '.lock-journal', ...COMPANIONS]) await rm(partial + end, { force: true });
}
