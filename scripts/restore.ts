/**
 * `npm run restore -- FILE [--yes] [--force]`: puts a backup in the place of the configured database, which must be empty (or `--force`), with no server on it.
 * Says what it did and exits 0; otherwise says why not, leaves the database as it was and exits 1.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { type Config, readConfig, readEnvironment } from '../server/app/config.ts';
import { systemClock } from '../server/platform/clock.ts';
import { type RestoredBackup, restoreRefused } from '../server/platform/db/backup/backup-file.ts';
import { type PostgresBackupParts, restorePostgres } from '../server/platform/db/backup/postgres-backup.ts';
import { restoreSqlite } from '../server/platform/db/backup/sqlite-backup.ts';
import { readMigrations } from '../server/platform/db/migrate.ts';
import { openPostgresParts, runCommand } from './backup/command.ts';

const MADE_BY = { postgresql: 'PostgreSQL', sqlite: 'SQLite' } as const;
const STARTS: Record<string, keyof typeof MADE_BY> = { PGDMP: 'postgresql', 'SQLite format 3\0': 'sqlite' };

await runCommand(async () => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { yes: { type: 'boolean' }, force: { type: 'boolean' } } });
  const file = positionals[0];
  if (file === undefined || positionals.length > 1) throw restoreRefused({ message: 'Usage: npm run restore -- FILE [--yes] [--force]' });
  const config = readConfig(readEnvironment());
  const postgres = openPostgresParts(config);
  try {
    await refuseOtherEngine(file, postgres ? 'postgresql' : 'sqlite');
    const target = nameOf(config);
    if (!values.yes) await confirm(`Restore ${file} into ${target}?`);
    tell(target, await restore(config, postgres, file, values.force ?? false));
  } finally {
    await postgres?.db.close();
  }
});

function restore(config: Config, postgres: PostgresBackupParts | undefined, file: string, force: boolean): Promise<RestoredBackup> {
  const migrations = readMigrations(join(import.meta.dirname, '../migrations'), postgres ? 'postgresql' : 'sqlite');
  return postgres
    ? restorePostgres(postgres, file, migrations, { force })
    : restoreSqlite(config.database.sqlitePath, file, migrations, systemClock, { force });
}

/** Looks at the first bytes, so that nobody waits for a program to say it less clearly. */
async function refuseOtherEngine(file: string, configured: keyof typeof MADE_BY): Promise<void> {
  const handle = await open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw restoreRefused({ message: `${file} cannot be opened (${cause.code}).`, cause });
  });
  const start = (await handle.read(Buffer.alloc(16), 0, 16, 0)).buffer.toString('latin1');
  await handle.close();
  const made = Object.entries(STARTS).find(([words]) => start.startsWith(words))?.[1];
  if (made === undefined) throw restoreRefused({ message: `${file} is not a backup of Caramelo.` });
  if (made !== configured) throw restoreRefused({ message: `${file} is a backup of ${MADE_BY[made]}, but the configuration says ${MADE_BY[configured]}.` });
}

/** Where the rows will go, without the password. */
function nameOf(config: Config): string {
  const { directUrl, sqlitePath } = config.database;
  if (directUrl === undefined) return sqlitePath;
  const { hostname, pathname } = new URL(directUrl);
  return `${pathname.slice(1)} on ${hostname || 'the local server'}`;
}

async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw restoreRefused({ message: `${question} Nobody is here to ask: add --yes.` });
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  if (!/^(y|yes|s|sim)$/i.test(answer.trim())) throw restoreRefused({ message: 'Not restored.' });
}

function tell(target: string, { rows, tables, migrated, kept }: RestoredBackup): void {
  console.log(
    `${target}: ${rows} rows in ${tables} tables restored and counted; ${migrated.length > 0 ? `migrations ${migrated.join(', ')} applied` : 'already at this release'}`,
  );
  if (kept !== undefined) console.log(`what stood there before is kept as ${kept}`);
}
