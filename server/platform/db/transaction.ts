import { AsyncLocalStorage } from 'node:async_hooks';

/** What both drivers' transactions share. */
export interface CommitHooks {
  add(fn: () => void | Promise<void>): void;
  run(): Promise<void>;
}

/** Collects what must happen after the commit; one hook's failure neither undoes the commit nor stops the next. */
export function commitHooks(onError: (error: Error) => void): CommitHooks {
  const hooks: (() => void | Promise<void>)[] = [];
  return {
    add: (fn) => void hooks.push(fn),
    run: async () => {
      for (const hook of hooks) {
        try {
          await hook();
        } catch (error) {
          onError(error as Error);
        }
      }
    },
  };
}

export interface TxGuard {
  /** Runs `fn` as the inside of a transaction. */
  inside<T>(fn: () => Promise<T>): Promise<T>;
  /** Throws when called from inside: the caller took `db` where it holds a `tx`. */
  refuse(): void;
}

/**
 * Inside a transaction only its `tx` may be used. Taking `db` there would wait for SQLite's only writer for ever,
 * drain PostgreSQL's pool under load, and read around the transaction's own writes; so it is a bug, and says so at once.
 */
export function txGuard(): TxGuard {
  const open = new AsyncLocalStorage<true>();
  return {
    inside: (fn) => open.run(true, fn),
    refuse() {
      if (open.getStore()) throw new Error('a statement went around the open transaction: pass its tx along');
    },
  };
}
