/** The migrations: the same tables on both engines after every number, everything the contract promises, an index under every foreign key. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../server/platform/db/database.ts';
import { migrate, type Migration, migrationState, readMigrations } from '../../server/platform/db/migrate.ts';
import { openPostgres } from '../../server/platform/db/postgres.ts';
import { byEngine, identifier, sql } from '../../server/platform/db/sql.ts';
import { openSqlite } from '../../server/platform/db/sqlite.ts';
import { withDatabase } from '../support/global-setup.ts';

const FOLDER = join(import.meta.dirname, '../../migrations');
const onError = () => undefined;

const columns = byEngine({
  postgresql: sql`select table_name, column_name, data_type as type, is_nullable = 'YES' as nullable from information_schema.columns where table_schema = 'public'`,
  // A key of text admits null in SQLite unless said; the promise is that of a key.
  sqlite: sql`select m.name as table_name, c.name as column_name, c.type, c."notnull" = 0 and c.pk = 0 as nullable from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'`,
});
const foreignKeys = byEngine({
  postgresql: sql`select c.conrelid::regclass::text as table_name, a.attname::text as column_name, c.confrelid::regclass::text as target, case c.confdeltype when 'c' then 'cascade' when 'r' then 'restrict' when 'n' then 'set null' else c.confdeltype::text end as on_delete
    from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1] where c.contype = 'f'`,
  sqlite: sql`select m.name as table_name, f."from" as column_name, f."table" as target, lower(f.on_delete) as on_delete from sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table'`,
});
const indexes = byEngine({
  postgresql: sql`select t.relname::text as table_name, x.indisunique as is_unique, (select string_agg(a.attname, ',' order by k.n) from unnest(x.indkey::int[]) with ordinality k(attnum, n) join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.attnum) as columns
    from pg_index x join pg_class t on t.oid = x.indrelid join pg_namespace s on s.oid = t.relnamespace where s.nspname = 'public'`,
  sqlite: sql`select m.name as table_name, l."unique" as is_unique, (select group_concat(i.name) from pragma_index_info(l.name) i) as columns from sqlite_master m, pragma_index_list(m.name) l where m.type = 'table' and m.name not like 'sqlite_%'`,
});

/** What the two engines call one and the same. */
const SAME: Record<string, string> = { 'timestamp with time zone': 'timestamptz', bigint: 'integer', jsonb: 'json' };
const canonical = (rows: object[]) => rows.map((row) => JSON.stringify(row)).sort();

interface Column {
  table_name: string;
  column_name: string;
  type: string;
  nullable: boolean | number;
}
interface Key {
  table_name: string;
  column_name: string;
  target: string;
  on_delete: string;
}
interface Index {
  table_name: string;
  is_unique: boolean | number;
  columns: string | null;
}

async function shape(db: Database) {
  const list = (await db.all<Column>(columns)).map(({ type, nullable, ...row }) => ({
    ...row,
    type: SAME[type.toLowerCase()] ?? type.toLowerCase(),
    nullable: Boolean(nullable),
  }));
  return { columns: canonical(list), keys: canonical(await db.all<Key>(foreignKeys)) };
}

