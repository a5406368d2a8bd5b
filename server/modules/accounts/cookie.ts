/** The console's session cookie. Its value is the token; the database knows only the token's digest. */

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
 * The token in a `Cookie` header. Over TLS only the `__Host-` cookie counts: the plain one may have been planted by a
 * neighbouring host or over http. With `secure` unknown either does, the `__Host-` one first.
 */
export function tokenOf(header: string | undefined, secure?: boolean): string | undefined {
  if (header === undefined || header.length > 8192) return undefined;
  return valueOf(header, SECURE) ?? (secure === true ? undefined : valueOf(header, PLAIN));
}

function valueOf(header: string, name: string): string | undefined {
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    if (at === -1 || part.slice(0, at).trim() !== name) continue;
    const value = part.slice(at + 1).trim();
    if (/^[\w-]{43}$/.test(value)) return value;
  }
  return undefined;
}
