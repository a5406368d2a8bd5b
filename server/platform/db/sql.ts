/**
 * Hand-written SQL with bound parameters: sql`select * from pets where id = ${id}`.
 * The text renders as `$1` with a stable statement name for PostgreSQL and as `?` for SQLite; fragments nest.
 */
import { createHash } from 'node:crypto';

export type Engine = 'postgresql' | 'sqlite';

/** A bound value. `undefined` binds null; an object or array binds its JSON text. */
export type SqlValue = string | number | bigint | boolean | null | undefined | Uint8Array | object;

/** A piece of SQL. Made by `sql` only, so text never comes from input. */
export interface Sql {
  readonly [tag]: true;
  readonly strings: readonly string[];
  readonly values: readonly (SqlValue | Sql)[];
  /** A piece whose text differs by engine; only dialects make these. */
  readonly byEngine?: Readonly<Record<Engine, Sql>>;
}

export interface Rendered {
  readonly text: string;
  readonly values: readonly SqlValue[];
  /** Stable name of the prepared statement, the same for the same text. */
  readonly name: string;
}

const tag = Symbol('sql');

export function sql(strings: TemplateStringsArray, ...values: (SqlValue | Sql)[]): Sql {
  return { [tag]: true, strings, values };
}

/** Nothing: the other arm of a conditional fragment. */
sql.empty = { [tag]: true, strings: [''], values: [] } as Sql;

/** Joins fragments: `sql.join([sql`a = ${1}`, sql`b = ${2}`], sql` and `)`. Empty list → nothing. */
sql.join = (pieces: readonly (Sql | SqlValue)[], separator: Sql = sql`, `): Sql => {
  if (pieces.length === 0) return sql.empty;
  const values: (Sql | SqlValue)[] = [];
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) values.push(separator);
    values.push(piece);
  }
  return { [tag]: true, strings: ['', ...Array.from({ length: values.length }, () => '')], values };
};

/** A conjunction of the conditions that are present; `true` when there are none. */
sql.and = (conditions: readonly (Sql | undefined | false)[]): Sql => {
  const present = conditions.filter((c): c is Sql => Boolean(c));
  return present.length === 0 ? sql`1 = 1` : sql.join(present, sql` and `);
};

/** A difference between the engines, for `dialect.ts` alone. */
export function byEngine(pieces: Record<Engine, Sql>): Sql {
  return { [tag]: true, strings: [''], values: [], byEngine: pieces };
}

/** A name from our own declarations (never from input): lower snake case or it throws. */
export function identifier(name: string): Sql {
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name)) throw new TypeError(`not an identifier: ${name}`);
  return { [tag]: true, strings: [name], values: [] };
}

function isSql(value: unknown): value is Sql {
  return typeof value === 'object' && value !== null && tag in value;
}

const plain: Record<Engine, WeakMap<readonly string[], { text: string; name: string }>> = { postgresql: new WeakMap(), sqlite: new WeakMap() };

/** Text, values and name of a statement on an engine. Templates without nested fragments are rendered once. */
export function render(query: Sql, engine: Engine): Rendered {
  const known = plain[engine].get(query.strings);
  if (known) return { ...known, values: query.values as SqlValue[] };
  const values: SqlValue[] = [];
  const out: string[] = [];
  write(query, engine, out, values);
  const text = out.join('');
  const name = statementName(text);
  if (!query.byEngine && !query.values.some(isSql)) plain[engine].set(query.strings, { text, name });
  return { text, values, name };
}

function write(query: Sql, engine: Engine, out: string[], values: SqlValue[]): void {
  if (query.byEngine) return write(query.byEngine[engine], engine, out, values);
  for (const [i, text] of query.strings.entries()) {
    out.push(text);
    if (i >= query.values.length) continue;
    const value = query.values[i];
    if (isSql(value)) write(value, engine, out, values);
    else {
      values.push(value);
      out.push(engine === 'postgresql' ? `$${values.length}` : '?');
    }
  }
}

const names = new Map<string, string>();

function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = createHash('sha1').update(text).digest('base64url');
    // Texts are ours and few; the cap only guards against a future statement built per call.
    if (names.size > 5_000) names.clear();
    names.set(text, name);
  }
  return name;
}
