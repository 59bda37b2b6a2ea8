// Tells what an error of SQLite means: both libraries' errors, by SQLite's own result codes.

import { describeSystemError } from '../../errors.ts';
import type { SqlFaultParts } from '../sql/sql-connection.ts';

/** Result codes (https://www.sqlite.org/rescode.html), without what extends them. */
const Code = {
  ERROR: 1,
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  CONSTRAINT: 19,
  NOTADB: 26,
} as const;

/** Whether another connection holds the file for now. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === Code.BUSY || code === Code.LOCKED;
}

/** What is wrong, and what to do. */
export function describeSqliteFault(error: unknown): SqlFaultParts {
  const message = error instanceof Error ? error.message : 'unknown error';
  switch (codeOf(error)) {
    case Code.BUSY:
    case Code.LOCKED:
      return {
        fault: 'timeout',
        plain: 'another program has locked the file',
        advice: 'see who holds it (fuser FILE)',
      };
    case Code.NOTADB:
    case Code.CORRUPT:
      return { fault: 'schema', plain: 'the file is no SQLite database, or a broken one', advice: 'name another file' };
    case Code.READONLY:
    case Code.PERM:
      return { fault: 'denied', plain: 'the file is read-only', advice: "let turnd's user write it and its directory" };
    case Code.CANTOPEN:
      return { fault: 'unreachable', plain: 'the file cannot be opened', advice: 'look at its directory and its mode' };
    case Code.FULL:
      return { fault: 'failed', plain: 'no space left on the device', advice: 'make some' };
    case Code.IOERR:
      return { fault: 'failed', plain: `the file cannot be read or written (${message})` };
    case Code.CONSTRAINT:
      return { fault: 'failed', plain: `the table refuses it (${message})`, detail: duplicateDetail(message) };
    default:
      return describeByMessage(error, message);
  }
}

function duplicateDetail(message: string): 'duplicate' | null {
  return /UNIQUE/i.test(message) ? 'duplicate' : null;
}

function describeByMessage(error: unknown, message: string): SqlFaultParts {
  const table = /no such table: (?:main\.)?(\w+)/.exec(message)?.[1];
  if (table !== undefined) return { fault: 'schema', plain: `there is no table ${table}`, detail: 'missing-table' };
  // Newer SQLite puts the name between quotes.
  const column = /no such column: "?([\w.]+)|has no column named (\w+)/.exec(message);
  if (column !== null) {
    const plain = `there is no column ${column[1] ?? column[2]} where coturn's schema has one`;
    return { fault: 'schema', plain, advice: "compare the tables with coturn's schema.sql" };
  }
  return { fault: 'failed', plain: describeSystemError(error) };
}

/** libsql has `rawCode`, node:sqlite has `errcode`. */
function codeOf(error: unknown): number {
  if (!(error instanceof Error)) return -1;
  if ('rawCode' in error && typeof error.rawCode === 'number') return error.rawCode & 0xff;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  return -1;
}
