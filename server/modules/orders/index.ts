/** Orders' front door: what people bought. */
import type { Database } from '#platform/db/database';
import type { Route } from '#platform/http/route';
import { orderRoutes } from './orders.routes.ts';
import { createOrdersService, type OrdersService } from './orders.service.ts';

export { ordersPerson } from './orders.person.ts';
export type { OrdersService };

export function createOrders({ db }: { db: Database }): { orders: OrdersService; routes: Route[] } {
  const orders = createOrdersService({ db });
  return { orders, routes: orderRoutes(orders) };
}
