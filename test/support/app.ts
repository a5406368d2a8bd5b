/** The real app over HTTP, on a fresh database of its own. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type App, buildApp, type Overrides } from '../../server/app/build.ts';
import { readConfig } from '../../server/app/config.ts';
import { addMs, type Clock, type Instant, msOf } from '../../server/platform/clock.ts';
import type { Database, StatementSeen } from '../../server/platform/db/database.ts';
import { openPostgres } from '../../server/platform/db/postgres.ts';
import { identifier, render, sql } from '../../server/platform/db/sql.ts';
import { withDatabase } from './global-setup.ts';

export interface Mode {
  engine: 'postgresql' | 'sqlite';
  cache: 'redis' | 'memory';
}

const every: Mode[] = [
  { engine: 'postgresql', cache: 'redis' },
  { engine: 'sqlite', cache: 'memory' },
  { engine: 'postgresql', cache: 'memory' },
  { engine: 'sqlite', cache: 'redis' },
];
const present = (mode: Mode) => mode.cache === 'memory' || inject('redisUrl') !== undefined;
/** PostgreSQL with Redis, SQLite with memory. */
export const modes = every.slice(0, 2).filter(present);
/** All four pairs, for the data, cache and HTTP suites. */
export const allModes = every.filter(present);

export interface Answer {
  status: number;
  /** The envelope; undefined for 204 and for what is not JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read answers as a client would: without types
  body: any;
  text: string;
  headers: Headers;
}

export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

export interface TestClock extends Clock {
  set(now: Instant): void;
  advance(ms: number): void;
}

export interface TestApp {
  app: App;
  url: string;
  db: Database;
  clock: TestClock;
  /** With a key that holds every scope. */
  call: Call;
  /** With a new key that holds only these. */
  as(options: { scopes: string[] }): Promise<Call>;
  /** A second instance on the same database and Redis. */
  another(overrides?: StartOptions): Promise<TestApp>;
  /** Statements that reached the database since the last call, without those that go on by themselves. */
  statements(): StatementSeen[];
  /** Lines the app logged so far. */
  logs(): string[];
  close(): Promise<void>;
}

export interface StartOptions extends Overrides {
  env?: Record<string, string>;
}

export const TEST_KEY = 'test-key-with-every-scope-0123456789';

/** A clock that stands at the machine's time until it is moved, and always goes on. */
function createTestClock(): TestClock {
  let offset = 0;
  const ms = () => Date.now() + offset;
  return {
    ms,
    now: () => addMs('1970-01-01T00:00:00.000Z', ms()),
    set: (now) => void (offset = msOf(now) - Date.now()),
    advance: (by) => void (offset += by),
  };
}

/** Heartbeats and the look-up of a key, remembered for under a second: they come when they come, and belong to no call. */
const BESIDE = /\bfrom (api_keys|instances|cache_invalidations)\b|\bupdate (instances|api_keys)\b|\bupdate jobs set locked_until\b/;

/** Starts an app in `mode`, with a database made for it. `close` stops it and removes what it made. */
export async function startApp(mode: Mode, options: StartOptions = {}): Promise<TestApp> {
  const place = await makePlace(mode);
  const first = await startOn(place, options);
  return { ...first, close: () => first.close().then(place.remove) };
}

interface Place {
  env: Record<string, string>;
  remove(): Promise<void>;
}

