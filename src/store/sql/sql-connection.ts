// What the SQL store needs of a database: statements in, rows out, and errors that say what they mean. Declares only.

import type { Expression, Kysely, SqlBool } from 'kysely';
import { StoreError, type StoreFault } from '../../errors.ts';
import { escapeText } from '../../escape-text.ts';
import type { StoreKind } from '../store.ts';

/** A value of a row or a parameter, as the drivers have it. */
export type SqlValue = string | number | null;

/** A row, by column. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Tables for the query builder: what they hold is checked when it is read. */
export type AnyTables = Record<string, Record<string, SqlValue>>;

/** A statement of the dialect, with `parameters` for its placeholders. */
export interface SqlStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** What a statement did. */
export interface SqlResult {
  readonly rows: readonly SqlRow[];
  /** Rows that were inserted or deleted, or found to be updated. */
  readonly changes: number;
}

/** In what dialect a database is spoken to. */
export interface SqlDialect {
  /** Builds statements and runs none. */
  readonly queries: Kysely<AnyTables>;
  /** Equal to the letter, by the column's index. */
  exact(column: Expression<unknown>, value: string): Expression<SqlBool>;
  /** The column as it sorts and compares by code point. */
  byCodePoint(column: Expression<unknown>): Expression<string>;
  /** What stands at the end of CREATE TABLE. */
  readonly tableOptions: string;
}

/** A database, and the one way to it. */
export interface SqlConnection {
  readonly kind: StoreKind;
  /** The URL without password. */
  readonly name: string;
  readonly dialect: SqlDialect;
  /**
   * Runs a statement. Rejects with an SqlError, by `deadline` (monotonic milliseconds) at the latest. A `label` names a
   * statement that is prepared once: always the same text for the same label.
   */
  run(statement: SqlStatement, deadline: number, label?: string): Promise<SqlResult>;
  close(): Promise<void>;
}

/** What the store itself mends or words in its own way. */
export type SqlDetail = 'missing-table' | 'duplicate' | 'text' | null;

/** What a driver makes of an error. */
export interface SqlFaultParts {
  readonly fault: StoreFault;
  /** What is wrong, without the name of the store and the advice. */
  readonly plain: string;
  /** What to do; empty where nothing better is known. */
  readonly advice?: string;
  readonly detail?: SqlDetail;
}

/** An error of a database. */
export class SqlError extends StoreError {
  readonly detail: SqlDetail;
  readonly plain: string;

  constructor(name: string, parts: SqlFaultParts, cause?: unknown) {
    const advice = (parts.advice ?? '') === '' ? '' : `: ${parts.advice}`;
    // The words may be the server's own.
    super(parts.fault, escapeText(`store ${name}: ${parts.plain}${advice}`), cause);
    this.detail = parts.detail ?? null;
    this.plain = parts.plain;
  }
}
