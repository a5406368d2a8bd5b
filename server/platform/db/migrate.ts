/**
 * Numbered, forward-only migrations: `NNNN_name.sql` for both engines, or a pair `.postgres.sql` / `.sqlite.sql` under one number.
 * Each runs with its record in one transaction under a lock, so that two instances may start at once and a kill leaves a whole step or none.
 * Line 1 of every file says whether the previous release still runs on the result: `-- previous release: runs` or `stops`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dbNow } from './dialect.ts';
import { digest } from '../ids.ts';
import type { Database, Queryable } from './database.ts';
import { byEngine, type Engine, sql } from './sql.ts';

export interface Migration {
  number: number;
  name: string;
  text: string;
  checksum: string;
  /** Whether the release before this one still runs on a database that has it. */
  previousRuns: boolean;
}

export interface MigrationState {
  applied: number;
  /** Numbers this code has and the database lacks. */
  pending: number[];
  /** Numbers the database has, this code does not know, and this code cannot run on. */
  tooNew: number[];
}

const FILE = /^(\d{4})_([a-z0-9_]+?)(?:\.(postgres|sqlite))?\.sql$/;
const HEADER = /^-- previous release: (runs|stops)\b/;

/** Reads the folder. Throws on a gap, a doubled number, a missing half of a pair or a missing header line. */
export function readMigrations(folder: string, engine: Engine): Migration[] {
  const mine = engine === 'postgresql' ? 'postgres' : 'sqlite';
  const found: Migration[] = [];
  for (const file of readdirSync(folder).sort()) {
    const match = FILE.exec(file);
    if (!match) throw new Error(`migrations/${file}: not NNNN_name.sql, NNNN_name.postgres.sql or NNNN_name.sqlite.sql`);
    if (match[3] !== undefined && match[3] !== mine) continue;
    const text = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n');
    const header = HEADER.exec(text);
    if (!header) throw new Error(`migrations/${file}: line 1 must be "-- previous release: runs" or "-- previous release: stops"`);
    found.push({ number: Number(match[1]), name: match[2]!, text, checksum: digest(text), previousRuns: header[1] === 'runs' });
  }
  found.forEach((migration, i) => {
    if (migration.number !== i + 1) throw new Error(`migrations: expected number ${i + 1} for ${engine}, found ${migration.number}_${migration.name}`);
  });
  return found;
}

const lock = byEngine({ postgresql: sql`select pg_advisory_xact_lock(7215031337)`, sqlite: sql`select 1` });
const exists = byEngine({
  postgresql: sql`select 1 as found from pg_catalog.pg_tables where schemaname = 'public' and tablename = 'schema_migrations'`,
  sqlite: sql`select 1 as found from sqlite_master where type = 'table' and name = 'schema_migrations'`,
});

/** A row of `schema_migrations`, as far as it matters to a release. */
export interface AppliedMigration {
  number: number;
  checksum: string;
  previous_runs: boolean;
}

async function listApplied(db: Queryable): Promise<AppliedMigration[]> {
  if (!(await db.first(exists))) return [];
  return db.all<AppliedMigration>(sql`select number, checksum, previous_runs from schema_migrations order by number`);
}

/** What the database has, beside what the code knows. Throws when an applied file was changed afterwards. */
export async function migrationState(db: Queryable, migrations: readonly Migration[]): Promise<MigrationState> {
  return compareMigrations(await listApplied(db), migrations);
}

/** The same for rows read elsewhere, such as in a backup. Throws when an applied file was changed afterwards. */
export function compareMigrations(applied: readonly AppliedMigration[], migrations: readonly Migration[]): MigrationState {
  const known = new Map(migrations.map((m) => [m.number, m]));
  for (const row of applied) {
    const mine = known.get(row.number);
    if (mine && mine.checksum !== row.checksum) throw new Error(`migration ${row.number}_${mine.name} was changed after it was applied; add a new one instead`);
  }
  const has = new Set(applied.map((row) => row.number));
  return {
    applied: applied.length,
    pending: migrations.filter((m) => !has.has(m.number)).map((m) => m.number),
    tooNew: applied.filter((row) => !known.has(row.number) && !row.previous_runs).map((row) => row.number),
  };
}

/** Applies what is missing, one transaction a migration; answers the numbers applied by this call. */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<number[]> {
  const done: number[] = [];
  await db.tx(async (tx) => {
    await tx.first(lock);
    if (await tx.first(exists)) return;
    await tx.script(
      'create table schema_migrations (number integer primary key, name text not null, checksum text not null, previous_runs boolean not null, applied_at timestamptz not null)',
    );
  });
  for (const migration of migrations) {
    await db.tx(async (tx) => {
      await tx.first(lock);
      if (await tx.first(sql`select 1 as found from schema_migrations where number = ${migration.number}`)) return;
      await tx.script(migration.text);
      await tx.run(sql`
        insert into schema_migrations (number, name, checksum, previous_runs, applied_at)
        values (${migration.number}, ${migration.name}, ${migration.checksum}, ${migration.previousRuns}, ${dbNow})`);
      done.push(migration.number);
    });
  }
  return done;
}
