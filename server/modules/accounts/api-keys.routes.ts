import { z } from 'zod';
import { reply, replyEmpty, replyPage } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { apiKey, apiKeyId, apiKeyQuery, createApiKey, createdApiKey } from './api-keys.schemas.ts';
import type { ApiKeysService } from './api-keys.service.ts';

export function apiKeyRoutes(apiKeys: ApiKeysService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/api-keys',
      access: 'accounts:read',
      summary: 'List API keys, revoked ones too',
      query: apiKeyQuery,
      response: z.array(apiKey),
      paged: true,
      handle: async ({ ctx, query }) => replyPage(await apiKeys.list(ctx, query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/api-keys',
      access: 'accounts:write',
      summary: 'Create an API key with scopes the caller holds; this answer alone shows it',
      body: createApiKey,
      response: createdApiKey,
      idempotent: false,
      handle: async ({ ctx, body }) => reply(await apiKeys.create(ctx, body), { 'cache-control': 'no-store' }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/api-keys/{id}',
      access: 'accounts:read',
      summary: 'Read an API key, without its secret',
      params: apiKeyId,
      response: apiKey,
      handle: async ({ ctx, params }) => reply(await apiKeys.get(ctx, params.id)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/api-keys/{id}',
      access: 'accounts:write',
      summary: 'Revoke an API key; refused everywhere within a second',
      params: apiKeyId,
      status: 204,
      async handle({ ctx, params }) {
        await apiKeys.revoke(ctx, params.id);
        return replyEmpty();
      },
    }),
  ];
}
