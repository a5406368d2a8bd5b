/** The route list as callers see it, from `/api/openapi.json`, with the schemas that say what may be sent. */
import type { TestApp } from '../support/app.ts';

export interface JsonSchema {
  type?: string | string[];
  $ref?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  format?: string;
  required?: string[];
}

export interface ListedRoute {
  /** `POST /api/tutors/{id}/pets` */
  name: string;
  method: string;
  path: string;
  /** Needs no credentials. */
  open: boolean;
  scope: string | undefined;
  body: JsonSchema | undefined;
  query: { name: string; schema: JsonSchema }[];
  idempotent: boolean;
  paged: boolean;
}

interface Operation {
  security?: unknown[];
  description?: string;
  parameters?: { name: string; in: string; schema: JsonSchema }[];
  requestBody?: { content: { 'application/json': { schema: JsonSchema } } };
  responses: Record<string, { content?: { 'application/json'?: { schema: JsonSchema } } }>;
}

export async function listRoutes(app: TestApp): Promise<ListedRoute[]> {
  const { body } = await app.call('GET', '/api/openapi.json', undefined, { 'x-api-key': '' });
  const follow = (schema: JsonSchema): JsonSchema =>
    schema.$ref === undefined
      ? schema
      : follow(
          schema.$ref
            .slice(2)
            .split('/')
            .reduce((at, part) => at[part], body),
        );
  const routes: ListedRoute[] = [];
  for (const [path, operations] of Object.entries(body.paths as Record<string, Record<string, Operation>>)) {
    for (const [verb, operation] of Object.entries(operations)) {
      const method = verb.toUpperCase();
      // The same call as PATCH, documented twice.
      if (method === 'PUT' && 'patch' in operations) continue;
      const parameters = operation.parameters ?? [];
      const request = operation.requestBody?.content['application/json'].schema;
      const good = Object.entries(operation.responses).find(([status]) => status.startsWith('2'))?.[1].content?.['application/json']?.schema;
      routes.push({
        name: `${method} ${path}`,
        method,
        path,
        open: operation.security?.length === 0,
        scope: /Scope `([a-z]+:[a-z]+)`/.exec(operation.description ?? '')?.[1],
        body: request && inlined(request, follow),
        query: parameters.filter((one) => one.in === 'query').map((one) => ({ name: one.name, schema: inlined(one.schema, follow) })),
        idempotent: parameters.some((one) => one.name === 'Idempotency-Key'),
        paged: 'next_cursor' in ((good && inlined(good, follow).properties?.['meta']?.properties) ?? {}),
      });
    }
  }
  return routes;
}

function inlined(given: JsonSchema, follow: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const schema = follow(given);
  const each = (list: JsonSchema[]) => list.map((one) => inlined(one, follow));
  return {
    ...schema,
    ...(schema.properties && { properties: Object.fromEntries(Object.entries(schema.properties).map(([name, one]) => [name, inlined(one, follow)])) }),
    ...(schema.items && { items: inlined(schema.items, follow) }),
    ...(schema.anyOf && { anyOf: each(schema.anyOf) }),
    ...(schema.oneOf && { oneOf: each(schema.oneOf) }),
    ...(schema.allOf && { allOf: each(schema.allOf) }),
  };
}

/** The JSON types a schema admits; undefined: it does not say. */
export function typesOf(schema: JsonSchema): Set<string> | undefined {
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts) {
    const all = parts.map(typesOf);
    return all.some((one) => one === undefined) ? undefined : new Set(all.flatMap((one) => [...one!]));
  }
  if (schema.allOf) return schema.allOf.map(typesOf).find((one) => one !== undefined);
  if (schema.const !== undefined) return new Set([typeOf(schema.const)]);
  if (schema.type !== undefined) return new Set([schema.type].flat().flatMap((one) => (one === 'number' ? ['number', 'integer'] : [one])));
  if (schema.enum) return new Set(schema.enum.map(typeOf));
  return undefined;
}

export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

export interface Field {
  /** Property names and indexes from the body's root. */
  at: (string | number)[];
  schema: JsonSchema;
}

/** Every field a body may have, nested ones and the first element of lists too. */
export function fieldsOf(schema: JsonSchema, at: Field['at'] = []): Field[] {
  const branches = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return branches.flatMap((branch) => [
    ...Object.entries(branch.properties ?? {}).flatMap(([name, one]) => [{ at: [...at, name], schema: one }, ...fieldsOf(one, [...at, name])]),
    ...(branch.items ? [{ at: [...at, 0], schema: branch.items }, ...fieldsOf(branch.items, [...at, 0])] : []),
  ]);
}

/** A copy of `body` with the field set, and what is needed around it made. */
export function withField(body: object, at: Field['at'], value: unknown): object {
  const copy = structuredClone(body) as Record<string | number, unknown>;
  let inside = copy;
  for (const [i, step] of at.slice(0, -1).entries()) {
    const next = inside[step];
    inside = (typeof next === 'object' && next !== null ? next : (inside[step] = typeof at[i + 1] === 'number' ? [] : {})) as typeof inside;
  }
  inside[at.at(-1)!] = value;
  return copy;
}
