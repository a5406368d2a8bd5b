/** Cached lists of the catalogue: each query is an entry of its own, and any write to the catalogue makes all of them unfound. */
import type { Cache } from '#platform/cache/cache';
import type { Page } from '#platform/http/page';
import type { Reply } from '#platform/http/reply';
import { digest } from '#platform/ids';

/** The topic every entry about the catalogue is made of, and every write to it touches. */
export const CATALOG = 'catalog';

/** A page whose rows are ready JSON. */
export interface CachedPage {
  body: Buffer;
  hit: boolean;
  next_cursor: string | null;
}

export type ReadList = (noun: string, query: object, load: () => Promise<Page<unknown>>) => Promise<CachedPage>;

export function createListCache({ cache, listTtl }: { cache: Cache; listTtl: number }): ReadList {
  return async (noun, query, load) => {
    const key = `catalog:${noun}:${digest(JSON.stringify(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1))))}`;
    const entry = { key, topics: [CATALOG], ttlSeconds: listTtl, load: async () => stored(await load()) };
    const { body, hit } = (await cache.read(entry))!;
    return { ...cut(body), hit };
  };
}

export function replyCachedPage(page: CachedPage): Reply {
  return { kind: 'bytes', ...page };
}

const ROWS = ',"rows":';

/** The order of the two is what `cut` relies on. */
function stored({ next_cursor, rows }: Page<unknown>): object {
  return { next_cursor, rows };
}

/** `{"next_cursor":…,"rows":[…]}` → the cursor, and the rows still as bytes. A cursor is base64url, so the first `,"rows":` is ours. */
function cut(body: Buffer): { next_cursor: string | null; body: Buffer } {
  const at = body.indexOf(ROWS);
  const { next_cursor } = JSON.parse(`${body.toString('utf8', 0, at)}}`) as { next_cursor: string | null };
  return { next_cursor, body: body.subarray(at + ROWS.length, -1) };
}
