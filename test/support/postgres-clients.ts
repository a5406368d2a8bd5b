/** Whether this machine's pg_dump may be used on the tests' server. */
import { spawnSync } from 'node:child_process';
import { inject } from 'vitest';
import { openPostgres } from '../../server/platform/db/postgres.ts';
import { sql } from '../../server/platform/db/sql.ts';

/** Undefined when it may; else why not. */
export async function whyNoPgDump(): Promise<string | undefined> {
  const said = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' });
  if (said.error) return 'pg_dump is not installed';
  const mine = Number(/(\d+)\.\d/.exec(said.stdout)?.[1]);
  const db = openPostgres({ url: inject('postgresUrl'), poolMax: 1, applicationName: 'tests', onError: () => undefined });
  try {
    const server = await db.first<{ major: number }>(sql`select current_setting('server_version_num')::integer / 10000 as major`);
    return mine < server!.major ? `pg_dump ${mine} is older than the server, ${server!.major}` : undefined;
  } finally {
    await db.close();
  }
}
