import { type ErrorKind, AppError } from '../errors.ts';
import type { Dialect } from './dialect.ts';
import type { Engine, Sql } from './sql.ts';

/**
 * What both engines offer. Rows come out alike on both: timestamps as instants (see `clock.ts`),
 * dates as `YYYY-MM-DD`, booleans as booleans, JSON parsed, missing values null, counts as numbers.
 */
export interface Queryable {
  /** All rows of one statement. */
  all<T>(query: Sql): Promise<T[]>;
  /** The first row, or undefined. */
  first<T>(query: Sql): Promise<T | undefined>;
  /** Runs a statement; how many rows it changed. */
  run(query: Sql): Promise<number>;
}

/**
 * A write of at most one row and what belongs to it, atomically: a single round trip where the engine has writable CTEs.
 * When the write changed nothing, nothing else happens, and there is no answer.
 */
export interface Fused {
  /** With `returning`. */
  write: Sql;
  /** What explains it: `insert … select … from ${written}`; at most four. */
  after?: readonly Sql[];
  /** Answers its rows instead of what the write returned; reads the written row from `writtenRow`. */
  answer?: Sql;
}

export interface Tx extends Queryable {
  /** The same as the database's own, as a part of this transaction. */
  fused<T>(parts: Fused): Promise<T[]>;
  /** Several statements as one text, without parameters: the body of a migration, nothing else. */
  script(text: string): Promise<void>;
  /** Runs after the commit was acknowledged and before `db.tx` resolves. A throw is reported, never undoes the commit. */
  afterCommit(fn: () => void | Promise<void>): void;
}

export interface Database extends Queryable {
  readonly engine: Engine;
  readonly dialect: Dialect;
  /**
   * Runs `fn` in one transaction: commits when it resolves, rolls back when it throws.
   * May run `fn` again (at most three times in all) after a deadlock or a serialization failure, so `fn` touches nothing but the database.
   */
  tx<T>(fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** See `Fused`. */
  fused<T>(parts: Fused): Promise<T[]>;
  close(): Promise<void>;
}

/** What observers are told about each statement: for slow-query logs, metrics and the tests' statement list. */
export interface StatementSeen {
  query: Sql;
  /** The text that reached the driver. */
  text: string;
  /** False for what a driver composed for its own engine (see `fused`). */
  portable: boolean;
  /** Milliseconds, on the monotonic clock. */
  ms: number;
  failed: boolean;
}
export type OnStatement = (seen: StatementSeen) => void;

export type ViolationRule = 'unique' | 'foreign_key' | 'check' | 'not_null' | 'exclusion';

const violationKinds: Record<ViolationRule, ErrorKind> = {
  unique: { code: 'CONFLICT', status: 409, message: 'Such a record exists already.' },
  exclusion: { code: 'CONFLICT', status: 409, message: 'The change clashes with the current state.' },
  foreign_key: { code: 'CONFLICT', status: 409, message: 'A record it refers to is missing or still in use.' },
  check: { code: 'VALIDATION_FAILED', status: 422, message: 'A value breaks a rule of the data.' },
  not_null: { code: 'VALIDATION_FAILED', status: 422, message: 'A required value is missing.' },
};

/** A constraint said no. Services catch it where they can say more; the gateway's fallback says little, and never which value. */
export class DbViolation extends AppError {
  readonly rule: ViolationRule;
  /** `table.column[, table.column]` where the engine tells, else the constraint's name. */
  readonly on: string;

  constructor(rule: ViolationRule, on: string, cause: unknown) {
    super(violationKinds[rule], { cause });
    this.name = 'DbViolation';
    this.rule = rule;
    this.on = on;
  }
}

/** True for a statement that only reads; what SQLite may run beside the writer. */
export function isRead(text: string): boolean {
  return /^\s*(select|with|values|explain)\b/i.test(text);
}
