import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

/**
 * Helmet's headers, taken once at start instead of computed on every request, as flat name-value pairs.
 * Over plain http on a clinic's LAN nothing may be upgraded to https, so what demands TLS is only sent where TLS is.
 */
export function securityHeaders({ https }: { https: boolean }): string[] {
  const headers: string[] = [];
  const recorder = {
    setHeader: (name: string, value: unknown) => headers.push(name.toLowerCase(), String(value)),
    removeHeader: () => undefined,
  };
  const guard = helmet({
    strictTransportSecurity: https,
    contentSecurityPolicy: {
      directives: { 'frame-ancestors': ["'none'"], 'style-src': ["'self'", "'unsafe-inline'"], 'upgrade-insecure-requests': https ? [] : null },
    },
    xFrameOptions: { action: 'deny' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
  });
  guard({} as IncomingMessage, recorder as unknown as ServerResponse, (error?: unknown) => {
    if (error) throw error as Error;
  });
  return [...headers, 'cache-control', 'no-store'];
}
