/**
 * SQLite behind the `Database` port: the fallback for a laptop. One process (a lock file), one writer connection
 * behind a queue, and a second connection that reads, so that nobody sees another request's uncommitted row.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { AppError, unavailable } from '../errors.ts';
import { type Database, DbViolation, type Fused, isRead, type OnStatement, type Queryable, type Tx, type ViolationRule } from './database.ts';
import { sqliteDialect } from './dialect.ts';
import { render, type Sql, sql, type SqlValue } from './sql.ts';
import { commitHooks, txGuard } from './transaction.ts';

export interface SqliteOptions {
  path: string;
  onStatement?: OnStatement | undefined;
  onError: (error: Error) => void;
  /** Milliseconds a write may wait for the writer before it is refused as UNAVAILABLE. */
  writerWaitMs?: number;
}

/** Opens the file, creating it and its folder. Throws UNAVAILABLE when another process holds it. */
export function openSqlite(options: SqliteOptions): Database {
  mkdirSync(dirname(options.path), { recursive: true });
  const lock = lockSqlite(options.path);
  const writer = connect(options.path);
  const reader = connect(options.path);
  reader.run.exec('pragma query_only = on');
  const queue = createQueue(options.writerWaitMs ?? 10_000);
  const seen = options.onStatement;
  /** What stands beside a write in `fused` reads from it in one engine's way. */
  const seenAsOwn: OnStatement | undefined = seen && ((statement) => seen({ ...statement, portable: false }));
  const reading = queryable((query) => Promise.resolve(execute(reader, query, seen)));
  const writing = queryable((query) => queue(() => Promise.resolve(execute(writer, query, seen))));
  const guard = txGuard();
  const route = (query: Sql) => {
    guard.refuse();
    return isRead(render(query, 'sqlite').text) ? reading : writing;
  };

  const database: Database = {
    engine: 'sqlite',
    dialect: sqliteDialect,
    all: async (query) => route(query).all(query),
    first: async (query) => route(query).first(query),
    run: async (query) => route(query).run(query),
    async tx(fn) {
      guard.refuse();
      const hooks = commitHooks(options.onError);
      const result = await queue(async () => {
        execute(writer, sql`begin immediate`, seen);
        try {
          const tx: Tx = {
            ...queryable((query) => Promise.resolve(execute(writer, query, seen))),
            fused: async <T>({ write, after = [], answer }: Fused) => {
              const { rows } = execute(writer, write, seen);
              if (rows.length === 0) return [];
              for (const statement of after) execute(writer, statement, seenAsOwn);
              return (answer ? execute(writer, answer, seenAsOwn).rows : rows) as T[];
            },
            script: (text) => Promise.resolve(writer.run.exec(text)),
            afterCommit: hooks.add,
          };
          const value = await guard.inside(() => fn(tx));
          execute(writer, sql`commit`, seen);
          return value;
        } catch (error) {
          if (writer.run.isTransaction) writer.run.exec('rollback');
          throw error;
        }
      });
      await hooks.run();
      return result;
    },
    fused: (parts) => database.tx((tx) => tx.fused(parts)),
    async close() {
      await queue(() => Promise.resolve());
      reader.run.close();
      writer.run.close();
      lock.close();
    },
  };
  return database;
}

/** Makes this process the file's only one until it closes the lock; the operating system drops it when the process dies. Throws UNAVAILABLE when taken. */
export function lockSqlite(path: string): DatabaseSync {
  const lock = new DatabaseSync(`${path}.lock`);
  try {
    lock.exec('pragma busy_timeout = 0; pragma journal_mode = delete; begin exclusive');
    return lock;
  } catch (cause) {
    lock.close();
    throw unavailable({ message: `The SQLite file ${path} is in use by another process; SQLite runs one process only.`, cause });
  }
}

interface Connection {
  run: DatabaseSync;
  prepared: Map<string, Prepared>;
}

interface Prepared {
  statement: StatementSync;
  /** Column name → how its declared type reads; filled on first use. */
  decoders: [string, (value: unknown) => unknown][];
  columns: number;
}

function connect(path: string): Connection {
  const run = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: 5_000 });
  run.exec('pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory; pragma cache_size = -16000');
  return { run, prepared: new Map() };
}

const DECODERS: Record<string, (value: unknown) => unknown> = {
  BOOLEAN: (value) => (value === null ? null : value === 1),
  JSON: (value) => (value === null ? null : JSON.parse(value as string)),
};

function execute(on: Connection, query: Sql, seen: OnStatement | undefined): { rows: unknown[]; changes: number } {
  const { text, values } = render(query, 'sqlite');
  const started = seen ? performance.now() : 0;
  let failed = true;
  try {
    const prepared = prepare(on, text);
    const bound = values.map(bind);
    let result: { rows: unknown[]; changes: number };
    if (prepared.columns > 0) {
      const rows = prepared.statement.all(...bound);
      for (const [column, decode] of prepared.decoders) for (const row of rows) row[column] = decode(row[column]) as SQLOutputValue;
      result = { rows, changes: rows.length };
    } else {
      result = { rows: [], changes: Number(prepared.statement.run(...bound).changes) };
    }
    failed = false;
    return result;
  } catch (error) {
    throw translate(error);
  } finally {
    seen?.({ query, text, portable: true, ms: performance.now() - started, failed });
  }
}

function prepare(on: Connection, text: string): Prepared {
  let prepared = on.prepared.get(text);
  if (!prepared) {
    const statement = on.run.prepare(text);
    const columns = statement.columns();
    const decoders: Prepared['decoders'] = [];
    for (const column of columns) {
      const decode = column.type === null ? undefined : DECODERS[column.type.toUpperCase()];
      if (decode) decoders.push([column.name, decode]);
    }
    prepared = { statement, decoders, columns: columns.length };
    on.prepared.set(text, prepared);
  }
  return prepared;
}

function queryable(run: (query: Sql) => Promise<{ rows: unknown[]; changes: number }>): Queryable {
  return {
    all: async <T>(query: Sql) => (await run(query)).rows as T[],
    first: async <T>(query: Sql) => (await run(query)).rows[0] as T | undefined,
    run: async (query) => (await run(query)).changes,
  };
}

/** Runs tasks one after another; a task that waited too long is refused instead of piling up. */
function createQueue(waitMs: number) {
  let tail: Promise<unknown> = Promise.resolve();
  return <T>(task: () => Promise<T>): Promise<T> => {
    const enqueued = performance.now();
    const mine = tail.then(() => {
      if (performance.now() - enqueued > waitMs)
        throw unavailable({ message: 'The database is busy; try again.', details: { part: 'database' }, retryAfter: 1 });
      return task();
    });
    tail = mine.catch(() => undefined);
    return mine;
  };
}

function bind(value: SqlValue): SQLInputValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'object') return JSON.stringify(value);
  return value;
}

const VIOLATIONS: Record<number, ViolationRule> = { 2067: 'unique', 1555: 'unique', 787: 'foreign_key', 1811: 'foreign_key', 275: 'check', 1299: 'not_null' };

function translate(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const { errcode, message } = error as { errcode?: number; message: string };
  if (errcode === undefined) return error;
  const rule = VIOLATIONS[errcode];
  if (rule) return new DbViolation(rule, /constraint failed: (.*)$/.exec(message)?.[1] ?? '', error);
  const primary = errcode & 0xff;
  // BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN: the disk or another process, not our statement.
  if ([5, 6, 8, 10, 13, 14].includes(primary))
    return unavailable({ message: 'The database cannot be written now.', details: { part: 'database' }, cause: error, retryAfter: 5 });
  return error;
}
