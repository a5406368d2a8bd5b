/** `npm run backup` and `npm run restore` as people run them, on a database that a server is writing to. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../server/platform/db/database.ts';
import { openPostgres } from '../../server/platform/db/postgres.ts';
import { sql } from '../../server/platform/db/sql.ts';
import { openSqlite } from '../../server/platform/db/sqlite.ts';
import { makePlace, type Mode, modes, startOn, type TestApp } from '../support/app.ts';
import { type EmptyDatabase, makeEmptyDatabase } from '../support/empty-database.ts';
import { whyNoPgDump } from '../support/postgres-clients.ts';
import { skipAloud } from '../support/skip-aloud.ts';

const project = path.resolve(import.meta.dirname, '../..');

interface Outcome {
  exit: number | null;
  said: string;
}

function run(script: 'backup' | 'restore', place: Env, ...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [path.join(project, 'scripts', `${script}.ts`), ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', ...place.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve({ exit, said }));
  });
}

interface Env {
  env: Record<string, string>;
}

/** Somewhere to restore into. */
interface Target extends Env {
  /** A connection that is not the server's. */
  open(): Database;
  remove(): Promise<void>;
}

const onError = () => undefined;

async function emptyTarget({ engine }: Mode): Promise<Target> {
  if (engine === 'sqlite') {
    const folder = mkdtempSync(path.join(tmpdir(), 'caramelo-target-'));
    const file = path.join(folder, 'new', 'customers.db');
    return {
      env: { SQLITE_PATH: file },
      open: () => openSqlite({ path: file, onError }),
      remove: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
    };
  }
  const { url, remove }: EmptyDatabase = await makeEmptyDatabase();
  return { env: { DATABASE_URL: url }, open: () => openPostgres({ url, poolMax: 1, applicationName: 'tests', onError }), remove };
}

const phone = (n: number) => `+55119${String(40_000_000 + n)}`;

/** Tutors 1, 2, 3 … each with one pet, one after another; `acknowledged` counts whole pairs. */
async function register(app: TestApp, n: number): Promise<string> {
  const tutor = await app.call('POST', '/api/tutors', { name: `Tutora ${n}`, phone: phone(n) });
  const pet = await app.call('POST', `/api/tutors/${tutor.body.data.id}/pets`, { name: `Rex ${n}`, species: 'dog' });
  expect([tutor.status, pet.status]).toEqual([201, 201]);
  return tutor.body.data.id as string;
}

