import { defineError } from '#platform/errors';

/** These two are printed at start, never sent. */
export const noApiKey = defineError({ code: 'NO_API_KEY', status: 503, message: 'API_KEY: is required when NODE_ENV=production' });
export const noOwner = defineError({
  code: 'NO_OWNER',
  status: 503,
  message: 'ADMIN_EMAIL, ADMIN_PASSWORD: are required when NODE_ENV=production and there is no owner yet',
});
