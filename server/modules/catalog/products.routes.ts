import { z } from 'zod';
import { reply, replyEmpty } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { replyCachedPage } from './catalog.cache.ts';
import { catalogId } from './catalog.schemas.ts';
import { createProduct, product, productQuery, updateProduct } from './products.schemas.ts';
import type { ProductsService } from './products.service.ts';

export function productRoutes(products: ProductsService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/products',
      access: 'catalog:read',
      summary: 'List and search products (cached)',
      query: productQuery,
      response: z.array(product),
      paged: true,
      handle: async ({ query }) => replyCachedPage(await products.readList(query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/products',
      access: 'catalog:write',
      summary: 'Create a product',
      body: createProduct,
      response: product,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, body }) => reply(await products.create(ctx, body)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/products/{id}',
      access: 'catalog:read',
      summary: 'Read a product',
      params: catalogId,
      response: product,
      handle: async ({ ctx, params }) => reply(await products.get(ctx, params.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/products/{id}',
      access: 'catalog:write',
      summary: 'Change a product, or archive it',
      params: catalogId,
      body: updateProduct,
      response: product,
      errors: ['ALREADY_EXISTS', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await products.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/products/{id}',
      access: 'catalog:write',
      summary: 'Remove a product nothing depends on',
      params: catalogId,
      status: 204,
      errors: ['IN_USE', 'VERSION_MISMATCH'],
      async handle({ ctx, params, ifMatch }) {
        await products.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}
