// Interim stand-in until the real module lands: `scopes=a:read,b:write` as key, anything else holds all scopes.
import type { Actor } from '#platform/ctx';
import type { Route } from '#platform/http/route';
export interface Authenticator {
  known(apiKey: string): Actor | undefined;
  authenticate(sent: { apiKey?: string | undefined; cookie?: string | undefined; method: string; origin?: string | undefined; host?: string | undefined; secFetchSite?: string | undefined }): Promise<Actor | undefined>;
}
export function createAccounts(_parts: object) {
  const known = (key: string): Actor => ({ kind: 'api_key', id: 'interim', scopes: new Set(key.startsWith('scopes=') ? key.slice(7).split(',') : ['*']) });
  const authenticator: Authenticator = { known, authenticate: (s) => Promise.resolve(s.apiKey ? known(s.apiKey) : undefined) };
  return { authenticator, routes: [] as Route[], ensureFirstAccess: (_ctx: unknown, _o: object): Promise<{ email?: string }> => Promise.resolve({}) };
}
