/** What backups of both engines share: names, whole files or none, and what "the same rows" means. */
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, Instant } from '../../clock.ts';
import { defineError } from '../../errors.ts';
import type { Database } from '../database.ts';
import { type AppliedMigration, compareMigrations, type Migration } from '../migrate.ts';
import { sql } from '../sql.ts';

export const backupFailed = defineError({ code: 'BACKUP_FAILED', status: 500, message: 'The backup was not made.' });
export const restoreRefused = defineError({ code: 'RESTORE_REFUSED', status: 409, message: 'The backup was not restored; the database is as it was.' });

/** Table → rows in it. */
export type RowCounts = ReadonlyMap<string, number>;

/** What a backup holds, read from the file itself. */
export interface BackupContents {
  rows: RowCounts;
  migrations: readonly AppliedMigration[];
}

export interface SavedBackup {
  file: string;
  bytes: number;
  tables: number;
  rows: number;
  seconds: number;
  /** How it was verified, in words. */
  verified: string;
}

export interface RestoredBackup {
  tables: number;
  rows: number;
  /** Numbers of the migrations this release added to what was restored. */
  migrated: readonly number[];
  /** Where what stood there before was kept, if anywhere. */
  kept?: string | undefined;
}

/** `caramelo-20270203-130000.dump`, in UTC, so that names sort by time. */
export function backupName(now: Instant, extension: 'dump' | 'db'): string {
  return `caramelo-${stamp(now)}.${extension}`;
}

/** `20270203-130000` */
export function stamp(now: Instant): string {
  return now.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}

/**
 * Makes `file` by `write(partial)`, which also verifies what it wrote: the file gets its name, on disk for good, only when that succeeded.
 * Readable by its owner alone, since it holds everybody's data. Throws BACKUP_FAILED when the file exists.
 */
export async function saveWhole(file: string, clock: Clock, write: (partial: string) => Promise<{ rows: RowCounts; verified: string }>): Promise<SavedBackup> {
  const started = clock.ms();
  const partial = `${file}.${process.pid}.partial`;
  await mkdir(dirname(file), { recursive: true });
  await refuseExisting(file);
  try {
    await (await open(partial, 'w', 0o600)).close();
    await chmod(partial, 0o600);
    const { rows, verified } = await write(partial);
    const { size } = await stat(partial);
    await settle(partial);
    await refuseExisting(file);
    await rename(partial, file);
    await settleFolder(dirname(file));
    return { file, bytes: size, tables: rows.size, rows: total(rows), seconds: (clock.ms() - started) / 1000, verified };
  } finally {
    await rm(partial, { force: true });
    for (const left of ['-wal', '-shm', '-journal']) await rm(partial + left, { force: true });
  }
}

async function refuseExisting(file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there) throw backupFailed({ message: `${file} exists already; choose another name.` });
}

/** Waits until the file's bytes are on the disk. */
export async function settle(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Waits until the folder's names are on the disk, where the system can say so. */
export async function settleFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function total(rows: RowCounts): number {
  return [...rows.values()].reduce((sum, n) => sum + n, 0);
}

/** The tables whose rows are not as many as expected, in words; empty when all are. */
export function differences(expected: RowCounts, found: RowCounts): string[] {
  return [...new Set([...expected.keys(), ...found.keys()])]
    .filter((table) => expected.get(table) !== found.get(table))
    .map((table) => `${table} has ${found.get(table) ?? 'no table'} instead of ${expected.get(table) ?? 'no table'}`);
}

/** Tables every database of ours has; the first words of a file could be anybody's. */
const OURS = ['schema_migrations', 'database_identity', 'user_profiles'];

/** Throws RESTORE_REFUSED unless the contents are a database of ours that this release can run on. */
export function refuseForeign(file: string, { rows, migrations }: BackupContents, mine: readonly Migration[]): void {
  if (!OURS.every((table) => rows.has(table)) || migrations.length === 0) throw restoreRefused({ message: `${file} is not a backup of Caramelo.` });
  let tooNew: readonly number[];
  try {
    tooNew = compareMigrations(migrations, mine).tooNew;
  } catch (cause) {
    throw restoreRefused({ message: `${file} was made by another release: ${(cause as Error).message}.`, cause });
  }
  if (tooNew.length > 0)
    throw restoreRefused({
      message: `${file} was made by a newer release (migrations ${tooNew.join(', ')}) this one cannot run on; restore it with that release.`,
    });
}

/** A restored database is another one, also in the same place: what caches hold of its former self is nobody's any more, and no instance runs on it yet. */
export async function becomeAnother(db: Database): Promise<void> {
  await db.tx(async (tx) => {
    await tx.run(sql`delete from database_identity`);
    await tx.run(sql`delete from instances`);
  });
}
