/** Passwords at rest: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), from Node's own crypto. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { unavailable } from '#platform/errors';

/** A password somebody chooses; any characters, 10 to 256. */
export const newPassword = z.string().min(10, 'must have at least 10 characters').max(256, 'must have at most 256 characters');

export interface Passwords {
  /** A PHC string with a fresh salt. Throws UNAVAILABLE when too many wait. */
  hash(password: string): Promise<string>;
  /** Costs the same for a right and a wrong password and, with `stored` undefined, for an account that does not exist. */
  verify(password: string, stored: string | undefined): Promise<boolean>;
}

interface Cost {
  /** KiB. */
  memory: number;
  passes: number;
  parallelism: number;
}

const COST: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

export interface PasswordOptions {
  /** Hashes at once; each takes 19 MiB and a thread. */
  concurrency?: number;
  /** Hashes that may wait; beyond that a login flood is refused instead of piling up. */
  maxWaiting?: number;
}

export function createPasswords({ concurrency = 2, maxWaiting = 100 }: PasswordOptions = {}): Passwords {
  const slots = createSlots(concurrency, maxWaiting);
  return {
    hash: (password) =>
      slots(async () => {
        const salt = randomBytes(SALT_BYTES);
        const tag = await derive(password, salt, COST, TAG_BYTES);
        return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
      }),
    verify: (password, stored) =>
      slots(async () => {
        const known = stored === undefined ? undefined : parse(stored);
        const { salt, tag, cost } = known ?? { salt: Buffer.alloc(SALT_BYTES), tag: Buffer.alloc(TAG_BYTES), cost: COST };
        const equal = timingSafeEqual(await derive(password, salt, cost, tag.length), tag);
        return equal && known !== undefined;
      }),
  };
}

function parse(phc: string): { salt: Buffer; tag: Buffer; cost: Cost } | undefined {
  const match = PHC.exec(phc);
  if (!match) return undefined;
  const [, memory, passes, parallelism, salt, tag] = match;
  return {
    salt: Buffer.from(salt!, 'base64'),
    tag: Buffer.from(tag!, 'base64'),
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
  };
}

/** NFC first: the same accents typed on another keyboard are the same password. */
function derive(password: string, nonce: Buffer, cost: Cost, tagLength: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2('argon2id', { message: password.normalize('NFC'), nonce, tagLength, ...cost }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

/** Runs at most `concurrency` tasks at once, first come first served. */
function createSlots(concurrency: number, maxWaiting: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(task: () => Promise<T>): Promise<T> => {
    if (running >= concurrency) {
      if (waiting.length >= maxWaiting) throw unavailable({ message: 'Too many people are logging in at once; try again soon.', retryAfter: 2 });
      // Who frees a slot hands it on, so `running` stays.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
