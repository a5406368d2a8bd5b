/** PostgreSQL 14+ behind the `Database` port: one pool, named statements, deadlines on everything. */
import pg from 'pg';
import type { Instant } from '../clock.ts';
import { AppError, unavailable } from '../errors.ts';
import { type Database, DbViolation, type Fused, type OnStatement, type Queryable, type Tx, type ViolationRule } from './database.ts';
import { postgresDialect } from './dialect.ts';
import { render, type Sql, sql, type SqlValue } from './sql.ts';
import { commitHooks, type TxGuard, txGuard } from './transaction.ts';

export interface PostgresOptions {
  url: string;
  /** Connections at most. */
  poolMax: number;
  ssl?: pg.ClientConfig['ssl'];
  applicationName: string;
  onStatement?: OnStatement | undefined;
  /** Told when an idle connection breaks or an after-commit hook throws; never thrown. */
  onError: (error: Error) => void;
  /** Milliseconds; a connection attempt, one statement, a wait for a lock, a wait for a free connection. */
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  lockTimeoutMs?: number;
}

/** Longer than any call of ours takes, shorter than a caller waits. */
const STATEMENT_TIMEOUT_MS = 6_000;

const OID = { int8: 20, json: 114, timestamptz: 1184, date: 1082, numeric: 1700, jsonb: 3802 } as const;

const parsers: Record<number, (text: string) => unknown> = {
  [OID.int8]: Number,
  [OID.numeric]: Number,
  [OID.json]: JSON.parse,
  [OID.jsonb]: JSON.parse,
  [OID.timestamptz]: parseTimestamp,
  [OID.date]: String,
};

