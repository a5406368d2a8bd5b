/** `/api/openapi.json`, made from the very schemas that validate. */
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import type { Route } from '#platform/http/route';

const meta = z.object({ timestamp: z.iso.datetime(), version: z.string() });
const pageMeta = meta.extend({ next_cursor: z.string().nullable() });
const failure = z.object({ error: z.literal(true), message: z.string(), code: z.string(), details: z.record(z.string(), z.unknown()) }).meta({ id: 'Error' });

export function openApiDocument(routes: readonly Route[], version: string, url: string | undefined): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    const path = (paths[route.path] ??= {});
    const name = route.method.toLowerCase() as 'get';
    path[name] = operation(route, name);
    // `PUT` is accepted alike; it is described so that nobody has to guess.
    if (route.method === 'PATCH') path.put = operation(route, 'put');
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Caramelo',
      version,
      description:
        'Every good answer is `{"success":true,"data":…,"meta":…}`, every bad one `{"error":true,"message":…,"code":…,"details":…}`. Times are UTC with offset, money is integer cents (BRL), phones are E.164.',
      license: { name: 'GPL-3.0-or-later', identifier: 'GPL-3.0-or-later' },
    },
    ...(url === undefined ? {} : { servers: [{ url }] }),
    security: [{ apiKey: [] }, { bearer: [] }, { session: [] }],
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-caramelo', description: 'Over plain http the cookie is called `caramelo`.' },
      },
    },
    paths,
  });
}

function operation(route: Route, method: string): ZodOpenApiOperationObject {
  const headers = z.object({
    ...(route.idempotent && route.method === 'POST'
      ? { 'Idempotency-Key': z.string().max(255).optional().meta({ description: 'The same key and body answer the same for 24 hours.' }) }
      : {}),
    ...(route.method === 'PATCH' || route.method === 'DELETE'
      ? { 'If-Match': z.string().optional().meta({ description: 'The version you saw; another one answers 412.' }) }
      : {}),
  });
  return {
    operationId: operationId(method, route.path),
    summary: route.summary,
    tags: [/^\/(?:api\/)?([^/{]+)/.exec(route.path)?.[1] ?? 'other'],
    ...(route.access === 'public' ? { security: [] } : {}),
    ...(route.access === 'public' || route.access === 'authenticated' ? {} : { description: `Scope \`${route.access}\`.` }),
    requestParams: {
      ...(route.params ? { path: route.params } : {}),
      ...(route.query ? { query: route.query } : {}),
      ...(Object.keys(headers.shape).length > 0 ? { header: headers } : {}),
    },
    ...(route.body ? { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } } : {}),
    responses: { ...good(route), ...bad(route) },
  };
}

/** `GET /api/tutors/{id}/pets` → `get_tutors_id_pets`. */
function operationId(method: string, path: string): string {
  return `${method} ${path}`
    .replace(/\/api\//, '/')
    .replace(/[^a-z0-9]+/gi, '_')
    .replace(/^_|_$/g, '');
}

function good(route: Route): ZodOpenApiOperationObject['responses'] {
  if (route.status === 204) return { '204': { description: 'Done.' } };
  if (!route.response) return { [String(route.status)]: { description: 'Not JSON.' } };
  const schema = z.object({ success: z.literal(true), data: route.response, meta: route.paged ? pageMeta : meta });
  return { [`${route.status}`]: { description: 'Good.', content: { 'application/json': { schema } } } } as ZodOpenApiOperationObject['responses'];
}

function bad(route: Route): ZodOpenApiOperationObject['responses'] {
  const codes = [
    ...(route.access === 'public' ? [] : ['UNAUTHENTICATED', 'FORBIDDEN']),
    ...(route.params ? ['NOT_FOUND'] : []),
    ...(route.body ? ['INVALID_JSON', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] : []),
    ...(route.body || route.query ? ['VALIDATION_FAILED'] : []),
    ...route.errors,
    'RATE_LIMITED',
    'UNAVAILABLE',
  ];
  return { default: { description: `One of ${[...new Set(codes)].join(', ')}.`, content: { 'application/json': { schema: failure } } } };
}
