/** Which database, and making it ready. The engine is chosen once, at start; a live process never changes it. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from './config.ts';
import type { Database, OnStatement } from '#platform/db/database';
import { migrate, type Migration, migrationState, readMigrations } from '#platform/db/migrate';
import { openPostgres, type PostgresOptions } from '#platform/db/postgres';
import { sql } from '#platform/db/sql';
import { openSqlite } from '#platform/db/sqlite';
import { defineError } from '#platform/errors';
import type { Log } from '#platform/log';

const databaseTooNew = defineError({
  code: 'DATABASE_TOO_NEW',
  status: 503,
  message: 'The database was migrated by a newer release this one cannot run beside.',
});

export interface DatabaseParts {
  config: Config;
  log: Log;
  migrationsFolder: string;
  onStatement?: OnStatement | undefined;
}

/**
 * Opens PostgreSQL or the SQLite fallback. In production always PostgreSQL, reachable or not; in development an unreachable
 * PostgreSQL is said loudly and SQLite is used instead.
 */
export async function openDatabase({ config, log, onStatement }: DatabaseParts): Promise<Database> {
  const onError = (error: Error) => log.warn({ err: error }, 'database');
  const sqlite = () => openSqlite({ path: config.database.sqlitePath, onStatement, onError });
  if (config.database.url === undefined) return sqlite();
  const postgres = openPostgres({ ...postgresOptions(config, config.database.url), onStatement, onError });
  if (config.production) return postgres;
  try {
    await postgres.first(sql`select 1 as up`);
    return postgres;
  } catch (error) {
    await postgres.close();
    log.warn({ err: error }, `PostgreSQL cannot be reached: using SQLite at ${config.database.sqlitePath} until the next start`);
    return sqlite();
  }
}

function postgresOptions(config: Config, url: string): Omit<PostgresOptions, 'onError'> {
  const { ssl, caFile, poolMax } = config.database;
  const tls = ssl === 'disable' ? {} : { ssl: { rejectUnauthorized: ssl === 'verify-full', ...(caFile && { ca: readFileSync(caFile, 'utf8') }) } };
  return { url, poolMax, applicationName: `caramelo ${config.instanceName ?? ''}`.trim(), ...tls };
}

/** The migrations of this release for an engine. */
export function migrationsFor(db: Database, folder: string): Migration[] {
  return readMigrations(folder, db.engine);
}

/** Migrates what is missing. Throws DATABASE_TOO_NEW when this release must not run here. */
export async function prepareDatabase(db: Database, { config, log, migrationsFolder }: DatabaseParts): Promise<void> {
  const migrations = migrationsFor(db, migrationsFolder);
  const state = await migrationState(db, migrations);
  if (state.tooNew.length > 0) throw databaseTooNew({ details: { migrations: state.tooNew } });
  if (state.pending.length === 0) return;
  const { directUrl } = config.database;
  if (db.engine === 'sqlite' || directUrl === undefined) {
    const applied = await migrate(db, migrations);
    return log.info({ applied }, 'database migrated');
  }
  const direct = openDirect(config, directUrl, (error) => log.warn({ err: error }, 'database'));
  try {
    const applied = await migrate(direct, migrations);
    log.info({ applied }, 'database migrated');
  } finally {
    await direct.close();
  }
}

/** One connection around a pooler, and without deadlines: a long migration or backup is not a fault. */
export function openDirect(config: Config, url: string, onError: (error: Error) => void): Database {
  return openPostgres({ ...postgresOptions(config, url), poolMax: 1, statementTimeoutMs: 0, lockTimeoutMs: 0, onError });
}

/** Tries again until it works or `signal` aborts, waiting 0.25 s to 15 s between attempts; the first failure of a kind is logged. */
export async function untilItWorks<T>(attempt: () => Promise<T>, log: Log, signal: AbortSignal): Promise<T> {
  for (let wait = 250; ; wait = Math.min(15_000, wait * 2)) {
    try {
      return await attempt();
    } catch (error) {
      if ((error as { retryable?: boolean }).retryable !== true) throw error;
      log.warn({ err: error, retry_in_ms: wait }, 'not ready: the database cannot be reached');
      await pause(wait * (0.75 + Math.random() / 2), undefined, { signal });
    }
  }
}
