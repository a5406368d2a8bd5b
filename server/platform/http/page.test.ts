import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instantOf } from '../clock.ts';
import { render, sql } from '../db/sql.ts';
import { encodeCursor, keyset, pageOf } from './page.ts';

const id = fc.uuid({ version: 7 });
const instant = fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2100, 0) - 1 }).map(instantOf);
const refusal = expect.objectContaining({ code: 'VALIDATION_FAILED', details: { fields: [{ field: 'cursor', message: 'is not a cursor of this list' }] } });

/** The key in a cursor, as the statement gets it. */
function decodeCursor(cursor: string, length: number): string[] {
  const columns = Array.from({ length }, () => sql`x`);
  return render(keyset(columns, 'asc', { limit: 1, cursor }).after, 'sqlite').values as string[];
}

describe('cursors', () => {
  test('come back as they went, in characters a URL keeps', () => {
    fc.assert(
      fc.property(fc.array(instant, { maxLength: 2 }), id, (instants, last) => {
        const cursor = encodeCursor([...instants, last]);
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(decodeCursor(cursor, instants.length + 1)).toEqual([...instants, last]);
        expect(() => decodeCursor(cursor, instants.length + 2)).toThrow(refusal);
      }),
    );
  });

  test('anything else is refused, and nothing else is thrown', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.json().map((text) => Buffer.from(text).toString('base64url')),
          fc.array(fc.string(), { maxLength: 3 }).map(encodeCursor),
        ),
        fc.integer({ min: 1, max: 3 }),
        (cursor, length) => {
          try {
            expect(decodeCursor(cursor, length)).toHaveLength(length);
          } catch (error) {
            expect(error).toEqual(refusal);
          }
        },
      ),
      { numRuns: 500 },
    );
    for (const forged of [['0000-01-01T00:00:00.000Z'], ['2027-02-30T00:00:00.000Z'], ['2027-02-01T24:00:00.000Z'], ['2027-02-01'], ['infinity']]) {
      expect(() => decodeCursor(encodeCursor([...forged, '0190a000-0000-7000-8000-000000000001']), 2)).toThrow(refusal);
    }
  });
});

interface Item {
  id: string;
  at: string;
}

describe('pages', () => {
  test('walk every row once, in order, whatever the page size and whatever is added meanwhile', () => {
    const items = fc.uniqueArray(fc.record({ id, at: fc.integer({ min: 0, max: 5 }).map((n) => instantOf(Date.UTC(2027, 0, 1, n))) }), {
      selector: (item) => item.id,
      maxLength: 40,
    });
    fc.assert(
      fc.property(items, items, fc.integer({ min: 1, max: 7 }), fc.boolean(), (start, added, limit, descending) => {
        const keyOf = (item: Item) => [item.at, item.id];
        const before = (a: Item, b: Item) => (keyOf(a).join() < keyOf(b).join() ? -1 : 1) * (descending ? -1 : 1);
        const table = [...start];
        const later = added.filter((item) => !start.some((one) => one.id === item.id));
        const walked: Item[] = [];
        let cursor: string | null | undefined;
        do {
          // What `keyset` asks the database for.
          const key = cursor ? decodeCursor(cursor, 2) : undefined;
          const rest = table.toSorted(before).filter((item) => key === undefined || (before({ at: key[0]!, id: key[1]! }, item) < 0 && item.id !== key[1]));
          const page = pageOf(rest.slice(0, limit + 1), limit, keyOf);
          walked.push(...page.rows);
          cursor = page.next_cursor;
          table.push(...later.splice(0, 2));
        } while (cursor !== null);
        expect(walked).toEqual(walked.toSorted(before));
        expect(new Set(walked.map((item) => item.id)).size).toBe(walked.length);
        expect(start.filter((item) => !walked.includes(item))).toEqual([]);
      }),
    );
  });

  test('the statement compares the whole key at once and asks for one row more', () => {
    const columns = [sql`updated_at`, sql`id`];
    const first = keyset(columns, 'asc', { limit: 25 });
    expect(render(sql`${first.after} ${first.order}`, 'postgresql')).toMatchObject({ text: '1 = 1 order by updated_at asc, id asc limit $1', values: [26] });
    const key = ['2027-01-01T00:00:00.000Z', '0190a000-0000-7000-8000-000000000001'];
    const next = keyset(columns, 'desc', { limit: 1, cursor: encodeCursor(key) });
    expect(render(sql`${next.after} ${next.order}`, 'sqlite')).toMatchObject({
      text: '(updated_at, id) < (?, ?) order by updated_at desc, id desc limit ?',
      values: [...key, 2],
    });
  });
});
