import { defineError } from '#platform/errors';

/** Printed at start, never sent. */
export const noOwner = defineError({
  code: 'NO_OWNER',
  status: 503,
  message: 'ADMIN_EMAIL, ADMIN_PASSWORD: are required when NODE_ENV=production and there is no owner yet',
});
