import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation, type Tx } from '#platform/db/database';
import { alreadyExists, conflict, forbidden, inUse, notFound, versionMismatch } from '#platform/errors';
import type { Page } from '#platform/http/page';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import type { Passwords } from './passwords.ts';
import { holds, type Role, scopesOfRole } from './scopes.ts';
import { accountTopic } from './sessions.cache.ts';
import { deleteSessionsOf } from './sessions.repository.ts';
import * as rows from './users.repository.ts';
import type { CreateUser, UpdateUser, User, UserQuery } from './users.schemas.ts';

export interface UsersService {
  list(ctx: Ctx, query: UserQuery): Promise<Page<User>>;
  /** Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<User>;
  /** Throws ALREADY_EXISTS with `details.id`, FORBIDDEN for a role that holds more than the caller. */
  create(ctx: Ctx, input: CreateUser): Promise<User>;
  /** A changed password and a disabling end the user's sessions. Throws NOT_FOUND, VERSION_MISMATCH, ALREADY_EXISTS, FORBIDDEN, CONFLICT. */
  update(ctx: Ctx, id: string, patch: UpdateUser, ifMatch?: number): Promise<User>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, FORBIDDEN, CONFLICT, IN_USE. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
}

export interface UsersParts {
  db: Database;
  writer: Writer;
  passwords: Passwords;
}

/** Once such a change is acknowledged, no instance lets anybody in by what was before. */
const touching = (id: string) => ({ topics: [accountTopic(id)] });

export function createUsersService({ db, writer, passwords }: UsersParts): UsersService {
  /** The user, locked, if the caller may touch them: who could set an owner's password would be an owner. */
  async function take(tx: Tx, ctx: Ctx, id: string, ifMatch: number | undefined): Promise<User> {
    const user = await rows.lockUser(tx, id);
    if (!user) throw notFound();
    demandRole(ctx, user.role);
    if (ifMatch !== undefined && user.version !== ifMatch) throw versionMismatch();
    return user;
  }

  return {
    list: (ctx, query) => rows.listUsers(ctx.tx ?? db, query),
    async get(ctx, id) {
      const user = await rows.findUser(ctx.tx ?? db, id);
      if (!user) throw notFound();
      return user;
    },
    async create(ctx, { password, ...input }) {
      demandRole(ctx, input.role);
      const passwordHash = await passwords.hash(password);
      const id = newId();
      return writer.write(ctx, { topics: [] }, async (tx) => {
        const created = await rows.insertUser(tx, id, input, passwordHash);
        if (!created) throw alreadyExists({ details: { id: (await rows.findIdByEmail(tx, input.email)) ?? null } });
        await audit(tx, ctx, { action: 'created', entity: 'console_user', entity_id: id, changes: input });
        return created;
      });
    },
    async update(ctx, id, { password, ...patch }, ifMatch) {
      if (patch.role !== undefined) demandRole(ctx, patch.role);
      const passwordHash = password === undefined ? undefined : await passwords.hash(password);
      const updated = writer.write(ctx, touching(id), async (tx) => {
        const stepsDown = (patch.role !== undefined && patch.role !== 'owner') || patch.disabled === true;
        // Before the row itself: everybody who may remove an owner locks in the same order.
        const owners = stepsDown ? await rows.lockOwners(tx) : [];
        await take(tx, ctx, id, ifMatch);
        if (stepsDown) keepOneOwner(owners, id);
        const user = await rows.updateUserRow(tx, id, patch, passwordHash);
        if (passwordHash !== undefined || patch.disabled === true) await deleteSessionsOf(tx, id);
        await audit(tx, ctx, { action: 'updated', entity: 'console_user', entity_id: id, changes: { ...patch, ...(passwordHash && { password: 'changed' }) } });
        return user!;
      });
      return updated.catch(async (error: unknown) => {
        if (!(error instanceof DbViolation) || error.rule !== 'unique' || patch.email === undefined) throw error;
        throw alreadyExists({ details: { id: (await rows.findIdByEmail(db, patch.email)) ?? null }, cause: error });
      });
    },
    async remove(ctx, id, ifMatch) {
      const removed = writer.write(ctx, touching(id), async (tx) => {
        const owners = await rows.lockOwners(tx);
        await take(tx, ctx, id, ifMatch);
        keepOneOwner(owners, id);
        await rows.deleteUser(tx, id);
        await audit(tx, ctx, { action: 'deleted', entity: 'console_user', entity_id: id });
      });
      await removed.catch((error: unknown) => {
        const depended = error instanceof DbViolation && error.rule === 'foreign_key';
        throw depended ? inUse({ details: { archive: `PATCH /api/users/${id} {"disabled": true}` }, cause: error }) : error;
      });
    },
  };
}

/** Nobody makes, changes or removes a user who may do more than they: an API key needs the role's scopes beside `accounts:write`. */
function demandRole(ctx: Ctx, role: Role): void {
  if (!holds(ctx.actor, scopesOfRole(role))) throw forbidden({ message: 'That role may do more than these credentials.', details: { role } });
}

function keepOneOwner(owners: readonly string[], id: string): void {
  if (owners.length === 1 && owners[0] === id) throw conflict({ message: 'This is the last owner; make somebody else an owner first.' });
}
