import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation } from '#platform/db/database';
import { notFound, validationFailed } from '#platform/errors';
import type { Page } from '#platform/http/page';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import type { CachedPage, ReadList } from './catalog.cache.ts';
import { createChanges } from './changes.ts';
import * as rows from './products.repository.ts';
import { type CreateProduct, type Product, type ProductQuery, type UpdateProduct, WEIGHTS_FAULT } from './products.schemas.ts';

export interface ProductsService {
  /** A page as the database has it now, for decisions. */
  list(ctx: Ctx, query: ProductQuery): Promise<Page<Product>>;
  /** The same page as ready JSON, from the cache where it can be. */
  readList(query: ProductQuery): Promise<CachedPage>;
  /** As the database has it now. Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<Product>;
  /** Throws ALREADY_EXISTS with `details.id` for a known external id. */
  create(ctx: Ctx, input: CreateProduct): Promise<Product>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, ALREADY_EXISTS, VALIDATION_FAILED when the weights would cross. */
  update(ctx: Ctx, id: string, patch: UpdateProduct, ifMatch?: number): Promise<Product>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, IN_USE. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
}

export function createProductsService({ db, writer, readList }: { db: Database; writer: Writer; readList: ReadList }): ProductsService {
  const changes = createChanges<Product>({ db, writer, table: 'products' });
  return {
    list: (ctx, query) => rows.listProducts(ctx.tx ?? db, query),
    readList: (query) => readList('products', query, () => rows.listProducts(db, query)),
    async get(ctx, id) {
      const product = await rows.findProduct(ctx.tx ?? db, id);
      if (!product) throw notFound();
      return product;
    },
    create(ctx, input) {
      const id = newId();
      return changes.create(ctx, id, input, (tx) => rows.insertProduct(tx, id, input));
    },
    update: (ctx, id, patch, ifMatch) =>
      changes
        .update(ctx, id, patch, (tx) => rows.updateProduct(tx, id, patch, ifMatch))
        .catch((error: unknown) => {
          // One weight was changed and crosses the other one, which only the row knows.
          throw error instanceof DbViolation && error.rule === 'check' ? validationFailed({ details: { fields: [WEIGHTS_FAULT] }, cause: error }) : error;
        }),
    remove: (ctx, id, ifMatch) => changes.remove(ctx, id, ifMatch),
  };
}
