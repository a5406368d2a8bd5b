/**
 * `npm run backup [-- --out FILE]`: saves the configured database, verified, while the server runs.
 * Prints one line and exits 0; on any doubt says why, leaves no file and exits 1.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig, readEnvironment } from '../server/app/config.ts';
import { systemClock } from '../server/platform/clock.ts';
import { backupName } from '../server/platform/db/backup/backup-file.ts';
import { savePostgres } from '../server/platform/db/backup/postgres-backup.ts';
import { saveSqlite } from '../server/platform/db/backup/sqlite-backup.ts';
import { openPostgresParts, runCommand } from './backup/command.ts';

await runCommand(async () => {
  const { values } = parseArgs({ options: { out: { type: 'string' } } });
  const config = readConfig(readEnvironment());
  const postgres = openPostgresParts(config);
  const file = values.out ?? join('data', 'backups', backupName(systemClock.now(), postgres ? 'dump' : 'db'));
  try {
    const saved = await (postgres ? savePostgres(postgres, file, systemClock) : saveSqlite(config.database.sqlitePath, file, systemClock));
    const size = `${(saved.bytes / 1e6).toFixed(saved.bytes < 1e7 ? 2 : 0)} MB`;
    console.log(`${saved.file}: ${size}, ${saved.rows} rows in ${saved.tables} tables, ${saved.seconds.toFixed(1)} s; ${saved.verified}`);
  } finally {
    await postgres?.db.close();
  }
});
