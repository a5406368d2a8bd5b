/**
 * A session's token is `{userId}.{secret}`. The user part is a claim, read off before any look-up so that the cached session hangs
 * on its account; the digest of the whole token is the session's id, so under another's name it is another, unknown session.
 */
import { digest, newSecret } from '#platform/ids';

/** What a token says. */
export interface SessionRef {
  /** The digest of the whole token; the row's id. */
  id: string;
  /** Whose it claims to be. */
  userId: string;
}

const TOKEN = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[\w-]{43}$/;

/** A new token with a 256-bit secret; it goes into the cookie and is kept nowhere else. */
export function newSessionToken(userId: string): string {
  return `${userId}.${newSecret()}`;
}

/** Undefined for what cannot be a token. */
export function sessionOfToken(token: string): SessionRef | undefined {
  const userId = TOKEN.exec(token)?.[1];
  return userId === undefined ? undefined : { id: digest(token), userId };
}
