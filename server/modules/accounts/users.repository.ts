/** All SQL that writes console users. */
import type { Queryable } from '#platform/db/database';
import { dbNow, forUpdate, statementTime } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import { keyset, type Page, pageOf } from '#platform/http/page';
import type { CreateUser, UpdateUser, User, UserQuery } from './users.schemas.ts';

const columns = sql`id, email, name, role, disabled_at, last_login_at, version, created_at, updated_at`;

export function findUser(db: Queryable, id: string): Promise<User | undefined> {
  return db.first<User>(sql`select ${columns} from console_users where id = ${id}`);
}

/** The user, locked until the transaction ends. */
export function lockUser(tx: Queryable, id: string): Promise<User | undefined> {
  return tx.first<User>(sql`select ${columns} from console_users where id = ${id} ${forUpdate}`);
}

/**
 * The enabled owners' ids, locked until the transaction ends and always in one order: of two that would each remove
 * an owner the second waits, and then sees what the first left.
 */
export async function lockOwners(tx: Queryable): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(sql`select id from console_users where role = 'owner' and disabled_at is null order by id ${forUpdate}`);
  return rows.map((row) => row.id);
}

export async function findIdByEmail(db: Queryable, email: string): Promise<string | undefined> {
  return (await db.first<{ id: string }>(sql`select id from console_users where email = ${email}`))?.id;
}

/** The oldest enabled owner. */
export function findOwner(db: Queryable): Promise<User | undefined> {
  return db.first<User>(sql`select ${columns} from console_users where role = 'owner' and disabled_at is null order by id limit 1`);
}

export async function findPasswordHash(db: Queryable, id: string): Promise<string | undefined> {
  return (await db.first<{ password_hash: string }>(sql`select password_hash from console_users where id = ${id} and disabled_at is null`))?.password_hash;
}

export async function listUsers(db: Queryable, query: UserQuery): Promise<Page<User>> {
  const since = query.updated_since;
  const set = since === undefined ? keyset([sql`id`], 'desc', query) : keyset([sql`updated_at`, sql`id`], 'asc', query);
  const where = sql.and([set.after, query.role !== undefined && sql`role = ${query.role}`, since !== undefined && sql`updated_at >= ${since}`]);
  const rows = await db.all<User>(sql`select ${columns} from console_users where ${where} ${set.order}`);
  return pageOf(rows, query.limit, (row) => (since === undefined ? [row.id] : [row.updated_at, row.id]));
}

/** Undefined when the e-mail is taken. */
export function insertUser(tx: Queryable, id: string, input: Omit<CreateUser, 'password'>, passwordHash: string): Promise<User | undefined> {
  return tx.first<User>(sql`
    insert into console_users (id, email, name, role, password_hash, created_at, updated_at)
    values (${id}, ${input.email}, ${input.name}, ${input.role}, ${passwordHash}, ${statementTime}, ${statementTime})
    on conflict (email) do nothing returning ${columns}`);
}

/** The first owner; a user of that e-mail, when no owner is left, becomes one again. */
export async function upsertOwner(tx: Queryable, id: string, email: string, passwordHash: string): Promise<User> {
  const row = await tx.first<User>(sql`
    insert into console_users (id, email, name, role, password_hash, created_at, updated_at)
    values (${id}, ${email}, ${email.split('@')[0]}, 'owner', ${passwordHash}, ${statementTime}, ${statementTime})
    on conflict (email) do update set role = 'owner', password_hash = excluded.password_hash, disabled_at = null,
      version = console_users.version + 1, updated_at = excluded.updated_at
    returning ${columns}`);
  return row!;
}

/** Throws DbViolation `unique` when the e-mail is another's. */
export function updateUserRow(tx: Queryable, id: string, patch: Omit<UpdateUser, 'password'>, passwordHash?: string): Promise<User | undefined> {
  const sets: (Sql | false)[] = [
    patch.email !== undefined && sql`email = ${patch.email}`,
    patch.name !== undefined && sql`name = ${patch.name}`,
    patch.role !== undefined && sql`role = ${patch.role}`,
    passwordHash !== undefined && sql`password_hash = ${passwordHash}`,
    patch.disabled !== undefined && (patch.disabled ? sql`disabled_at = coalesce(disabled_at, ${dbNow})` : sql`disabled_at = null`),
    sql`version = version + 1, updated_at = ${dbNow}`,
  ];
  return tx.first<User>(sql`update console_users set ${sql.join(sets.filter((s) => s !== false))} where id = ${id} returning ${columns}`);
}

/** Sessions go with the user. */
export async function deleteUser(tx: Queryable, id: string): Promise<void> {
  await tx.run(sql`delete from console_users where id = ${id}`);
}

export interface LoginRow {
  id: string;
  password_hash: string;
  /** 1 when a live session of theirs was opened from the same network. */
  from_known_network: number;
}

/** What a login needs to know of an enabled user. */
export function findForLogin(db: Queryable, email: string, networkDigest: string, liveSession: Sql): Promise<LoginRow | undefined> {
  return db.first<LoginRow>(sql`
    select u.id, u.password_hash,
      case when exists (select 1 from sessions s where s.user_id = u.id and s.network_digest = ${networkDigest} and ${liveSession}) then 1 else 0 end as from_known_network
    from console_users u where u.email = ${email} and u.disabled_at is null`);
}

/** Marks the login and locks the user. Undefined when they were disabled or their password was changed since it was checked. */
export function markLogin(tx: Queryable, id: string, passwordHash: string): Promise<User | undefined> {
  return tx.first<User>(sql`
    update console_users set last_login_at = ${dbNow} where id = ${id} and password_hash = ${passwordHash} and disabled_at is null returning ${columns}`);
}

/** Locks the user; false when they were disabled or their password was changed since it was checked. */
export async function lockPassword(tx: Queryable, id: string, passwordHash: string): Promise<boolean> {
  return (
    (await tx.first(sql`select id from console_users where id = ${id} and password_hash = ${passwordHash} and disabled_at is null ${forUpdate}`)) !== undefined
  );
}
