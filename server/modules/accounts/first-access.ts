/** Somebody must be able to come in: the environment's API key and the first owner, at every start. */
import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation } from '#platform/db/database';
import { digest, newId, newSecret } from '#platform/ids';
import type { Writer } from '#platform/write';
import { holdEnvironmentKey, insertEnvironmentKey, type NewKey, putEnvironmentKey } from './api-keys.repository.ts';
import { newApiKey } from './api-keys.service.ts';
import type { Passwords } from './passwords.ts';
import { accountTopic } from './sessions.cache.ts';
import { deleteSessionsOf } from './sessions.repository.ts';
import { noApiKey, noOwner } from './accounts.errors.ts';
import { findOwner, upsertOwner } from './users.repository.ts';

export interface FirstAccessInput {
  /** `API_KEY`, 16 to 256 printable characters. */
  apiKey?: string | undefined;
  /** `ADMIN_EMAIL` and `ADMIN_PASSWORD`; used only while there is no owner. */
  adminEmail?: string | undefined;
  adminPassword?: string | undefined;
  /** Nothing is generated in production. */
  production: boolean;
}

export interface FirstAccess {
  /** An owner to log in as. */
  email: string;
  /** Present when it was made by this call: to be shown once, since only its digest is kept. */
  generatedApiKey?: string;
  generatedPassword?: string;
}

export type EnsureFirstAccess = (ctx: Ctx, input: FirstAccessInput) => Promise<FirstAccess>;

const DEVELOPMENT_EMAIL = 'admin@caramelo.local';

/** Instances that start at once agree: each secret is made, and answered, by one of them. */
export function createFirstAccess({ db, writer, passwords }: { db: Database; writer: Writer; passwords: Passwords }): EnsureFirstAccess {
  async function ensure(ctx: Ctx, input: FirstAccessInput): Promise<FirstAccess> {
    if (input.production && input.apiKey === undefined) throw noApiKey();
    const apiKey = input.apiKey ?? newApiKey();
    const password = input.adminPassword ?? newSecret();
    const owner = await findOwner(db);
    if (input.production && !owner && (input.adminEmail === undefined || input.adminPassword === undefined)) {
      throw noOwner();
    }
    const passwordHash = owner ? undefined : await passwords.hash(password);
    return db.tx(async (tx) => {
      const key = newKey(apiKey, input.apiKey === undefined);
      const put = input.apiKey === undefined ? insertEnvironmentKey : putEnvironmentKey;
      const isNewKey = await put(tx, key);
      if (isNewKey) await audit(tx, ctx, { action: 'created', entity: 'api_key', entity_id: key.id, changes: { origin: 'environment' } });
      await holdEnvironmentKey(tx);
      const present = await findOwner(tx);
      const result: FirstAccess = { email: present?.email ?? input.adminEmail ?? DEVELOPMENT_EMAIL };
      if (isNewKey && input.apiKey === undefined) result.generatedApiKey = apiKey;
      if (present || passwordHash === undefined) return result;
      const first = await upsertOwner(tx, newId(), result.email, passwordHash);
      // Whose account it is shows only now: one that is brought back may have sessions.
      await writer.write({ ...ctx, tx }, { topics: [accountTopic(first.id)] }, () => deleteSessionsOf(tx, first.id));
      await audit(tx, ctx, { action: 'created', entity: 'console_user', entity_id: first.id, changes: { email: first.email, role: first.role } });
      if (input.adminPassword === undefined) result.generatedPassword = password;
      return result;
    });
  }

  return async (ctx, input) => {
    try {
      return await ensure(ctx, input);
    } catch (error) {
      // Two instances with different values of API_KEY met: the second looks again and has its way.
      if (error instanceof DbViolation && error.rule === 'unique') return ensure(ctx, input);
      throw error;
    }
  };
}

/** A chosen key may be short and meaningful, so less of it is shown. */
function newKey(apiKey: string, generated: boolean): NewKey {
  return { id: newId(), keyDigest: digest(apiKey), prefix: apiKey.slice(0, generated ? 8 : 4) };
}
