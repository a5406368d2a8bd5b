import { z } from 'zod';
import { reply, replyCached, replyEmpty } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { replyCachedPage } from './catalog.cache.ts';
import { catalogId } from './catalog.schemas.ts';
import { createService, service, serviceQuery, updateService } from './services.schemas.ts';
import type { ServicesService } from './services.service.ts';

export function serviceRoutes(services: ServicesService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/services',
      access: 'catalog:read',
      summary: 'List services with their prices and resources (cached)',
      query: serviceQuery,
      response: z.array(service),
      paged: true,
      handle: async ({ query }) => replyCachedPage(await services.readList(query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/services',
      access: 'catalog:write',
      summary: 'Create a service; without resources it gets one of its own',
      body: createService,
      response: service,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, body }) => reply(await services.create(ctx, body)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/services/{id}',
      access: 'catalog:read',
      summary: 'Read a service (cached)',
      params: catalogId,
      response: service,
      handle: async ({ params }) => replyCached(await services.read(params.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/services/{id}',
      access: 'catalog:write',
      summary: 'Change a service, or archive it',
      params: catalogId,
      body: updateService,
      response: service,
      errors: ['ALREADY_EXISTS', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await services.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/services/{id}',
      access: 'catalog:write',
      summary: 'Remove a service nothing depends on',
      params: catalogId,
      status: 204,
      errors: ['IN_USE', 'VERSION_MISMATCH'],
      async handle({ ctx, params, ifMatch }) {
        await services.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}
