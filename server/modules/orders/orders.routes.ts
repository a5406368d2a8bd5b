import { z } from 'zod';
import { reply, replyPage } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { order, orderId, orderQuery } from './orders.schemas.ts';
import type { OrdersService } from './orders.service.ts';

export function orderRoutes(orders: OrdersService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/orders',
      access: 'orders:read',
      summary: 'List orders with their items',
      query: orderQuery,
      response: z.array(order),
      paged: true,
      handle: async ({ ctx, query }) => replyPage(await orders.list(ctx, query)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/orders/{id}',
      access: 'orders:read',
      summary: 'Read an order with its items',
      params: orderId,
      response: order,
      handle: async ({ ctx, params }) => reply(await orders.get(ctx, params.id)),
    }),
  ];
}
