/** JSON Schema in a person's words: a type in a table cell, an answer in one line. */
import { code } from './markdown.ts';

export interface JsonSchema {
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
}

/** How deep fields of fields get rows of their own. */
const DEPTH = 3;

/** One row for a field and one for each of its fields; a name of '' is the body itself. */
export function fieldRows(where: string, name: string, schema: JsonSchema, required: boolean, depth = 0): string[][] {
  const { inner, list } = unwrapped(schema);
  const properties = inner.properties;
  const own = name === '' ? [] : [[where, code(name) + (required ? '*' : ''), typeWords(schema), meaning(schema)]];
  if (!properties || depth >= DEPTH) return own;
  const prefix = name === '' ? '' : `${name}${list ? '[]' : ''}.`;
  const below = Object.entries(properties);
  // Seven weekdays of the same shape say no more than one.
  const shown =
    below.length > 2 && new Set(below.map(([, one]) => JSON.stringify(one))).size === 1
      ? [[below.map(([key]) => key).join('|'), below[0]![1]] as const]
      : below;
  return [...own, ...shown.flatMap(([key, one]) => fieldRows(where, prefix + key, one, inner.required?.includes(key) ?? false, depth + 1))];
}

function meaning(schema: JsonSchema): string {
  const words = schema.description ?? branches(schema)?.find((one) => one.description)?.description ?? '';
  return schema.default === undefined ? words : `${words}${words ? ' ' : ''}Default ${code(JSON.stringify(schema.default))}.`;
}

function branches(schema: JsonSchema): JsonSchema[] | undefined {
  return schema.anyOf ?? schema.oneOf;
}

/** Without null and, for a list, its members. */
function unwrapped(schema: JsonSchema): { inner: JsonSchema; list: boolean } {
  const present = branches(schema)?.filter((one) => one.type !== 'null');
  const one = present?.find((branch) => branch.properties) ?? present?.[0] ?? schema;
  return one.items ? { inner: unwrapped(one.items).inner, list: true } : { inner: one, list: false };
}

function typeWords(schema: JsonSchema): string {
  const several = branches(schema);
  if (several) {
    const present = several.filter((one) => one.type !== 'null');
    return [...present.map(typeWords), ...(present.length < several.length ? ['null'] : [])].join(' or ');
  }
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  const types = [schema.type ?? 'anything'].flat();
  const nullable = types.includes('null') ? ' or null' : '';
  const type = types.find((one) => one !== 'null')!;
  if (type === 'array') return `list${schema.items ? ` of ${schema.items.properties ? 'objects' : typeWords(schema.items)}` : ''}${nullable}`;
  return `${schema.format ?? type}${bounds(schema)}${nullable}`;
}

function bounds({ minimum, maximum, exclusiveMinimum, minLength, maxLength, format }: JsonSchema): string {
  if (format !== undefined) return '';
  if (maxLength !== undefined) return minLength === undefined ? `, up to ${maxLength}` : `, ${minLength} to ${maxLength}`;
  if (minLength !== undefined) return `, ${minLength} or more`;
  const least = exclusiveMinimum === undefined ? minimum : undefined;
  const from = least !== undefined && least > -1e15 ? `${least}` : exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`;
  const to = maximum !== undefined && maximum < 1e15 ? ` to ${maximum}` : '';
  return from || to ? `, ${from}${to}` : '';
}

/** `{id, name, resources: [{id, name}]}`: names only, which is what one looks for. */
export function outline(schema: JsonSchema): string {
  const several = branches(schema);
  if (several) {
    const present = [...new Set(several.filter((one) => one.type !== 'null').map(outline))];
    return present.join(' | ');
  }
  if (schema.items) {
    const inner = outline(schema.items);
    return `[${inner.startsWith('{') ? inner : ''}]`;
  }
  if (!schema.properties) return schema.type === 'object' ? '{…}' : '';
  const fields = Object.entries(schema.properties).map(([name, one]) => {
    const inner = outline(one);
    return inner === '' ? name : `${name}: ${inner}`;
  });
  return `{${[...fields, ...(schema.additionalProperties ? ['…'] : [])].join(', ')}}`;
}
