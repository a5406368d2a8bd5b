import type { Cache, CachedRead } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import type { Database, Tx } from '#platform/db/database';
import { notFound, validationFailed } from '#platform/errors';
import type { Page } from '#platform/http/page';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import { CATALOG, type CachedPage, type ReadList } from './catalog.cache.ts';
import { createChanges, recordChange } from './changes.ts';
import { insertResource, usableAmong } from './resources.repository.ts';
import * as rows from './services.repository.ts';
import type { CreateService, Service, ServiceQuery, UpdateService } from './services.schemas.ts';

export interface ServicesService {
  /** A page as the database has it now, for decisions. Two statements. */
  list(ctx: Ctx, query: ServiceQuery): Promise<Page<Service>>;
  /** The same page as ready JSON, from the cache where it can be. */
  readList(query: ServiceQuery): Promise<CachedPage>;
  /** As the database has it now, with prices and the resources in use in the order they are tried. Two statements. Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<Service>;
  /** The same as ready JSON, from the cache where it can be. Throws NOT_FOUND. */
  read(id: string): Promise<{ body: Buffer; hit: boolean }>;
  /** Without `resources` it gets one of its own, for one customer at a time. Throws ALREADY_EXISTS, VALIDATION_FAILED for unknown resources. */
  create(ctx: Ctx, input: CreateService): Promise<Service>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, ALREADY_EXISTS, VALIDATION_FAILED for unknown resources. */
  update(ctx: Ctx, id: string, patch: UpdateService, ifMatch?: number): Promise<Service>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, IN_USE. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
}

export interface ServicesParts {
  db: Database;
  cache: Cache;
  writer: Writer;
  readList: ReadList;
  /** Seconds an entry stays cached. */
  listTtl: number;
}

export function createServicesService({ db, cache, writer, readList, listTtl }: ServicesParts): ServicesService {
  const entry = (id: string): CachedRead => ({ key: `catalog:service:${id}`, topics: [CATALOG], ttlSeconds: listTtl, load: () => rows.findService(db, id) });
  const prefill = (row: Service) => [{ ...entry(row.id), value: row }];
  const changes = createChanges<Service>({ db, writer, table: 'services', prefill });

  return {
    list: (ctx, query) => rows.listServices(ctx.tx ?? db, query),
    readList: (query) => readList('services', query, () => rows.listServices(db, query)),
    async get(ctx, id) {
      const service = await rows.findService(ctx.tx ?? db, id);
      if (!service) throw notFound();
      return service;
    },
    async read(id) {
      const found = await cache.read(entry(id));
      if (!found) throw notFound();
      return found;
    },
    create(ctx, input) {
      const id = newId();
      return changes.create(ctx, id, input, async (tx) => {
        if (!(await rows.insertService(tx, id, input))) return undefined;
        if (input.prices) await rows.replacePrices(tx, id, input.prices);
        if (input.resources) await serveWith(tx, id, input.resources);
        else await rows.replaceResources(tx, id, [await ownResource(tx, ctx, input.name)]);
        return rows.findService(tx, id);
      });
    },
    update: (ctx, id, patch, ifMatch) =>
      changes.update(ctx, id, patch, async (tx) => {
        if (!(await rows.updateService(tx, id, patch, ifMatch))) return undefined;
        if (patch.prices) await rows.replacePrices(tx, id, patch.prices);
        if (patch.resources) await serveWith(tx, id, patch.resources);
        return rows.findService(tx, id);
      }),
    remove: (ctx, id, ifMatch) => changes.remove(ctx, id, ifMatch),
  };
}

/** Without any resource a service could not be booked, so a new one comes with a place for one customer at a time. */
async function ownResource(tx: Tx, ctx: Ctx, name: string): Promise<string> {
  const id = newId();
  await insertResource(tx, id, { name, capacity: 1 });
  await recordChange(tx, ctx, 'resource', id, 'created', { name, capacity: 1 });
  return id;
}

async function serveWith(tx: Tx, id: string, resourceIds: readonly string[]): Promise<void> {
  const usable = await usableAmong(tx, resourceIds);
  const fields = resourceIds.flatMap((resourceId, i) => (usable.has(resourceId) ? [] : [{ field: `resources.${i}`, message: 'is not a resource in use' }]));
  if (fields.length > 0) throw validationFailed({ details: { fields } });
  await rows.replaceResources(tx, id, resourceIds);
}
