/** What both engines promise alike. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { withDatabase } from '../../../test/support/global-setup.ts';
import { instantOf } from '../clock.ts';
import { type Database, DbViolation, type StatementSeen } from './database.ts';
import { contains, dbNow, dbNowPlus, forUpdate, inList, skipLocked, written } from './dialect.ts';
import { openPostgres } from './postgres.ts';
import { identifier, type Sql, sql } from './sql.ts';
import { openSqlite } from './sqlite.ts';

interface Place {
  open(more?: { writerWaitMs?: number }): Database;
  remove(): Promise<void>;
}

const seen: StatementSeen[] = [];
const reported: Error[] = [];
const shared = { onStatement: (one: StatementSeen) => void seen.push(one), onError: (error: Error) => void reported.push(error) };

async function postgresPlace(): Promise<Place> {
  const name = `database_test_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const admin = openPostgres({ url: inject('postgresUrl'), poolMax: 1, applicationName: 'tests', onError: () => undefined });
  await admin.run(sql`create database ${identifier(name)}`);
  return {
    open: () => openPostgres({ url: withDatabase(inject('postgresUrl'), name), poolMax: 4, applicationName: 'tests', ...shared }),
    async remove() {
      await admin.run(sql`drop database ${identifier(name)} with (force)`);
      await admin.close();
    },
  };
}

function sqlitePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'database-test-'));
  return Promise.resolve({
    open: (more = {}) => openSqlite({ path: join(folder, 'deep/er/test.db'), ...shared, ...more }),
    remove: () => Promise.resolve(rmSync(folder, { recursive: true })),
  });
}

const SCHEMA = `
  create table parents (id text primary key, name text not null, age integer check (age >= 0), code text unique);
  create table children (id text primary key, parent_id text not null references parents (id) on delete restrict, a text, b text, unique (a, b));
  create table kinds (id text primary key, at timestamptz, day date, yes boolean, doc json, amount integer, weight double precision, big bigint, words text)`;

describe.each([
  { engine: 'postgresql', make: postgresPlace },
  { engine: 'sqlite', make: sqlitePlace },
] as const)('the database on $engine', ({ engine, make }) => {
  let place: Place;
  let db: Database;
  beforeAll(async () => {
    place = await make();
    db = place.open();
    await db.tx((tx) => tx.script(SCHEMA));
  });
  afterAll(async () => {
    await db.close();
    await place.remove();
  });
  beforeEach(async () => {
    for (const table of ['children', 'parents', 'kinds']) await db.run(sql`delete from ${identifier(table)}`);
    seen.length = 0;
    reported.length = 0;
  });

  const parent = (id: string, more: { age?: number | null; code?: string | null; name?: string | null } = {}) =>
    sql`insert into parents (id, name, age, code) values (${id}, ${more.name === undefined ? 'n' : more.name}, ${more.age}, ${more.code})`;
  const names = async () => (await db.all<{ id: string }>(sql`select id from parents order by id`)).map((row) => row.id);

  test('says which it is', () => {
    expect([db.engine, db.dialect.engine]).toEqual([engine, engine]);
  });

  test('every kind of value comes back as it went in', async () => {
    const instant = fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(2100, 0) - 1 }).map(instantOf);
    const row = fc.record({
      at: fc.option(instant),
      day: fc.option(instant.map((one) => one.slice(0, 10))),
      yes: fc.option(fc.boolean()),
      // What JSON itself keeps: -0 is 0 there, and PostgreSQL's json refuses U+0000 and half characters, which nothing of ours stores.
      doc: fc.option(
        fc.oneof(
          fc.array(fc.integer()),
          fc.dictionary(
            fc.string({ unit: fc.constantFrom('a', 'ã', '🐾', '"', '\\') }),
            fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.string({ unit: fc.constantFrom('x', 'é', '\n', '"', '🐶') })),
          ),
        ),
      ),
      amount: fc.option(fc.integer({ min: -2_147_483_648, max: 2_147_483_647 })),
      weight: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((one) => one + 0)),
      big: fc.option(fc.maxSafeInteger()),
      words: fc.option(fc.string({ unit: 'grapheme' }).map((one) => one.replaceAll('\0', ''))),
    });
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(row, async (given) => {
        const id = String(++serial);
        await db.run(
          sql`insert into kinds (id, at, day, yes, doc, amount, weight, big, words) values (${id}, ${given.at}, ${given.day}, ${given.yes}, ${given.doc}, ${given.amount}, ${given.weight}, ${given.big}, ${given.words})`,
        );
        const back = await db.first<object>(sql`select at, day, yes, doc, amount, weight, big, words from kinds where id = ${id}`);
        expect(back).toEqual({ ...given, weight: given.weight === 0 ? 0 : given.weight });
      }),
      { numRuns: 60 },
    );
  });

  test('counts and sums are numbers, nothing found is undefined, undefined is null', async () => {
    await db.run(parent('a', { age: 3 }));
    await db.run(parent('b'));
    expect(await db.first(sql`select count(*) as n, sum(age) as total, max(age) as most from parents`)).toEqual({ n: 2, total: 3, most: 3 });
    expect(await db.first(sql`select id from parents where id = ${'z'}`)).toBeUndefined();
    expect(await db.first(sql`select age, code from parents where id = ${'b'}`)).toEqual({ age: null, code: null });
    expect([await db.run(sql`update parents set age = 1`), await db.run(sql`delete from parents where id = 'z'`)]).toEqual([2, 0]);
    expect(await db.all(sql`update parents set age = 9 where id = 'a' returning id, age`)).toEqual([{ id: 'a', age: 9 }]);
  });

  test('the database’s clock is an instant like ours, and counts fractions of seconds', async () => {
    const row = await db.first<{ now: string; later: string; before: string }>(
      sql`select ${dbNow} as now, ${dbNowPlus(1.5)} as later, ${dbNowPlus(-60)} as before`,
    );
    // SQLite reports no type for an expression: the same text either way.
    for (const one of Object.values(row!)) expect(one).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(row!.later) - Date.parse(row!.now) - 1_500)).toBeLessThan(100);
    expect(Math.abs(Date.parse(row!.now) - Date.parse(row!.before) - 60_000)).toBeLessThan(100);
    expect(Math.abs(Date.parse(row!.now) - Date.now())).toBeLessThan(5_000);
    await db.run(sql`insert into kinds (id, at) values ('now', ${dbNow})`);
    expect((await db.first<{ at: string }>(sql`select at from kinds where at <= ${dbNow}`))!.at).toMatch(/Z$/);
  });

  test('lists, substrings and claims speak one language', async () => {
    for (const [id, name] of [
      ['a', '100% lã'],
      ['b', 'a_b'],
      ['c', "d'água"],
      ['d', 'x\\y'],
    ] as const)
      await db.run(parent(id, { name }));
    const found = async (condition: Sql) => (await db.all<{ id: string }>(sql`select id from parents where ${condition} order by id`)).map((row) => row.id);
    expect(await found(sql`id in ${inList(['a', 'c', "x'"])}`)).toEqual(['a', 'c']);
    expect(await found(sql`id in ${inList([])}`)).toEqual([]);
    expect(await found(contains(sql`name`, '%'))).toEqual(['a']);
    expect(await found(contains(sql`name`, '_'))).toEqual(['b']);
    expect(await found(contains(sql`name`, "'"))).toEqual(['c']);
    expect(await found(contains(sql`name`, '\\'))).toEqual(['d']);
    expect(await db.tx((tx) => tx.all(sql`select id from parents order by id limit 1 ${skipLocked}`))).toEqual([{ id: 'a' }]);
    expect(await db.tx((tx) => tx.all(sql`select id from parents where id = 'b' ${forUpdate}`))).toEqual([{ id: 'b' }]);
  });

  test('a transaction is all or nothing, and others see it when it is done', async () => {
    await db.tx(async (tx) => {
      await tx.run(parent('a'));
      expect(await tx.all(sql`select id from parents`)).toEqual([{ id: 'a' }]);
    });
    await expect(
      db.tx(async (tx) => {
        await tx.run(parent('b'));
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await expect(
      db.tx(async (tx) => {
        await tx.run(parent('c'));
        await tx.run(parent('a'));
      }),
    ).rejects.toBeInstanceOf(DbViolation);
    expect(await names()).toEqual(['a']);
    // The connection is whole again.
    expect(await db.tx(async (tx) => (await tx.run(parent('d')), 'done'))).toBe('done');
    expect(await names()).toEqual(['a', 'd']);
  });

  test('nobody reads what is not committed', async () => {
    let letGo: () => void = () => undefined;
    const open = db.tx(async (tx) => {
      await tx.run(parent('a'));
      await new Promise<void>((resolve) => (letGo = resolve));
    });
    await sleep(20);
    expect(await names()).toEqual([]);
    letGo();
    await open;
    expect(await names()).toEqual(['a']);
  });

  test('what comes after the commit comes after it, in order, and undoes nothing', async () => {
    const order: string[] = [];
    await db.tx(async (tx) => {
      tx.afterCommit(async () => void order.push(`first sees ${(await names()).join()}`));
      tx.afterCommit(() => Promise.reject(new Error('a hook failed')));
      tx.afterCommit(() => void order.push('third'));
      await tx.run(parent('a'));
      order.push('inside');
    });
    order.push('resolved');
    expect(order).toEqual(['inside', 'first sees a', 'third', 'resolved']);
    expect(reported.map((error) => error.message)).toEqual(['a hook failed']);
    await db
      .tx((tx) => {
        tx.afterCommit(() => void order.push('never'));
        return Promise.reject(new Error('no'));
      })
      .catch(() => undefined);
    expect(order).not.toContain('never');
  });

  test('going around an open transaction is a bug that says so', async () => {
    await expect(db.tx(async () => db.run(parent('a')))).rejects.toThrow('went around the open transaction');
    await expect(db.tx(async () => db.first(sql`select 1 as x`))).rejects.toThrow('went around');
    await expect(db.tx(() => db.tx(() => Promise.resolve()))).rejects.toThrow('went around');
    await expect(db.tx(async () => db.fused({ write: parent('a') }))).rejects.toThrow('went around');
    expect(await names()).toEqual([]);
  });

  test('a fused write and what explains it happen together, or not at all', async () => {
    const note = sql`insert into children (id, parent_id, a) select 'n', 'a', 'because' from ${written}`;
    await db.run(parent('a', { age: 1 }));
    expect(await db.fused({ write: sql`update parents set age = 2 where id = 'zzz' returning id`, after: [note] })).toEqual([]);
    expect(await db.all(sql`select id from children`)).toEqual([]);
    expect(await db.fused({ write: sql`update parents set age = 2 where id = 'a' returning id, age`, after: [note] })).toEqual([{ id: 'a', age: 2 }]);
    expect(await db.all(sql`select a from children`)).toEqual([{ a: 'because' }]);
    await expect(db.fused({ write: sql`update parents set age = 3 where id = 'a' returning id`, after: [note] })).rejects.toMatchObject({ rule: 'unique' });
    expect(await db.first(sql`select age from parents`)).toEqual({ age: 2 });
  });

  test('a broken rule is the same error on both, and never tells the value', async () => {
    await db.run(parent('a', { code: 'segredo' }));
    await db.run(sql`insert into children (id, parent_id, a, b) values ('x', 'a', '1', '2')`);
    const cases: [Sql, string, string, string][] = [
      [parent('a'), 'unique', 'CONFLICT', 'parents.id'],
      [parent('b', { code: 'segredo' }), 'unique', 'CONFLICT', 'parents.code'],
      [sql`insert into children (id, parent_id, a, b) values ('y', 'a', '1', '2')`, 'unique', 'CONFLICT', 'children.a, children.b'],
      [sql`insert into children (id, parent_id) values ('y', 'segredo')`, 'foreign_key', 'CONFLICT', ''],
      [sql`delete from parents where id = 'a'`, 'foreign_key', 'CONFLICT', ''],
      [parent('b', { age: -1 }), 'check', 'VALIDATION_FAILED', ''],
      [parent('b', { name: null }), 'not_null', 'VALIDATION_FAILED', 'parents.name'],
    ];
    for (const [statement, rule, code, on] of cases) {
      for (const run of [() => db.run(statement), () => db.tx((tx) => tx.run(statement))]) {
        const error = await run().then(
          () => expect.unreachable(),
          (raised: unknown) => raised as DbViolation,
        );
        expect(error).toBeInstanceOf(DbViolation);
        expect(error).toMatchObject({ rule, code });
        if (on) expect(error.on).toBe(on);
        expect(`${error.message} ${error.on} ${JSON.stringify(error.details)}`).not.toContain('segredo');
      }
    }
    expect(await names()).toEqual(['a']);
  });

  test('`on conflict` settles races without an error', async () => {
    const claims = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        db.all<{ age: number }>(sql`insert into parents (id, name, age) values ('one', 'n', ${i}) on conflict (id) do nothing returning age`),
      ),
    );
    expect(claims.filter((rows) => rows.length === 1)).toHaveLength(1);
    await Promise.all(Array.from({ length: 16 }, () => db.run(sql`update parents set age = age + 1 where id = 'one'`)));
    expect((await db.first<{ age: number }>(sql`select age from parents`))!.age).toBe(claims.flat()[0]!.age + 16);
  });

  test('observers hear of each statement, failed ones too', async () => {
    await db.run(parent('a'));
    await db.run(parent('a')).catch(() => undefined);
    expect(seen.map(({ failed, portable }) => ({ failed, portable }))).toEqual([
      { failed: false, portable: true },
      { failed: true, portable: true },
    ]);
    expect(seen.every(({ ms, text }) => ms >= 0 && text.startsWith('insert into parents'))).toBe(true);
  });

  test('a mistake of ours stays what it is', async () => {
    const error = await db.all(sql`select nonsense from parents`).then(
      () => expect.unreachable(),
      (raised: unknown) => raised as Error,
    );
    expect(error).not.toHaveProperty('status');
    expect(error.message).toMatch(/nonsense/);
  });
});

describe('SQLite alone', () => {
  test('one process a file; writers queue, and one that waited too long is told so', async () => {
    const place = await sqlitePlace();
    const db = place.open({ writerWaitMs: 50 });
    expect(() => place.open()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    await db.tx((tx) => tx.script(SCHEMA));
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3, 4].map((n) =>
        db.tx(async (tx) => {
          await tx.run(sql`insert into parents (id, name) values (${String(n)}, 'n')`);
          order.push(n);
        }),
      ),
    );
    expect(order).toEqual([1, 2, 3, 4]);
    const slow = db.tx(() => sleep(120));
    const late = db.run(sql`delete from parents`);
    await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true, retryAfter: 1 });
    // Reading goes on beside a writer.
    expect((await db.first<{ n: number }>(sql`select count(*) as n from parents`))!.n).toBe(4);
    await slow;
    expect(await db.run(sql`delete from parents`)).toBe(4);
    await db.close();
    await place.open().close();
    await place.remove();
  });
});

describe('PostgreSQL alone', () => {
  test('a deadlock is run again; a wait for a lock ends by its deadline', async () => {
    const place = await postgresPlace();
    const db = place.open();
    await db.tx((tx) => tx.script(SCHEMA));
    for (const id of ['a', 'b']) await db.run(sql`insert into parents (id, name, age) values (${id}, 'n', 0)`);
    const both = (first: string, second: string) =>
      db.tx(async (tx) => {
        await tx.run(sql`update parents set age = age + 1 where id = ${first}`);
        await sleep(50);
        await tx.run(sql`update parents set age = age + 1 where id = ${second}`);
      });
    await Promise.all([both('a', 'b'), both('b', 'a')]);
    expect(await db.all(sql`select age from parents`)).toEqual([{ age: 2 }, { age: 2 }]);
    await db.close();
    await place.remove();
  });

  test('nobody there: UNAVAILABLE, whatever is asked', async () => {
    for (const url of ['postgres://postgres@127.0.0.1:1/x', 'postgres://postgres@no-such-host.invalid/x']) {
      const db = openPostgres({ url, poolMax: 1, applicationName: 'tests', onError: () => undefined, connectTimeoutMs: 1_000 });
      for (const call of [() => db.all(sql`select 1 as x`), () => db.tx((tx) => tx.run(sql`select 1 as x`)), () => db.fused({ write: sql`select 1 as x` })]) {
        await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 503, details: { part: 'database' }, retryable: true });
      }
      await db.close();
    }
  });
});
