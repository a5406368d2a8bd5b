/** Where a browser's request comes from, by headers a page cannot forge: the guard against forged requests that ride on a cookie. */
import { forbidden } from '#platform/errors';

export interface Provenance {
  origin?: string | undefined;
  host?: string | undefined;
  secFetchSite?: string | undefined;
}

/** `ours`: our own pages; `foreign`: another site's, a sandbox's or an opaque one's; `silent`: nothing was said, so probably no browser. */
export function provenanceOf({ origin, host, secFetchSite }: Provenance): 'ours' | 'foreign' | 'silent' {
  // Before Origin: it stays true behind a proxy that rewrites Host. Browsers leave it out on plain http.
  if (secFetchSite !== undefined) return secFetchSite === 'same-origin' || secFetchSite === 'none' ? 'ours' : 'foreign';
  if (origin === undefined) return 'silent';
  return host !== undefined && isOrigin(origin, host) ? 'ours' : 'foreign';
}

/** Compares host and port; the scheme is what the browser says, since a proxy before us may hide it. */
function isOrigin(origin: string, host: string): boolean {
  const from = /^https?:\/\/[^/?#@]+$/i.test(origin) ? URL.parse(origin) : null;
  return from !== null && URL.parse(`${from.protocol}//${host}`)?.host === from.host;
}

/** For a change that only a cookie vouches for. Throws FORBIDDEN unless it provably comes from our own pages. */
export function demandOurs(request: Provenance): void {
  if (provenanceOf(request) !== 'ours')
    throw forbidden({ message: 'A change made with the session cookie must come from the console itself (Origin or Sec-Fetch-Site).' });
}

/** For login, where no cookie vouches yet: another site must not log its visitor in. Throws FORBIDDEN. */
export function refuseForeign(request: Provenance): void {
  if (provenanceOf(request) === 'foreign') throw forbidden({ message: 'Another site may not log people in here.' });
}
