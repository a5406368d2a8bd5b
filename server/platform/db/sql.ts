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
  return { [tag]: true, strings: blanks(values.length + 1), values };
};

/** The same array for the same length: rendering knows a statement again by the identity of its pieces. */
const blankStrings: string[][] = [];
function blanks(length: number): readonly string[] {
  return (blankStrings[length] ??= Array.from({ length }, () => ''));
}

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
  let known = identifiers.get(name);
  if (!known) {
    if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name)) throw new TypeError(`not an identifier: ${name}`);
    known = { [tag]: true, strings: [name], values: [] };
    identifiers.set(name, known);
  }
  return known;
}

const identifiers = new Map<string, Sql>();

function isSql(value: unknown): value is Sql {
  return typeof value === 'object' && value !== null && tag in value;
}

/** A way through the pieces of a statement: what follows a piece, and the text once there is none. */
interface Step {
  next: Map<unknown, Step>;
  rendered: { text: string; name: string } | undefined;
}

const roots: Record<Engine, Step> = { postgresql: newStep(), sqlite: newStep() };

function newStep(): Step {
  return { next: new Map(), rendered: undefined };
}

/** In a walk, the place of a bound value. */
const BOUND = Symbol('bound');

/**
 * Text, values and name of a statement on an engine. Statements are made of literal templates, so the identities of the pieces tell
 * the text: a shape is written out once and found again by walking its pieces.
 */
export function render(query: Sql, engine: Engine): Rendered {
  const values: SqlValue[] = [];
  const end = walk(query, engine, roots[engine], values);
  if (end.rendered === undefined) {
    const out: string[] = [];
    write(query, engine, out, { bound: 0 });
    const text = out.join('');
    end.rendered = { text, name: createHash('sha1').update(text).digest('base64url') };
  }
  return { text: end.rendered.text, name: end.rendered.name, values };
}

function walk(query: Sql, engine: Engine, from: Step, values: SqlValue[]): Step {
  if (query.byEngine) return walk(query.byEngine[engine], engine, from, values);
  let step = follow(from, query.strings);
  for (const value of query.values) {
    if (isSql(value)) step = walk(value, engine, step, values);
    else {
      values.push(value);
      step = follow(step, BOUND);
    }
  }
  return step;
}

function follow(step: Step, piece: unknown): Step {
  let next = step.next.get(piece);
  if (!next) {
    next = newStep();
    step.next.set(piece, next);
  }
  return next;
}

function write(query: Sql, engine: Engine, out: string[], count: { bound: number }): void {
  if (query.byEngine) return write(query.byEngine[engine], engine, out, count);
  for (const [i, text] of query.strings.entries()) {
    out.push(text);
    if (i >= query.values.length) continue;
    const value = query.values[i];
    if (isSql(value)) write(value, engine, out, count);
    else {
      count.bound++;
      out.push(engine === 'postgresql' ? `$${count.bound}` : '?');
    }
  }
}
