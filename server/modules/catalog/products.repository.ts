/** All SQL about products alone. */
import type { Queryable } from '#platform/db/database';
import { statementTime } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import type { Page } from '#platform/http/page';
import { fold } from '#platform/text';
import { listRows, updateStatement } from './catalog.repository.ts';
import type { CreateProduct, Product, ProductQuery, UpdateProduct } from './products.schemas.ts';

const columns = sql`
  id, name, description, price_cents, stock_quantity, species, min_weight_kg, max_weight_kg, sale,
  external_id, archived_at, version, created_at, updated_at`;

export function findProduct(db: Queryable, id: string): Promise<Product | undefined> {
  return db.first<Product>(sql`select ${columns} from products where id = ${id}`);
}

export function listProducts(db: Queryable, query: ProductQuery): Promise<Page<Product>> {
  const { in_stock } = query;
  return listRows<Product>(db, 'products', columns, query, [
    in_stock === true && sql`(stock_quantity is null or stock_quantity > 0)`,
    in_stock === false && sql`stock_quantity = 0`,
  ]);
}

/** Nothing when the external id is taken. */
export function insertProduct(tx: Queryable, id: string, input: CreateProduct): Promise<Product | undefined> {
  return tx.first<Product>(sql`
    insert into products (id, name, description, price_cents, stock_quantity, species, min_weight_kg, max_weight_kg, sale, external_id, search_name, created_at, updated_at)
    values (${id}, ${input.name}, ${input.description}, ${input.price_cents}, ${input.stock_quantity}, ${input.species}, ${input.min_weight_kg}, ${input.max_weight_kg},
      ${input.sale ?? 'free'}, ${input.external_id}, ${fold(input.name)}, ${statementTime}, ${statementTime})
    on conflict do nothing returning ${columns}`);
}

export function updateProduct(tx: Queryable, id: string, patch: UpdateProduct, ifMatch: number | undefined): Promise<Product | undefined> {
  const sets: (Sql | false)[] = [
    patch.description !== undefined && sql`description = ${patch.description}`,
    patch.price_cents !== undefined && sql`price_cents = ${patch.price_cents}`,
    patch.stock_quantity !== undefined && sql`stock_quantity = ${patch.stock_quantity}`,
    patch.species !== undefined && sql`species = ${patch.species}`,
    patch.min_weight_kg !== undefined && sql`min_weight_kg = ${patch.min_weight_kg}`,
    patch.max_weight_kg !== undefined && sql`max_weight_kg = ${patch.max_weight_kg}`,
    patch.sale !== undefined && sql`sale = ${patch.sale}`,
  ];
  return tx.first<Product>(updateStatement('products', id, patch, sets, ifMatch, columns));
}
