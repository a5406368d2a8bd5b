/** Who calls: the gateway's question, answered from memory when it was answered less than a second ago. */
import { hash } from 'node:crypto';
import type { Actor } from '#platform/ctx';
import { tokenOf } from './cookie.ts';
import { demandOurs, type Provenance } from './provenance.ts';
import type { Recall } from './recall.ts';

export interface Credentials extends Provenance {
  /** From `x-api-key` or `Authorization: Bearer`. When there is one, it alone decides. */
  apiKey?: string | undefined;
  /** The whole `Cookie` header. */
  cookie?: string | undefined;
  method: string;
  /** True over TLS: then a session cookie that could come from elsewhere does not count. */
  secure?: boolean | undefined;
}

export interface Authenticator {
  /** Undefined without valid credentials. Throws FORBIDDEN for a change that rides on a cookie from elsewhere, UNAVAILABLE without a database. */
  authenticate(credentials: Credentials): Promise<Actor | undefined>;
  /** The same for a key seen less than a second ago, at the cost of one SHA-256 and one look-up. */
  known(apiKey: string): Actor | undefined;
}

const MAX_KEY_LENGTH = 256;
const WELL_FORMED = /^[\x21-\x7e]{16,256}$/;
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Keys and sessions are looked up by the digest of the secret, so how long a comparison takes says nothing about the secret. */
export function createAuthenticator({ keys, sessions }: { keys: Recall<Actor>; sessions: Recall<Actor> }): Authenticator {
  return {
    known: (apiKey) => (apiKey.length > MAX_KEY_LENGTH ? undefined : keys.peek(hash('sha256', apiKey))),
    async authenticate({ apiKey, cookie, method, secure, ...provenance }) {
      if (apiKey) return WELL_FORMED.test(apiKey) ? keys.get(hash('sha256', apiKey)) : undefined;
      const token = tokenOf(cookie, secure);
      if (token === undefined) return undefined;
      const actor = await sessions.get(hash('sha256', token));
      if (actor && !READS.has(method)) demandOurs(provenance);
      return actor;
    },
  };
}
