/** What the commands' test cannot show: a release that is newer than the backup, and one whose migration fails on it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeEmptyDatabase } from '../../../../test/support/empty-database.ts';
import { withDatabase } from '../../../../test/support/global-setup.ts';
import { whyNoPgDump } from '../../../../test/support/postgres-clients.ts';
import { skipAloud } from '../../../../test/support/skip-aloud.ts';
import { systemClock } from '../../clock.ts';
import type { Database } from '../database.ts';
import { migrate, type Migration, readMigrations } from '../migrate.ts';
import { openPostgres } from '../postgres.ts';
import type { Engine } from '../sql.ts';
import { sql } from '../sql.ts';
import { openSqlite } from '../sqlite.ts';
import { differences, type RestoredBackup } from './backup-file.ts';
import { restorePostgres, savePostgres } from './postgres-backup.ts';
import { createPostgresTools } from './postgres-tools.ts';
import { restoreSqlite, saveSqlite } from './sqlite-backup.ts';

/** One database, saved and restored over itself. */
interface Place {
  inside<T>(work: (db: Database) => Promise<T>): Promise<T>;
  save(file: string): Promise<unknown>;
  restore(file: string, migrations: readonly Migration[], options?: { force: boolean }): Promise<RestoredBackup>;
  remove(): Promise<void>;
}

const onError = () => undefined;

async function withOpen<T>(db: Database, work: (db: Database) => Promise<T>): Promise<T> {
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

const places: Record<Engine, (folder: string) => Promise<Place>> = {
  async postgresql() {
    const { url, remove } = await makeEmptyDatabase();
    const open = (name?: string) =>
      openPostgres({ url: name === undefined ? url : withDatabase(url, name), poolMax: 1, applicationName: 'tests', statementTimeoutMs: 0, onError });
    const tools = createPostgresTools({ url, ssl: 'disable', env: process.env });
    return {
      inside: (work) => withOpen(open(), work),
      save: (file) => withOpen(open(), (db) => savePostgres({ db, tools, open }, file, systemClock)),
      restore: (file, migrations, options) => withOpen(open(), (db) => restorePostgres({ db, tools, open }, file, migrations, options)),
      remove,
    };
  },
  sqlite(folder) {
    const path = join(folder, 'customers.db');
    return Promise.resolve({
      inside: (work) => withOpen(openSqlite({ path, onError }), work),
      save: (file) => saveSqlite(path, file, systemClock),
      restore: (file, migrations, options) => restoreSqlite(path, file, migrations, systemClock, options),
      remove: () => Promise.resolve(),
    });
  },
};

const later = (number: number, text: string): Migration => ({ number, name: 'later', text, checksum: 'later', previousRuns: true });

describe.each(['postgresql', 'sqlite'] as const)('a backup of an earlier release on %s', (engine) => {
  const migrations = readMigrations(join(import.meta.dirname, '../../../../migrations'), engine);
  const next = migrations.length + 1;
  let folder: string;
  let place: Place;
  let file: string;

  beforeEach(async (ctx) => {
    const why = engine === 'postgresql' ? await whyNoPgDump() : undefined;
    if (why !== undefined) skipAloud(ctx, why);
    folder = mkdtempSync(join(tmpdir(), 'caramelo-backup-'));
    file = join(folder, `saved.${engine}`);
    place = await places[engine](folder);
    await place.inside(async (db) => {
      await migrate(db, migrations);
      await db.run(
        sql`insert into user_profiles (id, push_name, created_at, updated_at) values ('saved', ${'linha\n\\.\nCOPY x\t\u2028fim'}, '2027-02-03T13:00:00.000Z', '2027-02-03T13:00:00.000Z')`,
      );
    });
    await place.save(file);
    await place.inside((db) =>
      db.run(sql`insert into user_profiles (id, created_at, updated_at) values ('later', '2027-02-03T13:00:00.000Z', '2027-02-03T13:00:00.000Z')`),
    );
  });
  afterEach(async () => {
    await place.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const people = () => place.inside((db) => db.all<{ id: string; push_name: string | null }>(sql`select id, push_name from user_profiles order by id`));

  test('is migrated to this one', async () => {
    const restored = await place.restore(file, [...migrations, later(next, 'create table later (id text primary key)')], { force: true });
    expect(restored.migrated).toEqual([next]);
    expect(await people()).toEqual([{ id: 'saved', push_name: 'linha\n\\.\nCOPY x\t\u2028fim' }]);
    expect(await place.inside((db) => db.all(sql`select id from later`))).toEqual([]);
  });

  test('that cannot be migrated leaves the database as it was, and nothing beside it', async () => {
    const before = await people();
    const files = readdirSync(folder);
    await expect(
      place.restore(file, [...migrations, later(next, 'create table half (id text); create table half (id text)')], { force: true }),
    ).rejects.toThrow(/half/);
    expect(await people()).toEqual(before);
    expect(readdirSync(folder)).toEqual(files);
    // Nor is anything in the way of trying again.
    await place.restore(file, migrations, { force: true });
    expect((await people()).map(({ id }) => id)).toEqual(['saved']);
  });

  test('with a migration this release has changed is refused', async () => {
    const changed = migrations.map((one) => (one.number === 2 ? { ...one, checksum: 'changed' } : one));
    await expect(place.restore(file, changed, { force: true })).rejects.toMatchObject({
      code: 'RESTORE_REFUSED',
      message: expect.stringContaining('another release'),
    });
    expect(await people()).toHaveLength(2);
  });
});

test('rows are compared table by table', () => {
  const found = differences(
    new Map([
      ['pets', 3],
      ['tutors', 2],
    ]),
    new Map([
      ['pets', 2],
      ['orders', 0],
    ]),
  );
  expect(found).toEqual(['pets has 2 instead of 3', 'tutors has no table instead of 2', 'orders has 0 instead of no table']);
});
