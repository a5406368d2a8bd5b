/** `docs/api.md`: one section a call, from the document that `/api/openapi.json` answers. */
import { openApiDocument } from '../../server/app/openapi.ts';
import { VERSION } from '../../server/app/build.ts';
import type { Route } from '../../server/platform/http/route.ts';
import type { CatalogueError } from './errors.ts';
import { fieldRows, type JsonSchema, outline } from './json-schema.ts';
import { code, NOTICE, page, table } from './markdown.ts';

interface Operation {
  parameters?: { in: 'path' | 'query' | 'header'; name: string; required?: boolean; description?: string; schema: JsonSchema }[];
  requestBody?: { content: { 'application/json': { schema: JsonSchema } } };
  responses: Record<string, { description: string; content?: { 'application/json': { schema: JsonSchema } } }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
}

export function apiPage(routes: readonly Route[], errors: readonly CatalogueError[]): string {
  const { paths } = openApiDocument(routes, VERSION, undefined) as Document;
  const byResource = new Map<string, Route[]>();
  for (const route of routes) {
    const resource = /^\/(?:api\/)?[^/{]+/.exec(route.path)?.[0] ?? route.path;
    byResource.set(resource, [...(byResource.get(resource) ?? []), route]);
  }
  const sections = [...byResource]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([resource, members]) => [`## ${resource}`, ...members.flatMap((route) => section(route, paths[route.path]![route.method.toLowerCase()]!))]);
  return page('# API', NOTICE, ...introduction(), overview(byResource), ...catalogue(errors), ...sections);
}

function introduction(): string[] {
  return [
    'Every call there is, with what it takes and gives. The server itself answers the same as `/api/openapi.json`, and as a page to try things on at `/api/docs`. What callers may rely on over time is in [contract.md](contract.md).',
    'JSON in and out. A good answer is `{"success":true,"data":…,"meta":{"timestamp":…,"version":…}}`; a page of a list adds `meta.next_cursor`. ' +
      'A bad one is `{"error":true,"message":…,"code":…,"details":{…}}`. Unknown fields are refused. `*` marks what must be given. ' +
      '`PUT` is accepted wherever `PATCH` is. `If-Match` with the row’s `version` is honoured by `PATCH` and `DELETE` of rows that carry one. ' +
      '`Idempotency-Key` is honoured by every `POST` but those marked.',
    'Any call may answer `UNAUTHENTICATED`, `FORBIDDEN`, `RATE_LIMITED`, `INTERNAL_ERROR` or `UNAVAILABLE`, and one with a body `INVALID_JSON`, `INVALID_REQUEST`, `PAYLOAD_TOO_LARGE` or `UNSUPPORTED_MEDIA_TYPE`; the sections name the others.',
  ];
}

function overview(byResource: ReadonlyMap<string, readonly Route[]>): string {
  const rows = [...byResource]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, routes]) => routes.map((route) => [code(`${route.method} ${route.path}`), access(route), route.summary]));
  return page('## All calls', table(['call', 'who', 'what'], rows)).trimEnd();
}

function catalogue(errors: readonly CatalogueError[]): string[] {
  return [
    '## Errors',
    table(
      ['status', 'code', 'message'],
      errors.filter((error) => !error.printed).map((error) => [String(error.status), code(error.code), error.message]),
    ),
  ];
}

function access({ access: who }: Route): string {
  if (who === 'public') return 'anybody';
  return who === 'authenticated' ? 'any credentials' : code(who);
}

function section(route: Route, operation: Operation): string[] {
  const parameters = operation.parameters ?? [];
  const body = operation.requestBody?.content['application/json'].schema;
  const rows = [
    ...parameters.filter((one) => one.in === 'query').flatMap((one) => fieldRows('query', one.name, one.schema, one.required ?? false)),
    ...(body ? fieldRows('body', '', body, true) : []),
  ];
  const notes = [access(route), ...(route.method === 'POST' && !route.idempotent ? ['`Idempotency-Key` is ignored'] : [])];
  return [
    `### ${route.method} ${route.path}`,
    `${route.summary}. Who: ${notes.join('; ')}.`,
    rows.length > 0 ? table(['in', 'field', 'type', 'meaning'], rows) : '',
    answers(route, operation),
  ];
}

function answers(route: Route, operation: Operation): string {
  const codes = /^One of (.*)\.$/.exec(operation.responses['default']?.description ?? '')?.[1]?.split(', ') ?? [];
  // What any call may answer is said once, above.
  const own = codes.filter((one) => route.errors.includes(one) || one === 'NOT_FOUND' || one === 'VALIDATION_FAILED');
  const data = operation.responses[String(route.status)]?.content?.['application/json'].schema.properties?.['data'];
  const good = data ? `${code(outline(data))}${route.paged ? ', a page' : ''}` : route.status === 204 ? 'nothing' : 'not JSON';
  return `Answers ${route.status}: ${good}.${own.length > 0 ? ` Refuses with ${own.map(code).join(', ')}.` : ''}`;
}
