import { describe, expect, test } from 'vitest';
import type { Actor } from '#platform/ctx';
import { holds, ROLES, scope, SCOPES, scopesOfRole } from './scopes.ts';

describe('scopes', () => {
  test('are twelve resources, each to read and to write', () => {
    expect(SCOPES).toHaveLength(24);
    expect(new Set(SCOPES).size).toBe(24);
    expect(scope.safeParse('customers:read').success).toBe(true);
    for (const wrong of ['customers', 'customers:delete', '*', 'CUSTOMERS:READ', 'numbers:read', '']) expect(scope.safeParse(wrong).success).toBe(false);
  });

  test('an owner may do all; no other role touches accounts, settings, the number or the catalogue', () => {
    expect([...scopesOfRole('owner')]).toEqual(SCOPES);
    for (const role of ROLES.filter((one) => one !== 'owner')) {
      for (const resource of ['accounts', 'settings', 'whatsapp', 'catalog', 'campaigns', 'ai'])
        expect(scopesOfRole(role).has(`${resource}:write` as never)).toBe(false);
      expect(scopesOfRole(role).has('accounts:read')).toBe(false);
    }
    expect([...scopesOfRole('viewer')]).toEqual(['reports:read']);
  });

  test('nobody holds what was not given to them', () => {
    const actor = (...scopes: string[]): Actor => ({ kind: 'api_key', id: 'k', scopes: new Set(scopes) });
    expect(holds(actor('*'), SCOPES)).toBe(true);
    expect(holds(actor('accounts:write'), scopesOfRole('viewer'))).toBe(false);
    expect(holds(actor('accounts:write', 'reports:read'), scopesOfRole('viewer'))).toBe(true);
    expect(holds(actor(...scopesOfRole('attendant')), scopesOfRole('owner'))).toBe(false);
  });
});
