/** Who calls: the gateway's question. Keys are answered from memory when they were seen less than a second ago, sessions from the cache. */
import { hash } from 'node:crypto';
import type { Actor } from '#platform/ctx';
import { sessionOf } from './cookie.ts';
import { type Provenance, refuseForeign } from './provenance.ts';
import type { Recall } from './recall.ts';
import type { LiveSessions } from './sessions.cache.ts';

export interface Credentials extends Provenance {
  /** From `x-api-key` or `Authorization: Bearer`. When there is one, it alone decides. */
  apiKey?: string | undefined;
  /** The whole `Cookie` header. */
  cookie?: string | undefined;
  method: string;
  /** True over TLS: then a session cookie that could come from elsewhere does not count. */
  secure: boolean;
}

export interface Authenticator {
  /** Undefined without valid credentials. Throws FORBIDDEN for a change that another site's page asks for with a cookie, UNAVAILABLE when nobody can be looked up. */
  authenticate(credentials: Credentials): Promise<Actor | undefined>;
  /** The same for a key seen less than a second ago, at the cost of one SHA-256 and one look-up. */
  known(apiKey: string): Actor | undefined;
}

const MAX_KEY_LENGTH = 256;
const WELL_FORMED = /^[\x21-\x7e]{16,256}$/;
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Keys and sessions are looked up by the digest of the secret, so how long a comparison takes says nothing about the secret. */
export function createAuthenticator({ keys, sessions }: { keys: Recall<Actor>; sessions: LiveSessions }): Authenticator {
  return {
    known: (apiKey) => (apiKey.length > MAX_KEY_LENGTH ? undefined : keys.peek(hash('sha256', apiKey))),
    async authenticate({ apiKey, cookie, method, secure, ...provenance }) {
      if (apiKey) return WELL_FORMED.test(apiKey) ? keys.get(hash('sha256', apiKey)) : undefined;
      const session = sessionOf(cookie, secure);
      const actor = session && (await sessions.find(session));
      if (actor && !READS.has(method)) refuseForeign(provenance);
      return actor;
    },
  };
}
