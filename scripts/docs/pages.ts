/** The generated pages: built over the real composition on a throw-away SQLite file, so that they say what the code does. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { VERSION } from '../../server/app/build.ts';
import { readConfig } from '../../server/app/config.ts';
import { createMetrics } from '../../server/app/metrics.ts';
import { serve } from '../../server/app/serve.ts';
import { openCache } from '../../server/platform/cache/cache.ts';
import { systemClock } from '../../server/platform/clock.ts';
import type { Database } from '../../server/platform/db/database.ts';
import { migrate, readMigrations } from '../../server/platform/db/migrate.ts';
import { openSqlite } from '../../server/platform/db/sqlite.ts';
import type { Route } from '../../server/platform/http/route.ts';
import { createLog } from '../../server/platform/log.ts';
import { apiPage } from './api.ts';
import { configurationPage, environmentExample } from './configuration.ts';
import { readErrors } from './errors.ts';
import { readTables, schemaPage } from './schema.ts';

/** Text by path from `root`, which is the project's folder. Leaves nothing behind. */
export async function generatedPages(root: string): Promise<Map<string, string>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'caramelo-docs-'));
  const db = openSqlite({ path: path.join(folder, 'docs.db'), onError: fail });
  try {
    const migrationsFolder = path.join(root, 'migrations');
    await migrate(db, readMigrations(migrationsFolder, 'sqlite'));
    return new Map([
      ['.env.example', environmentExample()],
      ['docs/configuration.md', configurationPage()],
      ['docs/schema.md', schemaPage(await readTables(db))],
      ['docs/api.md', apiPage(await listRoutes(db, migrationsFolder), readErrors(root))],
    ]);
  } finally {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The pages whose file differs or is missing. */
export function stalePages(root: string, pages: ReadonlyMap<string, string>): string[] {
  return [...pages].filter(([file, text]) => readText(path.join(root, file)) !== text).map(([file]) => file);
}

/** The very list that production serves; with an empty environment, so that this machine's own does not show. */
async function listRoutes(db: Database, migrationsFolder: string): Promise<readonly Route[]> {
  const cache = await openCache({ db, clock: systemClock, databaseId: 'docs', instanceId: 'docs', instanceName: 'docs' });
  try {
    const log = createLog({ level: 'silent', instance: 'docs' });
    return serve({
      config: readConfig({}),
      db,
      cache,
      clock: systemClock,
      log,
      metrics: createMetrics('docs'),
      migrationsFolder,
      version: VERSION,
      draining: () => false,
    }).routes;
  } finally {
    await cache.close();
  }
}

function readText(file: string): string | undefined {
  try {
    // A checkout on Windows may have turned the line ends.
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function fail(error: Error): never {
  throw error;
}