/** A fresh, migrated database (PostgreSQL) or an empty folder for one (SQLite). */
export async function makePlace(mode: Mode): Promise<Place> {
  const env: Record<string, string> = mode.cache === 'redis' ? { REDIS_URL: inject('redisUrl')! } : {};
  if (mode.engine === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'caramelo-sqlite-'));
    return { env: { ...env, SQLITE_PATH: join(folder, 'customers.db') }, remove: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })) };
  }
  const name = `caramelo_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  const admin = () => openPostgres({ url: inject('postgresUrl'), poolMax: 1, applicationName: 'caramelo tests', onError: () => undefined });
  const maker = admin();
  await maker.run(sql`create database ${identifier(name)} template ${identifier(inject('template'))}`);
  await maker.close();
  return {
    env: { ...env, DATABASE_URL: withDatabase(inject('postgresUrl'), name) },
    async remove() {
      const remover = admin();
      await remover.run(sql`drop database if exists ${identifier(name)} with (force)`);
      await remover.close();
    },
  };
}

export async function startOn(place: Place, { env = {}, ...overrides }: StartOptions = {}): Promise<TestApp> {
  const clock = createTestClock();
  const lines: string[] = [];
  const seen: StatementSeen[] = [];
  const recorder = createRecorder();
  const asking = new AsyncLocalStorage<true>();
  const config = readConfig({
    NODE_ENV: 'test',
    PORT: '0',
    API_KEY: TEST_KEY,
    ADMIN_EMAIL: 'dona@clinica.test',
    ADMIN_PASSWORD: 'senha-da-dona-123',
    RATE_LIMIT_PER_IP: '1000000',
    RATE_LIMIT_PER_USER: '1000000',
    ...place.env,
    ...env,
  });
  const app = await buildApp(config, {
    clock,
    demo: false,
    logDestination: { write: (line: string) => void lines.push(line) },
    ...overrides,
    onStatement: (statement) => {
      // What a test asks the database itself is no statement of ours.
      if (asking.getStore()) return;
      seen.push(statement);
      recorder.add(statement);
      overrides.onStatement?.(statement);
    },
  });
  await app.start();
  await app.ready;
  const call = createCall(app.url, TEST_KEY);
  return {
    app,
    url: app.url,
    db: askedBy(app.db, asking),
    clock,
    call,
    async as({ scopes }) {
      const made = await call('POST', '/api/api-keys', { name: 'teste', scopes });
      if (made.status !== 201) throw new Error(`no key: ${made.text}`);
      return createCall(app.url, made.body.data.key);
    },
    another: (more = {}) => startOn(place, more),
    statements: () => seen.splice(0).filter(({ text }) => !BESIDE.test(text)),
    logs: () => lines,
    async close() {
      await app.stop();
      recorder.save();
    },
  };
}

export function createCall(url: string, key: string): Call {
  return async (method, path, body, headers = {}) => {
    const all: Record<string, string> = { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers };
    for (const [name, value] of Object.entries(all)) if (value === '') delete all[name];
    const answer = await fetch(url + path, {
      method,
      headers: all,
      redirect: 'manual',
      ...(body === undefined ? {} : { body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = answer.headers.get('content-type')?.startsWith('application/json') && text !== '';
    return { status: answer.status, headers: answer.headers, text, body: json ? JSON.parse(text) : undefined };
  };
}

/** The database as a test uses it, its statements marked as the test's own. */
function askedBy(db: Database, asking: AsyncLocalStorage<true>): Database {
  return {
    ...db,
    all: (query) => asking.run(true, () => db.all(query)),
    first: (query) => asking.run(true, () => db.first(query)),
    run: (query) => asking.run(true, () => db.run(query)),
    tx: (fn) => asking.run(true, () => db.tx(fn)),
  };
}

/** Keeps each distinct statement in both engines' words, for `test/statements.test.ts`. */
function createRecorder() {
  const known = new Map<string, string>();
  return {
    add({ query, text, portable }: StatementSeen) {
      if (known.has(text) || /^(begin|commit|rollback)/.test(text)) return;
      const rendered = { postgresql: render(query, 'postgresql').text, sqlite: render(query, 'sqlite').text };
      known.set(text, JSON.stringify({ ran: text, portable, ...rendered }));
    },
    save() {
      if (known.size > 0)
        appendFileSync(join(inject('recordings'), `statements-${process.pid}.jsonl`), [...known.values()].map((line) => `${line}\n`).join(''));
      known.clear();
    },
  };
}
