// Sees to the tables of an SQL store before it is used: makes those that lack, and remembers what is wrong with the
// others. A role that may only read coturn's tables is enough to serve them.

import { StoreError } from '../../errors.ts';
import { type SqlConnection, SqlError, type SqlStatement } from './sql-connection.ts';
import { create, probe } from './statements.ts';
import { isCoturns, TABLE_NAMES, type TableName } from './tables.ts';

/** What of the tables cannot be used. */
export interface PreparedTables {
  /** Not there, and not to be made: empty for who reads, an error for who writes. */
  readonly absent: ReadonlyMap<TableName, StoreError>;
  /** There, and of no use: an error for both. */
  readonly broken: ReadonlyMap<TableName, StoreError>;
}

/** Tables that no request of a client needs: a fault in them waits until they are used. */
const OPTIONAL: readonly TableName[] = ['oauth_key', 'admin_user'];

type State = { readonly kind: 'good' } | { readonly kind: 'absent' | 'broken'; readonly fault: SqlError };

/** Looks at every table. Rejects where coturn's have a fault, or none of them is there or can be made. */
export async function prepareTables(connection: SqlConnection, deadline: number): Promise<PreparedTables> {
  const states = await lookAtAll(connection, deadline);
  const absent = new Map<TableName, StoreError>();
  const broken = new Map<TableName, StoreError>();
  for (const [table, state] of states) {
    if (state.kind === 'absent') absent.set(table, lacking(connection, table, state.fault));
    if (state.kind === 'broken') broken.set(table, state.fault);
  }
  const essential = [...broken].find(([table]) => !OPTIONAL.includes(table));
  if (essential !== undefined) throw essential[1];
  const lackAll = TABLE_NAMES.filter(isCoturns).every((table) => absent.has(table));
  if (lackAll) throw absent.values().next().value as StoreError;
  return { absent, broken };
}

async function lookAtAll(connection: SqlConnection, deadline: number): Promise<ReadonlyMap<TableName, State>> {
  const states = new Map<TableName, State>();
  const found = await Promise.all(TABLE_NAMES.map((table) => lookAt(connection, table, deadline)));
  // What lacks is made one after the other: databases do not like to make tables at the same time.
  for (const [index, table] of TABLE_NAMES.entries()) {
    const state = found[index] as State;
    states.set(table, state.kind === 'absent' ? await make(connection, table, deadline) : state);
  }
  return states;
}

async function lookAt(connection: SqlConnection, table: TableName, deadline: number): Promise<State> {
  return await attempt(connection, probe(connection.dialect, table), deadline);
}

async function make(connection: SqlConnection, table: TableName, deadline: number): Promise<State> {
  const made = await attempt(connection, create(connection.dialect, table), deadline);
  if (made.kind === 'good') return made;
  // Another process may have made it in the same moment.
  const now = await lookAt(connection, table, deadline);
  return now.kind === 'absent' ? { kind: 'absent', fault: made.fault } : now;
}

async function attempt(connection: SqlConnection, statement: SqlStatement, deadline: number): Promise<State> {
  try {
    await connection.run(statement, deadline);
    return { kind: 'good' };
  } catch (error) {
    if (!(error instanceof SqlError) || error.fault === 'unreachable' || error.fault === 'timeout') throw error;
    return { kind: error.detail === 'missing-table' ? 'absent' : 'broken', fault: error };
  }
}

function lacking(connection: SqlConnection, table: TableName, cause: SqlError): StoreError {
  const advice = isCoturns(table) ? "as its owner, load coturn's schema.sql" : 'let its owner start turnd once';
  const message = `store ${connection.name}: the table ${table} is missing and cannot be made (${cause.plain}): ${advice}`;
  return new StoreError(cause.fault, message, cause);
}