describe.each(modes)('backup and restore on $engine + $cache', (mode) => {
  const extension = mode.engine === 'sqlite' ? 'db' : 'dump';
  let place: Awaited<ReturnType<typeof makePlace>>;
  let app: TestApp;
  let folder: string;
  let good: string;
  let outcome: Outcome;
  const before: string[] = [];
  let why: string | undefined;
  const targets: Target[] = [];
  const target = async () => {
    const made = await emptyTarget(mode);
    targets.push(made);
    return made;
  };

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'caramelo-backups-'));
    place = await makePlace(mode);
    app = await startOn(place);
    why = mode.engine === 'postgresql' ? await whyNoPgDump() : undefined;
    if (why !== undefined) return;
    for (let n = 1; n <= 25; n++) before.push(await register(app, n));
    good = path.join(folder, `good.${extension}`);
    let saving = true;
    const writing = (async () => {
      for (let n = 26; saving; n++) await register(app, n);
    })();
    outcome = await run('backup', place, '--out', good);
    saving = false;
    await writing;
  });
  beforeEach((ctx) => {
    if (why !== undefined) skipAloud(ctx, why);
  });
  afterEach(async () => {
    for (const made of targets.splice(0)) await made.remove();
  });
  afterAll(async () => {
    await app.close();
    await place.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a backup under writes is one verified file for its owner alone', () => {
    expect(outcome).toEqual({
      exit: 0,
      said: expect.stringMatching(new RegExp(`^\\S+good\\.${extension}: [\\d.]+ MB, \\d+ rows in \\d+ tables, [\\d.]+ s; .*(counted|checked)`)),
    });
    expect(readdirSync(folder)).toEqual([`good.${extension}`]);
    expect(statSync(good).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o600);
  });

  test('restored elsewhere it is the same clinic at one moment: read over HTTP, every rule in force, and another database to the cache', async () => {
    const elsewhere = await target();
    const restored = await run('restore', elsewhere, good, '--yes');
    expect(restored).toEqual({ exit: 0, said: expect.stringContaining('already at this release') });
    expect(/(\d+ rows in \d+ tables)/.exec(restored.said)?.[1]).toBe(/(\d+ rows in \d+ tables)/.exec(outcome.said)?.[1]);

    const there = await startOn({ env: { ...place.env, ...elsewhere.env }, remove: () => Promise.resolve() });
    try {
      for (const id of before) {
        const [tutor, pets] = [await there.call('GET', `/api/tutors/${id}`), await there.call('GET', `/api/tutors/${id}/pets`)];
        expect([tutor.status, tutor.headers.get('x-cache'), pets.body.data.length]).toEqual([200, 'MISS', 1]);
      }
      const names = await there.db.all<{ name: string; pets: number }>(
        sql`select t.name, (select count(*) from pets p where p.tutor_id = t.id) as pets from tutors t order by t.created_at, t.id`,
      );
      // One writer, one after another: what is there is a beginning of what it wrote, cut between two commits.
      expect(names.map(({ name }) => name)).toEqual(names.map((_, i) => `Tutora ${i + 1}`));
      expect(names.slice(0, -1).every(({ pets }) => pets === 1)).toBe(true);
      const orphan = sql`insert into pets (id, tutor_id, name, species, created_at, updated_at) values ('x', 'nobody', 'Rex', 'dog', '2027-02-03T13:00:00.000Z', '2027-02-03T13:00:00.000Z')`;
      await expect(there.db.run(orphan)).rejects.toMatchObject({ rule: 'foreign_key' });
      expect((await there.call('POST', '/api/tutors', { name: 'De novo', phone: phone(1) })).status).toBe(409);
      const identity = sql`select id from database_identity`;
      expect(await there.db.first(identity)).not.toEqual(await app.db.first(identity));
    } finally {
      await there.close();
    }
  });

  test('files that are cut off, foreign or of a newer release are refused, and leave nothing behind', async () => {
    const cut = path.join(folder, `cut.${extension}`);
    copyFileSync(good, cut);
    truncateSync(cut, Math.floor(statSync(good).size * 0.7));
    const noise = path.join(folder, `noise.${extension}`);
    writeFileSync(noise, Buffer.alloc(5_000, 'miau'));
    const otherEngine = path.join(folder, 'other-engine');
    writeFileSync(otherEngine, mode.engine === 'sqlite' ? 'PGDMP and so on' : 'SQLite format 3\0 and so on');
    const foreign = await foreignBackup(mode, path.join(folder, `foreign.${extension}`));
    const newer = path.join(folder, `newer.${extension}`);
    await withMigration(app.db, () => run('backup', place, '--out', newer));
    const elsewhere = await target();
    for (const [file, words] of [
      [cut, /damaged|malformed|cannot be/],
      [noise, /not a backup/],
      [otherEngine, /is a backup of/],
      [foreign, /not a backup/],
      [newer, /newer release \(migrations 9999\)/],
      [path.join(folder, 'nowhere'), /cannot be opened/],
    ] as const) {
      expect([file, await run('restore', elsewhere, file, '--yes')]).toEqual([file, { exit: 1, said: expect.stringMatching(words) }]);
    }
    expect(await isUntouched(mode, elsewhere)).toBe(true);
  });

  test('a database in use or with rows in it is not touched; --force replaces it only by a whole backup, and nobody is asked without a terminal', async () => {
    const running = await run('restore', place, good, '--yes', '--force');
    expect(running).toEqual({ exit: 1, said: expect.stringMatching(/running on this database|in use by another process/) });

    const elsewhere = await target();
    expect(await run('restore', elsewhere, good)).toEqual({ exit: 1, said: expect.stringContaining('--yes') });
    expect((await run('restore', elsewhere, good, '--yes')).exit).toBe(0);
    const newcomer = sql`update user_profiles set push_name = 'mudou'`;
    const changed = sql`select count(*) as n from user_profiles where push_name = 'mudou'`;
    const count = () => inside(elsewhere, async (db) => (await db.first<{ n: number }>(changed))!.n);
    await inside(elsewhere, (db) => db.run(newcomer));
    const rows = await count();
    expect(rows).toBeGreaterThanOrEqual(25);

    expect(await run('restore', elsewhere, good, '--yes')).toEqual({ exit: 1, said: expect.stringContaining('not empty') });
    const cut = path.join(folder, `cut-again.${extension}`);
    writeFileSync(cut, readFileSync(good).subarray(0, -2_000));
    expect((await run('restore', elsewhere, cut, '--yes', '--force')).exit).toBe(1);
    expect(await count()).toBe(rows);

    expect((await run('restore', elsewhere, good, '--yes', '--force')).exit).toBe(0);
    expect(await count()).toBe(0);
  });

  test('a failed backup leaves no file', async () => {
    const nothing = await target();
    const file = path.join(folder, 'never', `x.${extension}`);
    // PostgreSQL: an empty database is dumped faithfully, so a missing one is what fails.
    const env = mode.engine === 'sqlite' ? nothing.env : { DATABASE_URL: `${nothing.env['DATABASE_URL']}_gone` };
    expect((await run('backup', { env }, '--out', file)).exit).toBe(1);
    expect(await run('backup', place, '--out', good)).toEqual({ exit: 1, said: expect.stringContaining('exists already') });
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
    expect(() => statSync(file)).toThrow('ENOENT');
  });
});

