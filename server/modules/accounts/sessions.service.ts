import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import type { Database, Tx } from '#platform/db/database';
import { forbidden, invalidField, unauthenticated } from '#platform/errors';
import { digest } from '#platform/ids';
import { networkOf } from '#platform/network';
import type { Writer } from '#platform/write';
import { type Attempts, guessAllowances, holderAllowances } from './attempts.ts';
import { uncountGuess } from './attempts.repository.ts';
import type { Passwords } from './passwords.ts';
import { newSessionToken, type SessionRef, sessionOfToken } from './session-token.ts';
import { accountTopic, type LiveSessions, userActor } from './sessions.cache.ts';
import * as rows from './sessions.repository.ts';
import { findForLogin, findPasswordHash, lockPassword, markLogin, updateUserRow } from './users.repository.ts';
import type { Login, UpdateMe, User } from './users.schemas.ts';

/** The browser that asks. */
export interface Visitor {
  ip: string;
  /** The session its cookie names, live or not. */
  held: SessionRef | undefined;
}

/** The token goes into the cookie and is kept nowhere else. */
export interface Opened {
  user: User;
  token: string;
}

export interface SessionsService {
  /** Always a new token; the one the browser held ends. Throws UNAUTHENTICATED (whatever was wrong), RATE_LIMITED. */
  login(ctx: Ctx, input: Login, visitor: Visitor): Promise<Opened>;
  /** Ends the session: once this resolves no instance lets it in. An unknown one is nothing to end. */
  logout(ctx: Ctx, held: SessionRef | undefined): Promise<void>;
  /** One's own name or password; a new password ends all sessions and opens a new one. Throws FORBIDDEN for API keys, VALIDATION_FAILED, RATE_LIMITED. */
  updateMe(ctx: Ctx, patch: UpdateMe, visitor: Visitor): Promise<{ user: User; token: string | undefined }>;
}

export interface SessionsParts {
  db: Database;
  writer: Writer;
  passwords: Passwords;
  attempts: Attempts;
  live: LiveSessions;
}

export function createSessionsService({ db, writer, passwords, attempts, live }: SessionsParts): SessionsService {
  async function open(tx: Tx, userId: string, ip: string): Promise<string> {
    const token = newSessionToken(userId);
    await rows.insertSession(tx, sessionOfToken(token)!.id, userId, digest(networkOf(ip)));
    return token;
  }

  return {
    async login(ctx, { email, password }, { ip, held }) {
      const network = networkOf(ip);
      await attempts.slowFlood(network);
      const account = await findForLogin(db, email, digest(network), rows.live);
      const holder = held && (await live.find(held));
      const guess =
        account && holder?.id === account.id
          ? holderAllowances(account.id)
          : guessAllowances({ network, email, knownNetwork: account?.from_known_network === 1 });
      await attempts.reserve(guess);
      const right = await passwords.verify(password, account?.password_hash).catch(async (error: unknown) => {
        await attempts.giveBack(guess);
        throw error;
      });
      if (!account || !right) throw wrongCredentials();
      const opened = await writer.write(ctx, { topics: held ? [accountTopic(held.userId)] : [] }, async (tx) => {
        await uncountGuess(tx, guess);
        const user = await markLogin(tx, account.id, account.password_hash);
        if (!user) return undefined;
        if (held) await rows.deleteSession(tx, held.id);
        const token = await open(tx, user.id, ip);
        await audit(tx, { ...ctx, actor: userActor(user.id, user.role) }, { action: 'logged_in', entity: 'console_user', entity_id: user.id });
        return { user, token };
      });
      if (!opened) throw wrongCredentials();
      return opened;
    },
    async logout(ctx, held) {
      if (!held) return;
      await writer.write(ctx, { topics: [accountTopic(held.userId)] }, async (tx) => {
        const userId = await rows.deleteSession(tx, held.id);
        if (userId !== undefined) await audit(tx, ctx, { action: 'logged_out', entity: 'console_user', entity_id: userId });
      });
    },
    async updateMe(ctx, { name, password, current_password }, { ip }) {
      const { kind, id } = ctx.actor;
      if (kind !== 'user' || id === null) throw forbidden({ message: 'Only a console user has a name and a password.' });
      let changed: { hash: string; was: string } | undefined;
      if (password !== undefined) {
        const was = await demandPassword(id, current_password);
        changed = { hash: await passwords.hash(password), was };
      }
      return writer.write(ctx, { topics: [accountTopic(id)] }, async (tx) => {
        if (changed && !(await lockPassword(tx, id, changed.was))) throw notCurrent();
        const user = await updateUserRow(tx, id, name === undefined ? {} : { name }, changed?.hash);
        if (!user) throw unauthenticated();
        await audit(tx, ctx, { action: 'updated', entity: 'console_user', entity_id: id, changes: { name, ...(changed && { password: 'changed' }) } });
        if (!changed) return { user, token: undefined };
        await rows.deleteSessionsOf(tx, id);
        return { user, token: await open(tx, id, ip) };
      });
    },
  };

  /** Who found an open console must not get further than the session does. Answers the stored hash. */
  async function demandPassword(id: string, current: string | undefined): Promise<string> {
    if (current === undefined) throw invalidField('current_password', 'is required to change the password');
    const guess = holderAllowances(id);
    await attempts.reserve(guess);
    const stored = await findPasswordHash(db, id);
    if (!(await passwords.verify(current, stored)) || stored === undefined) throw notCurrent();
    await attempts.giveBack(guess);
    return stored;
  }
}

/** One answer for everything that can be wrong, so that nobody learns who has an account. */
function wrongCredentials(): Error {
  return unauthenticated({ message: 'The e-mail or the password is wrong.' });
}

function notCurrent(): Error {
  return invalidField('current_password', 'is not the current password');
}
