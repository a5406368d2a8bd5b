import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { systemClock } from './clock.ts';

const pool = Buffer.allocUnsafe(4096);
let used = pool.length;
let lastMs = 0;
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562): sorts by creation within this process, also inside one millisecond,
 * so that a primary key can be a list's cursor. Made here because PostgreSQL has `uuidv7()` only from 18 on.
 */
export function newId(): string {
  if (used + 10 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const ms = systemClock.ms();
  if (ms > lastMs) {
    lastMs = ms;
    sequence = pool.readUInt16BE(used) & 0x7ff;
  } else if (++sequence > 0xfff) {
    lastMs++;
    sequence = 0;
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const tail = pool.toString('hex', used + 2, used + 10);
  used += 10;
  const variant = ((Number.parseInt(tail[0]!, 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}-${variant}${tail.slice(1, 4)}-${tail.slice(4)}`;
}

/** 256 random bits as base64url: session tokens, API keys, feed tokens. Unguessable, never stored in clear. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 as hex: how secrets and idempotency keys are stored and looked up. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
