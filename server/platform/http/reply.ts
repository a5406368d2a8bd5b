/** What a handler answers. The gateway alone turns it into bytes, so every answer wears the same envelope. */
export type Reply =
  | { kind: 'data'; data: unknown; headers?: Record<string, string> }
  | { kind: 'page'; data: readonly unknown[]; next_cursor: string | null }
  | { kind: 'bytes'; body: Buffer; hit: boolean; next_cursor?: string | null }
  | { kind: 'empty'; headers?: Record<string, string> }
  | { kind: 'file'; body: Buffer | string; type: string; headers?: Record<string, string> };

/** `data` in the envelope, with the route's status. */
export function reply(data: unknown, headers?: Record<string, string>): Reply {
  return headers ? { kind: 'data', data, headers } : { kind: 'data', data };
}

/** A page: `data` is the list, `meta.next_cursor` leads on or is null. */
export function replyPage(page: { rows: readonly unknown[]; next_cursor: string | null }): Reply {
  return { kind: 'page', data: page.rows, next_cursor: page.next_cursor };
}

/** Ready JSON bytes from a cached read, spliced into the envelope unparsed; sets `x-cache`. */
export function replyCached(read: { body: Buffer; hit: boolean }): Reply {
  return { kind: 'bytes', body: read.body, hit: read.hit };
}

/** 204. */
export function replyEmpty(headers?: Record<string, string>): Reply {
  return headers ? { kind: 'empty', headers } : { kind: 'empty' };
}

/** Anything that is not JSON: a feed, a CSV, a page. */
export function replyFile(type: string, body: Buffer | string, headers?: Record<string, string>): Reply {
  return headers ? { kind: 'file', type, body, headers } : { kind: 'file', type, body };
}
