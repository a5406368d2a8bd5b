import { z } from 'zod';
import { reply, replyEmpty } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { replyCachedPage } from './catalog.cache.ts';
import { catalogId } from './catalog.schemas.ts';
import { createResource, resource, resourceQuery, updateResource } from './resources.schemas.ts';
import type { ResourcesService } from './resources.service.ts';

export function resourceRoutes(resources: ResourcesService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/resources',
      access: 'catalog:read',
      summary: 'List what services occupy: people, tubs, rooms (cached)',
      query: resourceQuery,
      response: z.array(resource),
      paged: true,
      handle: async ({ query }) => replyCachedPage(await resources.readList(query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/resources',
      access: 'catalog:write',
      summary: 'Create a resource',
      body: createResource,
      response: resource,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, body }) => reply(await resources.create(ctx, body)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/resources/{id}',
      access: 'catalog:read',
      summary: 'Read a resource',
      params: catalogId,
      response: resource,
      handle: async ({ ctx, params }) => reply(await resources.get(ctx, params.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/resources/{id}',
      access: 'catalog:write',
      summary: 'Change a resource, or archive it',
      params: catalogId,
      body: updateResource,
      response: resource,
      errors: ['ALREADY_EXISTS', 'IN_USE', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await resources.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/resources/{id}',
      access: 'catalog:write',
      summary: 'Remove a resource nothing depends on',
      params: catalogId,
      status: 204,
      errors: ['IN_USE', 'VERSION_MISMATCH'],
      async handle({ ctx, params, ifMatch }) {
        await resources.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}
