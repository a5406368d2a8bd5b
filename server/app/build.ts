/** The composition root: everything is made here, once, for production and tests alike. Imported by `main.ts`, tests and scripts only. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type pino from 'pino';
import { type Cache, type CacheEvent, type CacheOptions, openCache } from '#platform/cache/cache';
import { type Clock, systemClock } from '#platform/clock';
import { systemCtx } from '#platform/ctx';
import type { Database, OnStatement } from '#platform/db/database';
import { databaseIdentity } from '#platform/db/identity';
import { newId } from '#platform/ids';
import { createLog, type Log } from '#platform/log';
import type { Config } from './config.ts';
import { openDatabase, prepareDatabase, untilItWorks } from './database.ts';
import { createBrokenRequest } from './broken-request.ts';
import { createHolding } from './holding.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { securityHeaders } from './security-headers.ts';
import { type FirstAccess, serve, type Served } from './serve.ts';

export const VERSION = '0.1.0';

/** What tests and scripts may replace. */
export interface Overrides {
  clock?: Clock;
  logDestination?: pino.DestinationStream;
  onStatement?: OnStatement;
  cache?: Partial<Pick<CacheOptions, 'deadlineMs' | 'probeMs' | 'maxEntries' | 'maxBytes' | 'onEvent'>>;
  /** False: no demo clinic, whatever the environment. */
  demo?: boolean;
}

export interface App {
  readonly config: Config;
  readonly db: Database;
  readonly log: Log;
  /** Where the listener answers, e.g. `http://127.0.0.1:3000`; after `start`. */
  readonly url: string;
  /** Listens, then gets ready. Outside production it resolves when ready; in production as soon as it listens, and readiness follows. */
  start(): Promise<void>;
  /** Resolves when the app serves; rejects when it never will; neither when it was stopped before. */
  readonly ready: Promise<FirstAccess>;
  /** Not ready from now on, while open requests are answered; see `stop`. */
  drain(): void;
  /** Answers what is open, finishes the running job, closes everything. */
  stop(): Promise<void>;
}

/** Builds the app without side effects but opening the database. Throws when the configuration cannot work. */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const instanceId = newId();
  const instanceName = config.instanceName ?? hostname();
  const log = createLog({ level: config.logLevel, instance: instanceName, ...(overrides.logDestination && { destination: overrides.logDestination }) });
  const metrics = createMetrics(instanceName);
  const clock = overrides.clock ?? systemClock;
  const migrationsFolder = join(import.meta.dirname, '../../migrations');
  const onStatement = statementObserver(metrics, log, overrides.onStatement);
  const databaseParts = { config, log, migrationsFolder, onStatement };
  const db = await openDatabase(databaseParts);

  const stopping = new AbortController();
  let draining = false;
  const headers = securityHeaders({ https: config.publicUrl?.startsWith('https:') ?? false });
  let handler: Served['handle'] = createHolding({ clock, version: VERSION, securityHeaders: headers });
  const server = createListener((req, res) => {
    // While draining, connections end with their answer, so that none is cut while a request is on its way.
    if (draining) res.shouldKeepAlive = false;
    handler(req, res);
  });
  server.on('clientError', createBrokenRequest(headers));
  let served: Served | undefined;
  let cache: Cache | undefined;
  const ready = Promise.withResolvers<FirstAccess>();
  ready.promise.catch(() => undefined);
  let starting: Promise<void> = Promise.resolve();

  async function becomeReady(): Promise<FirstAccess> {
    await untilItWorks(() => prepareDatabase(db, databaseParts), log, stopping.signal);
    cache = await untilItWorks(
      async () =>
        openCache({
          db,
          clock,
          redisUrl: config.redisUrl,
          databaseId: await databaseIdentity(db),
          instanceId,
          instanceName,
          maxTtlSeconds: Math.max(...Object.values(config.cacheTtl)),
          ...overrides.cache,
          onEvent: overrides.cache?.onEvent ?? ((event) => log[isNews(event, config) ? 'info' : 'warn']({ event }, 'cache')),
        }),
      log,
      stopping.signal,
    );
    const parts = { config, db, cache, clock, log, metrics, migrationsFolder, version: VERSION, draining: () => draining };
    const { prepare } = (served = serve(parts));
    const ctx = systemCtx(clock.now(), 'start');
    const access = await untilItWorks(() => prepare(ctx, { demo: overrides.demo ?? !config.production }), log, stopping.signal);
    handler = served.handle;
    if (config.roles.includes('worker')) served.start();
    log.info({ database: db.engine, cache: cache.state().using }, 'ready');
    return access;
  }

  return {
    config,
    db,
    log,
    ready: ready.promise,
    get url() {
      const { address, port } = server.address() as AddressInfo;
      return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
    },
    async start() {
      await listen(server, config.port, config.host);
      // Being stopped while still waiting for the database is no failure to start.
      starting = becomeReady().then(ready.resolve, (error: unknown) => {
        if (!stopping.signal.aborted) ready.reject(error);
      });
      if (!config.production) await ready.promise;
    },
    drain() {
      draining = true;
    },
    async stop() {
      draining = true;
      stopping.abort();
      await closeListener(server);
      await starting;
      await served?.stop();
      await cache?.close();
      await db.close();
    },
  };
}

/** What is as it should be: Redis is there, or none was asked for. */
function isNews({ type }: CacheEvent, config: Config): boolean {
  return type === 'redis_trusted' || (type === 'memory_trusted' && config.redisUrl === undefined);
}

const SLOW_STATEMENT_MS = 500;

function statementObserver(metrics: Metrics, log: Log, also: OnStatement | undefined): OnStatement {
  return (seen) => {
    metrics.statement(seen);
    if (seen.ms > SLOW_STATEMENT_MS) log.warn({ ms: Math.round(seen.ms), sql: seen.text.replaceAll(/\s+/g, ' ').slice(0, 300) }, 'slow statement');
    also?.(seen);
  };
}

/** Limits on what a connection may cost us: slow headers, slow bodies, idle connections, endless headers. */
function createListener(handle: Served['handle']): Server {
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384, connectionsCheckingInterval: 2_000 },
    handle,
  );
  server.maxHeadersCount = 100;
  server.maxRequestsPerSocket = 0;
  return server;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closeListener(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
