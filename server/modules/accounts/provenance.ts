/**
 * Where a browser's request comes from, by headers a page cannot forge: the guard against forged requests that ride on a cookie,
 * beside the cookie's own SameSite=Lax.
 */
import { forbidden } from '#platform/errors';

export interface Provenance {
  origin?: string | undefined;
  host?: string | undefined;
  secFetchSite?: string | undefined;
}

/**
 * Another site's page, a sandboxed or an opaque one. Who says nothing is not: browsers name the origin of every request
 * that is neither GET nor HEAD, so it is a script with a cookie of its own.
 */
export function isForeign({ origin, host, secFetchSite }: Provenance): boolean {
  // Before Origin: it stays true behind a proxy that rewrites Host. Browsers leave it out on plain http.
  if (secFetchSite !== undefined) return secFetchSite !== 'same-origin' && secFetchSite !== 'none';
  if (origin === undefined) return false;
  return host === undefined || !isOrigin(origin, host);
}

/** Compares host and port; the scheme is what the browser says, since a proxy before us may hide it. */
function isOrigin(origin: string, host: string): boolean {
  const from = /^https?:\/\/[^/?#@]+$/i.test(origin) ? URL.parse(origin) : null;
  return from !== null && URL.parse(`${from.protocol}//${host}`)?.host === from.host;
}

/** For login, and for a change that a cookie alone vouches for. Throws FORBIDDEN. */
export function refuseForeign(request: Provenance): void {
  if (isForeign(request)) throw forbidden({ message: 'Only the console itself may do this in a browser, no other site.' });
}
