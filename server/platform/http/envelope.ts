/** The one shape of every answer, as bytes. Cached bodies are spliced in without being parsed. */
import type { Instant } from '../clock.ts';
import type { AppError } from '../errors.ts';

const GOOD = Buffer.from('{"success":true,"data":');
const NULL = Buffer.from('null');

export interface Meta {
  timestamp: Instant;
  version: string;
  /** Present on pages only. */
  next_cursor?: string | null;
}

/** `{"success":true,"data":BODY,"meta":{…}}` around ready JSON bytes. */
export function goodBytes(body: Buffer, meta: Meta): Buffer {
  const tail = `,"meta":${JSON.stringify(meta)}}`;
  const size = GOOD.length + body.length + tail.length;
  const out = Buffer.allocUnsafe(size);
  GOOD.copy(out, 0);
  body.copy(out, GOOD.length);
  // Cursors, instants and versions are ASCII, so characters are bytes.
  out.write(tail, GOOD.length + body.length, 'latin1');
  return out;
}

/** The same around a value. */
export function goodBody(data: unknown, meta: Meta): Buffer {
  return goodBytes(data === undefined ? NULL : Buffer.from(JSON.stringify(data)), meta);
}

/** `{"error":true,"message":…,"code":…,"details":{…}}`; `details` always is an object. */
export function errorBody(error: AppError): Buffer {
  return Buffer.from(JSON.stringify({ error: true, message: error.message, code: error.code, details: error.details ?? {} }));
}
