/** What a caller may be allowed to do, and what each console role is. */
import { z } from 'zod';
import type { Actor } from '#platform/ctx';

const RESOURCES = [
  'customers',
  'catalog',
  'appointments',
  'orders',
  'payments',
  'conversations',
  'campaigns',
  'ai',
  'whatsapp',
  'settings',
  'reports',
  'accounts',
] as const;

export type Scope = `${(typeof RESOURCES)[number]}:${'read' | 'write'}`;

/** Every scope of the contract. Writing does not imply reading. */
export const SCOPES: readonly Scope[] = RESOURCES.flatMap((resource): Scope[] => [`${resource}:read`, `${resource}:write`]);

export const scope = z.enum(SCOPES as [Scope, ...Scope[]]);

export const ROLES = ['owner', 'attendant', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

const BY_ROLE: Record<Role, ReadonlySet<Scope>> = {
  owner: new Set(SCOPES),
  // The counter's daily work: serves people, books, sells and charges. What shapes the business (catalogue, campaigns, the
  // assistant, the WhatsApp number, settings) is seen and not changed; takings and accounts are not seen.
  attendant: new Set<Scope>([
    'customers:read',
    'customers:write',
    'catalog:read',
    'appointments:read',
    'appointments:write',
    'orders:read',
    'orders:write',
    'payments:read',
    'payments:write',
    'conversations:read',
    'conversations:write',
    'campaigns:read',
    'ai:read',
    'whatsapp:read',
    'settings:read',
  ]),
  // An accountant: closings and their exports, which are reports; no person's file.
  viewer: new Set<Scope>(['reports:read']),
};

/** The scopes a console user of that role holds. */
export function scopesOfRole(role: Role): ReadonlySet<Scope> {
  return BY_ROLE[role];
}

/** Whether the actor holds all of `scopes`: nobody can give, or take over, more than they hold. */
export function holds(actor: Actor, scopes: Iterable<string>): boolean {
  if (actor.scopes.has('*')) return true;
  for (const one of scopes) if (!actor.scopes.has(one)) return false;
  return true;
}
