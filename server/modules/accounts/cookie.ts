/** The console's session cookie. Its value is the token; whoever asks further in gets its digest only. */
import { type SessionRef, sessionOfToken } from './session-token.ts';

const SECURE = '__Host-caramelo';
/** For plain http in the clinic's own network, where browsers refuse the secure one. */
const PLAIN = 'caramelo';
const MAX_AGE_SECONDS = 30 * 24 * 3600;

/** `Set-Cookie` for a new session. */
export function sessionCookie(token: string, secure: boolean): string {
  return cookie(token, secure, MAX_AGE_SECONDS);
}

/** `Set-Cookie` that makes the browser forget it. */
export function clearedCookie(secure: boolean): string {
  return cookie('', secure, 0);
}

function cookie(value: string, secure: boolean, maxAge: number): string {
  const name = secure ? `${SECURE}=${value}; Secure` : `${PLAIN}=${value}`;
  return `${name}; HttpOnly; SameSite=Lax; Path=/; Max-Age=${maxAge}`;
}

/**
 * The session a `Cookie` header names. Over TLS only the `__Host-` cookie counts: the plain one may have been planted by a
 * neighbouring host or over http. Without TLS either does, the `__Host-` one first.
 */
export function sessionOf(header: string | undefined, secure: boolean): SessionRef | undefined {
  if (header === undefined || header.length > 8192) return undefined;
  return named(header, SECURE) ?? (secure ? undefined : named(header, PLAIN));
}

function named(header: string, name: string): SessionRef | undefined {
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    if (at === -1 || part.slice(0, at).trim() !== name) continue;
    const session = sessionOfToken(part.slice(at + 1).trim());
    if (session) return session;
  }
  return undefined;
}
