/** All SQL about orders and their items. */
import type { Queryable } from '#platform/db/database';
import { dbNow, inList } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import { keyset, type Page, pageOf } from '#platform/http/page';
import type { Order, OrderItem, OrderQuery } from './orders.schemas.ts';

type OrderRow = Omit<Order, 'items'>;

const columns = sql`id, number, user_id as tutor_id, status, delivery, address, notes, total_cents, external_id, version, created_at, updated_at`;

/** With its items, in two statements. */
export async function findOrder(db: Queryable, id: string): Promise<Order | undefined> {
  const row = await db.first<OrderRow>(sql`select ${columns} from orders where id = ${id}`);
  return row && (await withItems(db, [row]))[0];
}

/** With their items, in two statements however many there are. */
export async function listOrders(db: Queryable, query: OrderQuery): Promise<Page<Order>> {
  const since = query.updated_since;
  const set = since === undefined ? keyset([sql`id`], 'desc', query) : keyset([sql`updated_at`, sql`id`], 'asc', query);
  const where = sql.and([
    set.after,
    query.tutor_id !== undefined && sql`user_id = ${query.tutor_id}`,
    query.status !== undefined && sql`status = ${query.status}`,
    query.external_id !== undefined && sql`external_id = ${query.external_id}`,
    since !== undefined && sql`updated_at >= ${since}`,
  ]);
  const rows = await db.all<OrderRow>(sql`select ${columns} from orders where ${where} ${set.order}`);
  const page = pageOf(rows, query.limit, (row) => (since === undefined ? [row.id] : [row.updated_at, row.id]));
  return { ...page, rows: await withItems(db, page.rows) };
}

/** Every order of a person, oldest first. */
export async function ordersOf(db: Queryable, personId: string): Promise<Order[]> {
  return withItems(db, await db.all<OrderRow>(sql`select ${columns} from orders where user_id = ${personId} order by created_at, id`));
}

async function withItems(db: Queryable, orders: OrderRow[]): Promise<Order[]> {
  // The description was frozen when the item was added, so a later change of the catalogue rewrites no order.
  const items = await db.all<OrderItem & { order_id: string }>(sql`
    select order_id, id, product_id, appointment_id, pet_id, description as product_name, quantity, unit_price_cents, cast(unit_price_cents as bigint) * quantity as total_cents
    from order_items where order_id in ${inList(orders.map((row) => row.id))} order by order_id, id`);
  const whole = new Map<string, Order>(orders.map((row) => [row.id, { ...row, items: [] }]));
  for (const { order_id, ...item } of items) whole.get(order_id)!.items.push(item);
  return [...whole.values()];
}

/** Drafts go; what was placed stays for the books, without where it went and what was noted. */
export async function erasePersonsOrders(tx: Queryable, personId: string): Promise<void> {
  await tx.run(sql`
    delete from orders where user_id = ${personId} and status = 'draft'
      and not exists (select 1 from payments where payments.order_id = orders.id)`);
  await tx.run(sql`update order_items set pet_id = null where pet_id is not null and order_id in (select id from orders where user_id = ${personId})`);
  await tx.run(sql`
    update orders set address = null, notes = null, version = version + 1, updated_at = ${dbNow}
    where user_id = ${personId} and (address is not null or notes is not null)`);
}

export async function moveOrders(tx: Queryable, from: string, into: string): Promise<void> {
  await tx.run(sql`update orders set user_id = ${into}, version = version + 1, updated_at = ${dbNow} where user_id = ${from}`);
}
