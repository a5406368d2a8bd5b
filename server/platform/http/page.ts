/** Keyset pages: any page costs what the first costs, and rows that appear meanwhile shift nothing. */
import { z } from 'zod';
import { instantOf, msOf } from '../clock.ts';
import { invalidField } from '../errors.ts';
import { type Sql, sql } from '../db/sql.ts';

export interface Page<T> {
  rows: T[];
  next_cursor: string | null;
}

/** The query fields every list takes. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(25).meta({ description: 'Rows a page, 1 to 100.' }),
  cursor: z.string().max(500).optional().meta({ description: 'meta.next_cursor of the page before.' }),
};

/** What lists are ordered by: instants, if any, and an id at the end. */
type Key = string[];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// The years both engines know: PostgreSQL has no year 0000.
const INSTANT = /^(?:19|20)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The cursor after a row: its ordering key, opaque to callers. */
export function encodeCursor(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** The ordering key in a cursor. Throws VALIDATION_FAILED for anything we did not make. */
function decodeCursor(cursor: string, length: number): Key {
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    key = undefined;
  }
  const sound =
    Array.isArray(key) && key.length === length && key.every((part, i) => typeof part === 'string' && (i === length - 1 ? UUID.test(part) : isInstant(part)));
  if (!sound) throw invalidField('cursor', 'is not a cursor of this list');
  return key as Key;
}

function isInstant(part: string): boolean {
  const ms = INSTANT.test(part) ? msOf(part) : Number.NaN;
  return !Number.isNaN(ms) && instantOf(ms) === part;
}

export interface Keyset {
  /** Goes into `where`; true on the first page. */
  after: Sql;
  /** `order by … limit …`: one row more than asked, which tells whether there is a next page. */
  order: Sql;
}

/**
 * A keyset over `columns`, all in one direction: timestamps, if any, and the id at the end.
 * Row values compare as one (`(a, b) < (x, y)`), which both engines serve from an index.
 */
export function keyset(columns: readonly Sql[], direction: 'asc' | 'desc', query: { limit: number; cursor?: string | undefined }): Keyset {
  const way = direction === 'asc' ? sql`asc` : sql`desc`;
  const order = sql`order by ${sql.join(columns.map((c) => sql`${c} ${way}`))} limit ${query.limit + 1}`;
  if (query.cursor === undefined) return { after: sql`1 = 1`, order };
  const key = decodeCursor(query.cursor, columns.length);
  const sign = direction === 'asc' ? sql`>` : sql`<`;
  return { after: sql`(${sql.join(columns)}) ${sign} (${sql.join(key)})`, order };
}

/** Cuts the extra row off and makes the cursor from the last one that stays. */
export function pageOf<T>(rows: T[], limit: number, keyOf: (row: T) => Key): Page<T> {
  if (rows.length <= limit) return { rows, next_cursor: null };
  const kept = rows.slice(0, limit);
  return { rows: kept, next_cursor: encodeCursor(keyOf(kept.at(-1)!)) };
}
