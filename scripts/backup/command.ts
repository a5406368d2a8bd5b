/** What `npm run backup` and `npm run restore` share: the configured PostgreSQL, and how a failure is told. */
import { ConfigError, type Config } from '../../server/app/config.ts';
import { openDirect } from '../../server/app/database.ts';
import type { PostgresBackupParts } from '../../server/platform/db/backup/postgres-backup.ts';
import { createPostgresTools } from '../../server/platform/db/backup/postgres-tools.ts';
import { AppError } from '../../server/platform/errors.ts';

/** Undefined: the configuration says SQLite. A PostgreSQL that is configured but down is no reason to save another database. */
export function openPostgresParts(config: Config): PostgresBackupParts | undefined {
  const { directUrl: url, ssl, caFile } = config.database;
  if (url === undefined) return undefined;
  const open = (database?: string) => openDirect(config, database === undefined ? url : withDatabase(url, database), () => undefined);
  return { db: open(), open, tools: createPostgresTools({ url, ssl, caFile, env: process.env }) };
}

function withDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

/** Runs a command's work; what goes wrong is told in words where it was foreseen, with its trace where it was not, and the exit code is 1. */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof AppError)
      console.error(error.code === 'UNAVAILABLE' && error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message);
    else if (error instanceof ConfigError || isUsage(error)) console.error((error as Error).message);
    else console.error(error);
  }
}

function isUsage(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('ERR_PARSE_ARGS');
}
