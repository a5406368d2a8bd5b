/** All SQL about API keys: a digest of 256 random bits needs no salt, and is found through an index. */
import type { Queryable } from '#platform/db/database';
import { dbNow, dbNowPlus, forUpdate } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import { keyset, type Page, pageOf } from '#platform/http/page';
import type { ApiKey, ApiKeyQuery, CreateApiKey } from './api-keys.schemas.ts';
import { SCOPES } from './scopes.ts';

const columns = sql`id, name, prefix, scopes, origin, expires_at, revoked_at, last_used_at, created_at`;
const USED_EVERY_SECONDS = 60;

export function findApiKey(db: Queryable, id: string): Promise<ApiKey | undefined> {
  return db.first<ApiKey>(sql`select ${columns} from api_keys where id = ${id}`);
}

/** The key, locked until the transaction ends. */
export function lockApiKey(tx: Queryable, id: string): Promise<ApiKey | undefined> {
  return tx.first<ApiKey>(sql`select ${columns} from api_keys where id = ${id} ${forUpdate}`);
}

export interface UsableKey {
  id: string;
  scopes: string[];
  /** 1 when `last_used_at` is due to be moved. */
  due: number;
}

/** Neither revoked nor expired, by the database's clock. */
export function findUsableKey(db: Queryable, keyDigest: string): Promise<UsableKey | undefined> {
  return db.first<UsableKey>(sql`
    select id, scopes, case when last_used_at is null or last_used_at <= ${dbNowPlus(-USED_EVERY_SECONDS)} then 1 else 0 end as due
    from api_keys where key_digest = ${keyDigest} and revoked_at is null and (expires_at is null or expires_at > ${dbNow})`);
}

/** At most one write a minute, whoever else saw it too. */
export async function markUsed(db: Queryable, id: string): Promise<void> {
  await db.run(
    sql`update api_keys set last_used_at = ${dbNow} where id = ${id} and (last_used_at is null or last_used_at <= ${dbNowPlus(-USED_EVERY_SECONDS)})`,
  );
}

export async function listApiKeys(db: Queryable, query: ApiKeyQuery): Promise<Page<ApiKey>> {
  const set = keyset([sql`id`], 'desc', query);
  const rows = await db.all<ApiKey>(sql`select ${columns} from api_keys where ${set.after} ${set.order}`);
  return pageOf(rows, query.limit, (row) => [row.id]);
}

export interface NewKey {
  id: string;
  keyDigest: string;
  prefix: string;
}

export async function insertApiKey(tx: Queryable, key: NewKey, input: CreateApiKey): Promise<void> {
  await tx.run(sql`
    insert into api_keys (id, name, key_digest, prefix, scopes, expires_at, created_at)
    values (${key.id}, ${input.name}, ${key.keyDigest}, ${key.prefix}, ${input.scopes}, ${input.expires_at}, ${dbNow})`);
}

export async function revokeApiKey(tx: Queryable, id: string): Promise<void> {
  await tx.run(sql`update api_keys set revoked_at = ${dbNow} where id = ${id} and revoked_at is null`);
}

/**
 * Makes this key the environment's only one; nothing changes when it is already. One that was revoked stays so: a leaked value
 * comes back to life by no restart. True when it was not there before.
 */
export async function putEnvironmentKey(tx: Queryable, key: NewKey): Promise<boolean> {
  await tx.run(sql`delete from api_keys where origin = 'environment' and key_digest <> ${key.keyDigest}`);
  const row = await tx.first<{ id: string }>(sql`
    insert into api_keys (id, name, key_digest, prefix, scopes, origin, created_at)
    values (${key.id}, 'API_KEY', ${key.keyDigest}, ${key.prefix}, ${SCOPES}, 'environment', ${dbNow})
    on conflict (key_digest) do update set origin = 'environment', expires_at = null
    returning id`);
  return row?.id === key.id;
}

/** The same for a generated key, which gives way to one that is there. */
export async function insertEnvironmentKey(tx: Queryable, key: NewKey): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into api_keys (id, name, key_digest, prefix, scopes, origin, created_at)
    values (${key.id}, 'API_KEY', ${key.keyDigest}, ${key.prefix}, ${SCOPES}, 'environment', ${dbNow})
    on conflict do nothing`);
  return inserted > 0;
}

/** Gives the environment's key the scopes of this release, and holds its row: what follows runs on one instance at a time. */
export async function holdEnvironmentKey(tx: Queryable): Promise<void> {
  await tx.run(sql`update api_keys set scopes = ${SCOPES} where origin = 'environment'`);
}
