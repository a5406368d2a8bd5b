/**
 * How often passwords may be guessed. Wrong guesses are rows, exact over all instances and through any loss of the cache;
 * a flood is stopped before, by a counter in the cache. Right passwords do not count, so nobody is held back for logging in often.
 *
 * Who is guessed at is not locked out: guesses from one network use up that network's share of the account, and only many
 * networks together exhaust the account; even then a network, or a browser, that already holds a session of it gets in.
 */
import type { Cache } from '#platform/cache/cache';
import type { Database } from '#platform/db/database';
import { rateLimited } from '#platform/errors';
import { digest } from '#platform/ids';
import { type Allowance, countGuess, uncountGuess } from './attempts.repository.ts';

/** All attempts a minute from one network, right ones too. */
const FLOOD_PER_MINUTE = 60;
const WRONG_PER_NETWORK = { limit: 10, windowSeconds: 60 };
const WRONG_PER_NETWORK_AND_ACCOUNT = { limit: 5, windowSeconds: 300 };
const WRONG_PER_ACCOUNT = { limit: 20, windowSeconds: 300 };
const WRONG_PER_HOLDER = { limit: 5, windowSeconds: 300 };

const allowance = (share: { limit: number; windowSeconds: number }, ...of: string[]): Allowance => ({ ...share, id: digest(of.join('\n')) });

export interface Guess {
  network: string;
  email: string;
  /** The network holds a live session of the account. */
  knownNetwork: boolean;
}

export function guessAllowances({ network, email, knownNetwork }: Guess): Allowance[] {
  const here = [allowance(WRONG_PER_NETWORK, 'network', network), allowance(WRONG_PER_NETWORK_AND_ACCOUNT, 'pair', network, email)];
  return knownNetwork ? here : [...here, allowance(WRONG_PER_ACCOUNT, 'account', email)];
}

/** For who proves by a live session to be the account's user: others' guesses are none of theirs. */
export function holderAllowances(userId: string): Allowance[] {
  return [allowance(WRONG_PER_HOLDER, 'holder', userId)];
}

export interface Attempts {
  /** Throws RATE_LIMITED when a network does nothing but log in. */
  slowFlood(network: string): Promise<void>;
  /** Reserves a guess before the password is looked at, so that guesses at once cannot slip through. Throws RATE_LIMITED. */
  reserve(allowances: readonly Allowance[]): Promise<void>;
  /** Gives the guess back when the password was never judged. */
  giveBack(allowances: readonly Allowance[]): Promise<void>;
}

export function createAttempts({ db, cache }: { db: Database; cache: Pick<Cache, 'limit'> }): Attempts {
  return {
    async slowFlood(network) {
      const verdict = await cache.limit([{ key: `login:${digest(network)}`, limit: FLOOD_PER_MINUTE }], 60);
      if (!verdict.allowed) throw rateLimited({ retryAfter: verdict.retryAfterSeconds });
    },
    async reserve(allowances) {
      await db.tx(async (tx) => {
        const wait = await countGuess(tx, allowances);
        // The throw rolls back: a refused guess uses up nobody's share.
        if (wait !== undefined) throw rateLimited({ message: 'Too many wrong passwords; wait Retry-After seconds.', retryAfter: wait });
      });
    },
    giveBack: (allowances) => db.tx((tx) => uncountGuess(tx, allowances)),
  };
}
