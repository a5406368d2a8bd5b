import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { notFound } from '#platform/errors';
import type { Page } from '#platform/http/page';
import * as rows from './orders.repository.ts';
import type { Order, OrderQuery } from './orders.schemas.ts';

export interface OrdersService {
  list(ctx: Ctx, query: OrderQuery): Promise<Page<Order>>;
  /** Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<Order>;
}

export function createOrdersService({ db }: { db: Database }): OrdersService {
  return {
    list: (ctx, query) => rows.listOrders(ctx.tx ?? db, query),
    async get(ctx, id) {
      const order = await rows.findOrder(ctx.tx ?? db, id);
      if (!order) throw notFound();
      return order;
    },
  };
}
