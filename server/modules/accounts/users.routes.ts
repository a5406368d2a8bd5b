import { z } from 'zod';
import { reply, replyEmpty, replyPage } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { createUser, updateUser, user, userId, userQuery } from './users.schemas.ts';
import type { UsersService } from './users.service.ts';

export function userRoutes(users: UsersService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/users',
      access: 'accounts:read',
      summary: 'List console users',
      query: userQuery,
      response: z.array(user),
      paged: true,
      handle: async ({ ctx, query }) => replyPage(await users.list(ctx, query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/users',
      access: 'accounts:write',
      summary: 'Create a console user; nobody creates one who may do more than they',
      body: createUser,
      response: user,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, body }) => reply(await users.create(ctx, body)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/users/{id}',
      access: 'accounts:read',
      summary: 'Read a console user',
      params: userId,
      response: user,
      handle: async ({ ctx, params }) => reply(await users.get(ctx, params.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/users/{id}',
      access: 'accounts:write',
      summary: 'Change a console user; a new password or disabling ends their sessions; the last owner stays one',
      params: userId,
      body: updateUser,
      response: user,
      errors: ['ALREADY_EXISTS', 'CONFLICT', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await users.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/users/{id}',
      access: 'accounts:write',
      summary: 'Remove a console user; the last owner stays',
      params: userId,
      status: 204,
      errors: ['CONFLICT', 'IN_USE', 'VERSION_MISMATCH'],
      async handle({ ctx, params, ifMatch }) {
        await users.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}
