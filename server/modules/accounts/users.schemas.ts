/** Wire = row: console users. A password goes in and never comes out. */
import { z } from 'zod';
import { pageQuery } from '#platform/http/page';
import { atLeastOne, email, id, instant, line, updatedSince } from '#platform/http/schema';
import { newPassword } from './passwords.ts';
import { ROLES, scope } from './scopes.ts';

const role = z.enum(ROLES);

export const createUser = z.strictObject({ email, name: line(120), role, password: newPassword });
export type CreateUser = z.output<typeof createUser>;

export const updateUser = atLeastOne(
  z
    .strictObject({
      email,
      name: line(120),
      role,
      password: newPassword,
      disabled: z.boolean().meta({ description: 'True ends every session and refuses new ones.' }),
    })
    .partial(),
);
export type UpdateUser = z.output<typeof updateUser>;

export const updateMe = atLeastOne(
  z.strictObject({
    name: line(120).optional(),
    password: newPassword.optional().meta({ description: 'Ends every other session.' }),
    current_password: z.string().max(256).optional().meta({ description: 'Required to change the password.' }),
  }),
);
export type UpdateMe = z.output<typeof updateMe>;

export const user = z.object({
  id,
  email: z.string(),
  name: z.string(),
  role,
  disabled_at: instant.nullable(),
  last_login_at: instant.nullable(),
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type User = z.output<typeof user>;

export const userQuery = z.strictObject({
  ...pageQuery,
  role: role.optional(),
  updated_since: updatedSince,
});
export type UserQuery = z.output<typeof userQuery>;

export const userId = z.object({ id });

export const login = z.strictObject({ email, password: z.string().min(1).max(256) });
export type Login = z.output<typeof login>;

export const scopes = z.array(scope);
