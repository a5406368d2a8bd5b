/** Runs after all other suites: whatever they sent to a database must prepare on both engines. The one check of SQL that is worth having. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { migrate, readMigrations } from '../server/platform/db/migrate.ts';
import { openSqlite } from '../server/platform/db/sqlite.ts';
import { withDatabase } from './support/global-setup.ts';
import { skipAloud } from './support/skip-aloud.ts';

interface Recorded {
  /** The text that reached a driver. */
  ran: string;
  /** False: a driver composed it for its own engine. */
  portable: boolean;
  postgresql: string;
  sqlite: string;
}

const folder = inject('recordings');
const recorded = readdirSync(folder)
  .filter((file) => file.startsWith('statements-'))
  .flatMap((file) => readFileSync(join(folder, file), 'utf8').trim().split('\n'))
  .map((line) => JSON.parse(line) as Recorded);
const distinct = [...new Map(recorded.map((one) => [one.ran, one])).values()];

/** What the whole suite runs at least; fewer means that only a part of it ran. */
const WHOLE = 120;

describe('every statement the suites ran', () => {
  const postgres = new pg.Client(withDatabase(inject('postgresUrl'), inject('template')));
  const place = mkdtempSync(join(tmpdir(), 'caramelo-statements-'));
  let sqlite: DatabaseSync;
  const prepared = new Set<string>();

  beforeAll(async () => {
    await postgres.connect();
    const path = join(place, 'customers.db');
    const db = openSqlite({ path, onError: () => undefined });
    await migrate(db, readMigrations(join(import.meta.dirname, '../migrations'), 'sqlite'));
    await db.close();
    sqlite = new DatabaseSync(path);
  });
  afterAll(async () => {
    await postgres.end();
    sqlite.close();
    rmSync(place, { recursive: true, force: true });
  });

  test('prepares on PostgreSQL', async () => {
    const refused: string[] = [];
    for (const one of distinct) {
      if (!one.portable && one.ran !== one.postgresql) continue;
      await postgres.query(`prepare probe as ${one.postgresql}`).then(
        () => prepared.add(one.postgresql),
        (error: Error) => refused.push(`${error.message}: ${one.postgresql}`),
      );
      await postgres.query('deallocate all');
    }
    expect(refused).toEqual([]);
  });

  test('prepares on SQLite', () => {
    const refused: string[] = [];
    for (const one of distinct) {
      if (!one.portable && one.ran !== one.sqlite) continue;
      try {
        sqlite.prepare(one.sqlite);
        prepared.add(one.sqlite);
      } catch (error) {
        refused.push(`${(error as Error).message}: ${one.sqlite}`);
      }
    }
    expect(refused).toEqual([]);
  });

  test('was among those prepared, and they are the whole suite’s', (ctx) => {
    expect(distinct.filter((one) => !prepared.has(one.ran)).map((one) => one.ran)).toEqual([]);
    if (distinct.length < WHOLE) skipAloud(ctx, `only ${distinct.length} statements were recorded: run the whole suite`);
  });
});
