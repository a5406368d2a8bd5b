import type { Ctx } from '#platform/ctx';
import type { Database, Queryable } from '#platform/db/database';
import { inUse, notFound } from '#platform/errors';
import type { Page } from '#platform/http/page';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import type { CachedPage, ReadList } from './catalog.cache.ts';
import { createChanges } from './changes.ts';
import * as rows from './resources.repository.ts';
import type { CreateResource, Resource, ResourceQuery, UpdateResource } from './resources.schemas.ts';

/** The highest unit of the resource that a booking which still blocks it holds now or later; 0 when there is none. */
export type Occupied = (db: Queryable, resourceId: string) => Promise<number>;

export interface ResourcesService {
  /** A page as the database has it now, for decisions. */
  list(ctx: Ctx, query: ResourceQuery): Promise<Page<Resource>>;
  /** The same page as ready JSON, from the cache where it can be. */
  readList(query: ResourceQuery): Promise<CachedPage>;
  /** As the database has it now. Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<Resource>;
  /** Throws ALREADY_EXISTS with `details.id` for a known external id. */
  create(ctx: Ctx, input: CreateResource): Promise<Resource>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, ALREADY_EXISTS, IN_USE when bookings hold units the new capacity no longer has. */
  update(ctx: Ctx, id: string, patch: UpdateResource, ifMatch?: number): Promise<Resource>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, IN_USE. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
}

export interface ResourcesParts {
  db: Database;
  writer: Writer;
  readList: ReadList;
  occupied: Occupied;
}

export function createResourcesService({ db, writer, readList, occupied }: ResourcesParts): ResourcesService {
  const changes = createChanges<Resource>({ db, writer, table: 'resources' });
  return {
    list: (ctx, query) => rows.listResources(ctx.tx ?? db, query),
    readList: (query) => readList('resources', query, () => rows.listResources(db, query)),
    async get(ctx, id) {
      const resource = await rows.findResource(ctx.tx ?? db, id);
      if (!resource) throw notFound();
      return resource;
    },
    create(ctx, input) {
      const id = newId();
      return changes.create(ctx, id, input, (tx) => rows.insertResource(tx, id, input));
    },
    update: (ctx, id, patch, ifMatch) =>
      changes.update(ctx, id, patch, async (tx) => {
        if (patch.capacity !== undefined) await rows.lockResource(tx, id);
        const updated = await rows.updateResource(tx, id, patch, ifMatch);
        if (!updated || patch.capacity === undefined) return updated;
        const needed = await occupied(tx, id);
        if (needed > patch.capacity) throw inUse({ message: 'Bookings to come need a higher capacity.', details: { field: 'capacity', needed } });
        return updated;
      }),
    remove: (ctx, id, ifMatch) => changes.remove(ctx, id, ifMatch),
  };
}
