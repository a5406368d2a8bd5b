/** What the cache's suites share: databases and Redis processes of their own, and a register to judge staleness by. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { systemClock } from '../clock.ts';
import type { Database } from '../db/database.ts';
import { migrate, readMigrations } from '../db/migrate.ts';
import { openPostgres } from '../db/postgres.ts';
import { identifier, sql } from '../db/sql.ts';
import { openSqlite } from '../db/sqlite.ts';
import { newId } from '../ids.ts';
import { type Cache, type CacheOptions, openCache } from './cache.ts';

export const REDIS_URL = process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';
const DATABASE_URL = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const failLoudly = (error: Error) => {
  throw error;
};

async function prepared(db: Database): Promise<Database> {
  await migrate(db, readMigrations(join(import.meta.dirname, '../../../migrations'), db.engine).slice(0, 1));
  await db.tx((tx) => tx.script('create table registers (id text primary key, version integer not null)'));
  return db;
}

export interface TestDatabase {
  /** Another pool on the same database, as another instance would have; the caller closes it. */
  open(): Database;
  drop(): Promise<void>;
}

export async function createPostgres(): Promise<TestDatabase> {
  const name = `cache_${newId().replaceAll('-', '').slice(8)}`;
  const admin = openPostgres({ url: DATABASE_URL, poolMax: 1, applicationName: 'cache-test', onError: failLoudly });
  await admin.run(sql`create database ${identifier(name)}`);
  const url = new URL(DATABASE_URL);
  url.pathname = name;
  const open = () => openPostgres({ url: url.href, poolMax: 4, applicationName: 'cache-test', onError: () => undefined });
  const first = await prepared(open());
  await first.close();
  return {
    open,
    async drop() {
      await admin.run(sql`drop database ${identifier(name)} with (force)`);
      await admin.close();
    },
  };
}

export async function createSqlite(): Promise<{ db: Database; drop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'cache-'));
  const db = await prepared(openSqlite({ path: join(folder, 'test.db'), onError: failLoudly }));
  return {
    db,
    async drop() {
      await db.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export interface OwnRedis {
  url: string;
  port: number;
  folder: string;
  client: Redis;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  kill(): Promise<void>;
  /** Starts again on the same port; loads the folder's dump.rdb when there is one. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A Redis process of the test's own, that it may freeze and kill. */
export async function startRedis(...more: string[]): Promise<OwnRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  let child: ChildProcess;
  // Also when a failed test never came to stop it.
  process.once('exit', () => child.kill('SIGKILL'));
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  const redis: OwnRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    folder,
    client,
    signal: (name) => void child.kill(name),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    async start() {
      child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--daemonize', 'no', '--dir', folder, ...more], {
        stdio: 'ignore',
      });
      await until(async () => (await probe(port)) === 'PONG');
    },
    async stop() {
      client.disconnect();
      await redis.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await redis.start();
  await client.connect();
  return redis;
}

async function probe(port: number): Promise<string> {
  const once = new Redis(port, '127.0.0.1', { retryStrategy: null, maxRetriesPerRequest: 0, lazyConnect: true });
  once.on('error', () => undefined);
  try {
    await once.connect();
    return await once.ping();
  } catch {
    return 'down';
  } finally {
    once.disconnect();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A TCP way to a port that can be cut and joined again, as if one instance alone lost its network. */
export async function openProxy(toPort: number) {
  const pairs = new Set<Socket>();
  let joined = true;
  const server = createServer((near) => {
    if (!joined) return void near.destroy();
    const far = connect(toPort, '127.0.0.1');
    for (const socket of [near, far]) {
      pairs.add(socket);
      socket.on('error', () => undefined).on('close', () => (pairs.delete(socket), near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    joined = false;
    for (const socket of pairs) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut,
    join: () => void (joined = true),
    close() {
      cut();
      server.close();
    },
  };
}

export async function until(condition: () => boolean | Promise<boolean>, atMostMs = 10_000): Promise<void> {
  const end = performance.now() + atMostMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`still not so after ${atMostMs} ms: ${condition.toString()}`);
    await sleep(10);
  }
}

export interface Instance {
  cache: Cache;
  /** Reads a register through the cache: its version, and whether it was a hit. */
  read(id: string): Promise<{ version: number; hit: boolean }>;
  /** Adds one through the cache; resolves with the new version when the write is acknowledged. */
  write(id: string, prefill?: boolean): Promise<number>;
}

/** An instance of the server, as far as the cache sees it: it keeps registers that only ever grow. */
export async function openInstance(db: Database, options: Partial<CacheOptions> & { databaseId: string }): Promise<Instance> {
  const cache = await openCache({ db, clock: systemClock, instanceId: newId(), instanceName: 'test', ...options });
  const entry = (id: string) => ({ key: `register:${id}`, topics: [`register:${id}`, 'settings'], ttlSeconds: 60 });
  return {
    cache,
    async read(id) {
      const found = await cache.read({ ...entry(id), load: () => db.first<{ version: number }>(sql`select version from registers where id = ${id}`) });
      return { version: found ? (JSON.parse(found.body.toString()) as { version: number }).version : 0, hit: found?.hit ?? false };
    },
    write: (id, prefill = false) =>
      cache.write(
        [`register:${id}`, 'settings'],
        (pending) =>
          db.tx(async (tx) => {
            const row = await tx.first<{ version: number }>(
              sql`insert into registers (id, version) values (${id}, 1) on conflict (id) do update set version = registers.version + 1 returning version`,
            );
            await pending?.(tx);
            return row!.version;
          }),
        (version) => (prefill ? [{ ...entry(id), value: { version } }] : []),
      ),
  };
}