describe('the schema', () => {
  let postgres: Database;
  let sqlite: Database;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    const name = `schema_test_${process.pid}`;
    const admin = openPostgres({ url: inject('postgresUrl'), poolMax: 1, applicationName: 'tests', onError });
    await admin.run(sql`drop database if exists ${identifier(name)} with (force)`);
    await admin.run(sql`create database ${identifier(name)}`);
    postgres = openPostgres({ url: withDatabase(inject('postgresUrl'), name), poolMax: 2, applicationName: 'tests', onError });
    const folder = mkdtempSync(join(tmpdir(), 'schema-test-'));
    sqlite = openSqlite({ path: join(folder, 'test.db'), onError });
    remove = async () => {
      await postgres.close();
      await sqlite.close();
      await admin.run(sql`drop database ${identifier(name)} with (force)`);
      await admin.close();
      rmSync(folder, { recursive: true });
    };
  });
  afterAll(() => remove());

  const files = (db: Database): Migration[] => readMigrations(FOLDER, db.engine);

  test('after every number the engines hold the same tables, columns and references', async () => {
    const [p, s] = [files(postgres), files(sqlite)];
    expect(p.map(({ number, name, previousRuns }) => ({ number, name, previousRuns }))).toEqual(
      s.map(({ number, name, previousRuns }) => ({ number, name, previousRuns })),
    );
    for (let n = 1; n <= p.length; n++) {
      expect(await migrate(postgres, p.slice(0, n))).toEqual([n]);
      expect(await migrate(sqlite, s.slice(0, n))).toEqual([n]);
      expect(await shape(postgres), `after ${p[n - 1]!.number}_${p[n - 1]!.name}`).toEqual(await shape(sqlite));
    }
    expect(await migrate(postgres, p)).toEqual([]);
  });

  test.each(['postgresql', 'sqlite'] as const)('every reference has an index that starts with it (%s)', async (engine) => {
    const db = engine === 'sqlite' ? sqlite : postgres;
    const all = await db.all<Index>(indexes);
    const bare = (await db.all<Key>(foreignKeys)).filter(
      ({ table_name, column_name }) => !all.some((index) => index.table_name === table_name && index.columns?.split(',')[0] === column_name),
    );
    expect(bare.map(({ table_name, column_name }) => `${table_name}.${column_name}`)).toEqual([]);
  });

  test.each(['postgresql', 'sqlite'] as const)('what the contract promises is there (%s)', async (engine) => {
    const db = engine === 'sqlite' ? sqlite : postgres;
    const tables = new Set((await db.all<Column>(columns)).map((row) => row.table_name));
    const promised = [
      'user_profiles',
      'tutors',
      'pets',
      'appointments',
      'appointment_reminders',
      'services',
      'products',
      'orders',
      'order_items',
      'payments',
      'conversations',
      'messages',
      'context_data',
      'ai_memory',
      'campaigns',
      'campaign_recipients',
    ];
    expect(promised.filter((table) => !tables.has(table))).toEqual([]);
    const needed = [
      'identities',
      'pet_guardians',
      'resources',
      'appointment_resources',
      'turns',
      'jobs',
      'events',
      'instances',
      'api_keys',
      'console_users',
      'settings',
      'idempotency_keys',
      'audit_log',
      'schema_migrations',
    ];
    expect(needed.filter((table) => !tables.has(table))).toEqual([]);
    const found = (await db.all<Index>(indexes)).map((index) => `${index.table_name}(${index.columns})${index.is_unique ? ' unique' : ''}`);
    for (const index of [
      'user_profiles(phone_number) unique',
      'conversations(user_id,created_at)',
      'messages(conversation_id,timestamp)',
      'appointments(tutor_id,starts_at)',
      'orders(user_id,created_at)',
    ])
      expect(found).toContain(index);
    const references = (await db.all<Key>(foreignKeys)).map((key) => `${key.table_name}.${key.column_name} → ${key.target}`);
    for (const reference of [
      'tutors.id → user_profiles',
      'pets.tutor_id → tutors',
      'pet_guardians.pet_id → pets',
      'appointments.tutor_id → tutors',
      'appointments.pet_id → pets',
      'conversations.user_id → user_profiles',
      'messages.conversation_id → conversations',
      'context_data.user_id → user_profiles',
      'orders.user_id → user_profiles',
      'order_items.order_id → orders',
      'order_items.product_id → products',
      'order_items.appointment_id → appointments',
    ])
      expect(references).toContain(reference);
  });

  test.each(['postgresql', 'sqlite'] as const)('two at once migrate once; a changed file is refused; a failing one leaves nothing (%s)', async (engine) => {
    const db = engine === 'sqlite' ? sqlite : postgres;
    const mine = files(db);
    const next = (text: string): Migration => ({ number: mine.length + 1, name: 'next', text, checksum: 'x', previousRuns: true });
    const broken = next('create table half_done (id text primary key); insert into nowhere values (1)');
    await expect(migrate(db, [...mine, broken])).rejects.toThrow(/nowhere/);
    expect((await db.all<Column>(columns)).some((row) => row.table_name === 'half_done')).toBe(false);
    const sound = next('create table half_done (id text primary key)');
    const applied = await Promise.all([migrate(db, [...mine, sound]), migrate(db, [...mine, sound])]);
    expect(applied.flat()).toEqual([sound.number]);
    await expect(migrationState(db, [{ ...mine[0]!, checksum: 'other' }, ...mine.slice(1)])).rejects.toThrow('was changed after it was applied');
    expect(await migrationState(db, mine)).toEqual({ applied: sound.number, pending: [], tooNew: [] });
    await db.run(sql`update schema_migrations set previous_runs = ${false} where number = ${sound.number}`);
    expect((await migrationState(db, mine)).tooNew).toEqual([sound.number]);
  });
});
