/** Wires the modules over an open, migrated database and an open cache: three lines a module. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cache } from '#platform/cache/cache';
import type { Clock } from '#platform/clock';
import { type Ctx, systemCtx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { purgeEvents } from '#platform/events/events';
import { createIdempotency } from '#platform/http/idempotency';
import { replyFile } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { createHousekeeping } from '#platform/jobs/housekeeping';
import { createJobs, type Jobs } from '#platform/jobs/jobs';
import { createWorker } from '#platform/jobs/worker';
import type { Log } from '#platform/log';
import { createWriter } from '#platform/write';
import { createAccounts } from '#modules/accounts/index';
import { createAppointments, occupiedUnits } from '#modules/appointments/index';
import { createCatalog } from '#modules/catalog/index';
import { createOrders, ordersPerson } from '#modules/orders/index';
import { createCustomers, type PersonFace } from '#modules/customers/index';
import { createSettings, localDay } from '#modules/settings/index';
import type { Config } from './config.ts';
import { migrationsFor } from './database.ts';
import { seedDemo } from './demo.ts';
import { createDoorkeeper } from './doorkeeper.ts';
import { healthRoutes } from './health.ts';
import { createHttpApp } from './http.ts';
import { type Metrics, watchCache, watchJobs } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { createPages } from './pages.ts';
import { securityHeaders } from './security-headers.ts';

export interface ServeParts {
  config: Config;
  db: Database;
  cache: Cache;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  migrationsFolder: string;
  version: string;
  draining: () => boolean;
}

/** Secrets made at the first start, to be printed once. */
export interface FirstAccess {
  email?: string;
  generatedPassword?: string;
  generatedApiKey?: string;
}

export interface Served {
  handle(req: IncomingMessage, res: ServerResponse): void;
  routes: readonly Route[];
  /** What this instance does on its own: jobs, and clearing away what has expired. */
  start(): void;
  stop(): Promise<void>;
  /** First access and, when asked for, the demo clinic in an empty database. */
  prepare(ctx: Ctx, options: { demo: boolean }): Promise<FirstAccess>;
}

/** The clinic's modules, each given what it stands on; the order is that of the edges between them. */
function createModules({ config, db, cache, clock }: ServeParts, jobs: Jobs) {
  const shared = { db, cache, writer: createWriter({ db, cache }), clock };
  const { profiles, appointments: shortTtl } = config.cacheTtl;
  const faces: PersonFace[] = [ordersPerson];
  const accounts = createAccounts(shared);
  const settings = createSettings({ ...shared, defaults: { timezone: config.timezone, locale: config.locale }, ttlSeconds: profiles });
  const customers = createCustomers({
    ...shared,
    jobs,
    profileTtl: profiles,
    today: async (ctx) => localDay((await settings.settings.profile(ctx)).timezone, ctx.now),
    faces: () => faces,
  });
  const catalog = createCatalog({ ...shared, listTtl: shortTtl, occupied: occupiedUnits });
  const orders = createOrders(shared);
  const { tutors } = customers;
  const appointments = createAppointments({ ...shared, settings: settings.settings, appointmentsTtl: shortTtl });
  faces.push(appointments.person);
  const routes = [accounts, settings, customers, catalog, appointments, orders].flatMap((module) => module.routes);
  return { accounts, settings: settings.settings, tutors, catalog, routes, jobs: customers.jobs };
}

export function serve(parts: ServeParts): Served {
  const { config, db, cache, clock, log, metrics } = parts;
  watchCache(metrics, cache);
  watchJobs(metrics, db);
  const jobs = createJobs();
  const modules = createModules(parts, jobs);
  const worker = createWorker({ db, handlers: modules.jobs, clock, log });
  jobs.onEnqueued(worker.wake);
  const idempotency = createIdempotency(db);
  const housekeeping = createHousekeeping({
    log,
    tasks: {
      'idempotency keys': () => idempotency.purge(),
      events: () => purgeEvents(db),
      sessions: () => modules.accounts.purgeExpired(systemCtx(clock.now(), 'housekeeping')),
    },
  });
  const routes: Route[] = [
    ...modules.routes,
    ...healthRoutes({ ...parts, ...config, migrations: migrationsFor(db, parts.migrationsFolder) }),
    metricsRoute(metrics),
  ];
  routes.push(openApiRoute(routes, parts.version, config.publicUrl));
  const headers = securityHeaders({ https: config.publicUrl?.startsWith('https:') ?? false });
  const handle = createHttpApp({
    ...parts,
    routes,
    pages: createPages(headers),
    doorkeeper: createDoorkeeper({ ...config, authenticator: modules.accounts.authenticator, cache }),
    idempotency,
    securityHeaders: headers,
    trustProxy: config.trustProxy,
  });
  return {
    handle,
    routes,
    start() {
      worker.start();
      housekeeping.start();
    },
    async stop() {
      housekeeping.stop();
      await worker.stop();
    },
    async prepare(ctx, { demo }) {
      if (demo && (await seedDemo(ctx, { db, ...modules }))) log.info('an empty database: made the demo clinic');
      const { apiKey, admin, production } = config;
      return modules.accounts.ensureFirstAccess(ctx, { apiKey, adminEmail: admin.email, adminPassword: admin.password, production });
    },
  };
}

function metricsRoute(metrics: Metrics): Route {
  return defineRoute({
    method: 'GET',
    path: '/metrics',
    access: 'reports:read',
    summary: 'Prometheus metrics',
    handle: async () => replyFile(metrics.registry.contentType, await metrics.registry.metrics()),
  });
}

function openApiRoute(routes: readonly Route[], version: string, url: string | undefined): Route {
  let text: string | undefined;
  return defineRoute({
    method: 'GET',
    path: '/api/openapi.json',
    access: 'public',
    summary: 'This description',
    handle: () => Promise.resolve(replyFile('application/json; charset=utf-8', (text ??= JSON.stringify(openApiDocument(routes, version, url))))),
  });
}