/** `2027-02-03 13:00:00.5+00` (TimeZone=UTC, DateStyle=ISO) → instant. */
function parseTimestamp(text: string): Instant {
  const dot = text.indexOf('.');
  const end = text.length - 3;
  if (!text.endsWith('+00') || (dot === -1 && end !== 19)) throw new RangeError(`unexpected timestamp ${text}`);
  const fraction =
    dot === -1
      ? '000'
      : text
          .slice(dot + 1, end)
          .padEnd(3, '0')
          .slice(0, 3);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z`;
}

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: string) =>
    (format !== 'binary' && parsers[oid]) || pg.types.getTypeParser(oid, format as 'text')) as pg.CustomTypesConfig['getTypeParser'],
};

/** Opens a pool. Connections are made when needed, so this never fails; what cannot be reached is UNAVAILABLE on use. */
export function openPostgres(options: PostgresOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    // The client's own deadline: a frozen server sends no timeout error, it sends nothing.
    query_timeout: options.statementTimeoutMs === 0 ? 0 : (options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS) + 1_000,
    lock_timeout: options.lockTimeoutMs ?? 4_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    options: '-c TimeZone=UTC -c DateStyle=ISO',
    types,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
  });
  pool.on('error', options.onError);
  // A connection that breaks between two statements of a transaction has nobody else to tell, and would end the process;
  // the next statement on it fails and says so.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  return fromPool(pool, options);
}

function fromPool(pool: pg.Pool, options: PostgresOptions): Database {
  const run = statementRunner(options.onStatement);
  const guard = txGuard();
  const direct = queryable((query) => {
    guard.refuse();
    return run(pool, query);
  });
  return {
    engine: 'postgresql',
    dialect: postgresDialect,
    ...direct,
    tx: (fn) => retried(() => transaction(pool, run, guard, fn, options.onError)),
    fused: async <T>(parts: Fused) => {
      guard.refuse();
      return (await run(pool, composed(parts), false)).rows as T[];
    },
    close: () => pool.end(),
  };
}

const numbered: readonly Sql[] = [sql`a1`, sql`a2`, sql`a3`, sql`a4`];

/** One statement: the write as `w`, what explains it beside, and the answer from it. */
function composed({ write, after = [], answer = sql`select * from w` }: Fused): Sql {
  if (after.length > numbered.length) throw new RangeError('at most four statements may follow a fused write');
  const beside = after.map((statement, i) => sql`, ${numbered[i]} as (${statement})`);
  return sql`with w as (${write})${sql.join(beside, sql``)} ${answer}`;
}

type Runner = (on: pg.Pool | pg.PoolClient, query: Sql, portable?: boolean) => Promise<pg.QueryResult>;

function statementRunner(onStatement: OnStatement | undefined): Runner {
  return async (on, query, portable = true) => {
    const { text, values, name } = render(query, 'postgresql');
    const started = onStatement ? performance.now() : 0;
    let failed = false;
    try {
      return await on.query({ text, values: values.map(bind), name });
    } catch (error) {
      failed = true;
      throw translate(error);
    } finally {
      onStatement?.({ query, text, portable, ms: performance.now() - started, failed });
    }
  };
}

function queryable(run: (query: Sql) => Promise<pg.QueryResult>): Queryable {
  return {
    all: async <T>(query: Sql) => (await run(query)).rows as T[],
    first: async <T>(query: Sql) => (await run(query)).rows[0] as T | undefined,
    run: async (query) => (await run(query)).rowCount ?? 0,
  };
}

async function transaction<T>(pool: pg.Pool, run: Runner, guard: TxGuard, fn: (tx: Tx) => Promise<T>, onError: (e: Error) => void): Promise<T> {
  guard.refuse();
  const client = await pool.connect().catch((error: unknown) => {
    throw translate(error);
  });
  const hooks = commitHooks(onError);
  let broken: Error | undefined;
  let result: T;
  try {
    await run(client, sql`begin`);
    const tx: Tx = {
      ...queryable((query) => run(client, query)),
      fused: async <T>(parts: Fused) => (await run(client, composed(parts), false)).rows as T[],
      script: async (text) => void (await client.query(text)),
      afterCommit: hooks.add,
    };
    result = await guard.inside(() => fn(tx));
    await run(client, sql`commit`);
  } catch (error) {
    // A connection that cannot even roll back is thrown away with whatever it held; one that fell silent is not asked again.
    if (isSilence(error)) broken = error as Error;
    else await client.query('rollback').catch((e: Error) => (broken = e));
    throw error;
  } finally {
    client.release(broken);
  }
  await hooks.run();
  return result;
}

const RETRY = new Set(['40001', '40P01']);

async function retried<T>(fn: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn();
    } catch (error) {
      if (attempt >= 3 || !RETRY.has(sqlState(error) ?? '')) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt));
    }
  }
}

function bind(value: SqlValue): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'object' && !(value instanceof Uint8Array)) return JSON.stringify(value);
  return value;
}

const VIOLATIONS: Record<string, ViolationRule> = { '23505': 'unique', '23503': 'foreign_key', '23514': 'check', '23502': 'not_null', '23P01': 'exclusion' };

/** The server's own code, also of an error translated already: a deadlock is UNAVAILABLE to callers, and still a deadlock here. */
function sqlState(error: unknown): string | undefined {
  if (error instanceof AppError) return sqlState(error.cause);
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Driver errors → our own. Anything that is not a constraint or a connection is a bug of ours and stays as it is. */
function translate(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const code = sqlState(error);
  const rule = code === undefined ? undefined : VIOLATIONS[code];
  if (rule) {
    const e = error as pg.DatabaseError;
    const columns = /^Key \(([^)]*)\)/.exec(e.detail ?? '')?.[1] ?? e.column;
    const on = columns
      ? columns
          .split(', ')
          .map((c) => `${e.table}.${c}`)
          .join(', ')
      : `${e.table}.${e.constraint}`;
    return new DbViolation(rule, on, error);
  }
  if (code !== undefined && RETRY.has(code)) return unavailable({ message: 'The database is busy; try again.', cause: error, retryAfter: 1 });
  if (isConnectionFault(error, code))
    return unavailable({ message: 'The database cannot be reached.', details: { part: 'database' }, cause: error, retryAfter: 2 });
  return error;
}

/** The server said nothing at all: anything more sent on that connection would wait for another deadline. */
function isSilence(error: unknown): boolean {
  return error instanceof AppError && error.status === 503 && error.cause !== undefined && !(error.cause instanceof pg.DatabaseError);
}

/** Network errors, a server that starts, stops, is full or does not know us or the database yet, and every deadline (statement, lock, idle, connect). */
function isConnectionFault(error: unknown, code: string | undefined): boolean {
  if (code !== undefined) return /^(08|28|3D000|57P|53|57014|55P03|25P03|25006|E[A-Z_]+$)/.test(code);
  return error instanceof Error && /timeout|terminated|ended|not queryable|connection/i.test(error.message);
}
