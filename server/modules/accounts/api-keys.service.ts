import { audit } from '#platform/audit';
import type { Actor, Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { forbidden, invalidField, notFound } from '#platform/errors';
import type { Page } from '#platform/http/page';
import { digest, newId, newSecret } from '#platform/ids';
import type { Writer } from '#platform/write';
import * as rows from './api-keys.repository.ts';
import type { ApiKey, ApiKeyQuery, CreateApiKey, CreatedApiKey } from './api-keys.schemas.ts';
import { holds } from './scopes.ts';

export interface ApiKeysService {
  list(ctx: Ctx, query: ApiKeyQuery): Promise<Page<ApiKey>>;
  /** Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<ApiKey>;
  /** Throws FORBIDDEN for scopes the caller does not hold, VALIDATION_FAILED for an expiry in the past. */
  create(ctx: Ctx, input: CreateApiKey): Promise<CreatedApiKey>;
  /** Refused here at once and elsewhere within a second; the row stays. Throws NOT_FOUND, FORBIDDEN. */
  revoke(ctx: Ctx, id: string): Promise<void>;
}

export interface ApiKeysParts {
  db: Database;
  writer: Writer;
  /** Called after a commit that ended a key. */
  forgetKeys: () => void;
}

/** A new key: `car_` and 256 random bits, so that scanners for leaked secrets can tell one. */
export function newApiKey(): string {
  return `car_${newSecret()}`;
}

/** Reads what a key may do; `keyDigest` is the key's digest. */
export function createKeyLookup(db: Database): (keyDigest: string) => Promise<Actor | undefined> {
  return async (keyDigest) => {
    const row = await rows.findUsableKey(db, keyDigest);
    // Nobody waits for it, and a lost one is made up for a minute later.
    if (row?.due === 1) rows.markUsed(db, row.id).catch(() => undefined);
    return row && { kind: 'api_key', id: row.id, scopes: new Set(row.scopes) };
  };
}

export function createApiKeysService({ db, writer, forgetKeys }: ApiKeysParts): ApiKeysService {
  return {
    list: (ctx, query) => rows.listApiKeys(ctx.tx ?? db, query),
    async get(ctx, id) {
      const key = await rows.findApiKey(ctx.tx ?? db, id);
      if (!key) throw notFound();
      return key;
    },
    async create(ctx, input) {
      demandScopes(ctx, input.scopes);
      if (input.expires_at && input.expires_at <= ctx.now) throw invalidField('expires_at', 'must be in the future');
      const key = newApiKey();
      const id = newId();
      const row = await writer.write(ctx, { topics: [] }, async (tx) => {
        await rows.insertApiKey(tx, { id, keyDigest: digest(key), prefix: key.slice(0, 8) }, input);
        await audit(tx, ctx, { action: 'created', entity: 'api_key', entity_id: id, changes: input });
        return rows.findApiKey(tx, id);
      });
      return { ...row!, key };
    },
    async revoke(ctx, id) {
      await writer.write(ctx, { topics: [] }, async (tx) => {
        const key = await rows.lockApiKey(tx, id);
        if (!key) throw notFound();
        demandScopes(ctx, key.scopes);
        if (key.revoked_at !== null) return;
        await rows.revokeApiKey(tx, id);
        await audit(tx, ctx, { action: 'revoked', entity: 'api_key', entity_id: id });
        tx.afterCommit(forgetKeys);
      });
    },
  };
}

/** Nobody gives, or takes away, what they do not hold. */
function demandScopes(ctx: Ctx, scopes: readonly string[]): void {
  if (!holds(ctx.actor, scopes))
    throw forbidden({ message: 'Only scopes these credentials hold themselves.', details: { scopes: scopes.filter((one) => !holds(ctx.actor, [one])) } });
}