async function inside<T>(target: Target, work: (db: Database) => Promise<T>): Promise<T> {
  const db = target.open();
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** A real backup of a database that is somebody else's. */
async function foreignBackup(mode: Mode, file: string): Promise<string> {
  if (mode.engine === 'sqlite') {
    const db = new DatabaseSync(file);
    db.exec('create table schema_migrations (version text); create table recipes (id integer primary key)');
    db.close();
    return file;
  }
  const other = await makeEmptyDatabase();
  const db = openPostgres({ url: other.url, poolMax: 1, applicationName: 'tests', onError });
  await db.tx((tx) => tx.script('create table schema_migrations (version text); create table recipes (id integer primary key)'));
  await db.close();
  expect((await run('backup', { env: { DATABASE_URL: other.url } }, '--out', file)).exit).toBe(0);
  await other.remove();
  return file;
}

/** While `work` runs, the database says that a release after this one migrated it, so that this one must not run on it. */
async function withMigration(db: Database, work: () => Promise<Outcome>): Promise<void> {
  await db.run(
    sql`insert into schema_migrations (number, name, checksum, previous_runs, applied_at) values (9999, 'later', 'x', ${false}, '2027-02-03T13:00:00.000Z')`,
  );
  expect((await work()).exit).toBe(0);
  await db.run(sql`delete from schema_migrations where number = 9999`);
}

async function isUntouched(mode: Mode, target: Target): Promise<boolean> {
  if (mode.engine === 'sqlite') return readdirSync(path.dirname(target.env['SQLITE_PATH']!)).every((name) => name.endsWith('.lock'));
  return inside(
    target,
    async (db) => (await db.first(sql`select 1 as found from pg_catalog.pg_tables where schemaname not in ('pg_catalog', 'information_schema')`)) === undefined,
  );
}
