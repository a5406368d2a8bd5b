/** The bytes of a stored value: `[topics: 1][refresh at: 8, double][generation: 16 per topic][JSON]`. */
import { randomBytes } from 'node:crypto';
import type { Stored } from './driver.ts';

/** Length of a generation, and of a token plus the letter that says who made it. */
export const GENERATION = 16;
const HEAD = 9;

/** Makes tokens of 15 characters, unique over all processes: 48 random bits of the process (8 characters) and a counter (7). */
export function tokenSource(): () => string {
  const mine = randomBytes(6).toString('base64url');
  let count = 0;
  return () => mine + (count++).toString(36).padStart(7, '0');
}

/** Puts the header before the body; `generations` is the topics' generations in one text. */
export function stamp({ body, refreshAt }: Stored, generations: string): Buffer {
  const head = HEAD + generations.length;
  const bytes = Buffer.allocUnsafe(head + body.length);
  bytes[0] = generations.length / GENERATION;
  bytes.writeDoubleBE(refreshAt, 1);
  bytes.write(generations, HEAD, 'latin1');
  body.copy(bytes, head);
  return bytes;
}

/** True when `value` carries exactly the generations `list[from] … list[from + count - 1]`. */
export function isCurrent(value: Buffer, list: readonly (Buffer | null)[], from: number, count: number): boolean {
  if (value[0] !== count) return false;
  let at = HEAD;
  for (let i = from; i < from + count; i++) {
    const generation = list[i];
    if (!generation || generation.length !== GENERATION) return false;
    for (let j = 0; j < GENERATION; j++) if (generation[j] !== value[at + j]) return false;
    at += GENERATION;
  }
  return true;
}

export function bodyOf(value: Buffer): Buffer {
  return value.subarray(HEAD + value[0]! * GENERATION);
}

export function refreshAtOf(value: Buffer): number {
  return value.readDoubleBE(1);
}
