// Builds the statements that the SQL store runs. Every text is a parameter; names of tables and columns are ours.

import { type Kysely, sql } from 'kysely';
import type { UserQuery } from '../store.ts';
import type { AnyTables, SqlDialect, SqlStatement, SqlValue } from './sql-connection.ts';
import { TABLES, type Table, type TableName } from './tables.ts';

/** Columns and their values. */
export type Values = Readonly<Record<string, SqlValue>>;
/** Columns that name one row, and their values. */
export type Keys = Readonly<Record<string, string>>;

/** All rows of a table, in the order of its keys. */
export function selectAll(dialect: SqlDialect, table: TableName): SqlStatement {
  const { columns, keys } = TABLES[table] as Table;
  let query = dialect.queries.selectFrom(table).select(Object.keys(columns));
  for (const key of keys) query = query.orderBy(dialect.byCodePoint(sql.ref(key)));
  return query.compile();
}

/** Nothing, or an error that tells what the table lacks. */
export function probe(dialect: SqlDialect, table: TableName): SqlStatement {
  const columns = Object.keys((TABLES[table] as Table).columns);
  return dialect.queries.selectFrom(table).select(columns).where(sql<boolean>`1 = 0`).compile();
}

/** Makes the table. */
export function create(dialect: SqlDialect, table: TableName): SqlStatement {
  const { columns, keys } = TABLES[table] as Table;
  let query = dialect.queries.schema.createTable(table).ifNotExists();
  for (const [name, { type, fallback }] of Object.entries(columns)) {
    query = query.addColumn(name, sql.raw(type), (column) =>
      fallback === undefined ? column : column.defaultTo(fallback),
    );
  }
  query = query.addPrimaryKeyConstraint(`${table}_pkey`, keys as never);
  return query.modifyEnd(sql.raw(dialect.tableOptions)).compile();
}

/** Changes the row; a table of keys alone is only looked at. */
export function update(dialect: SqlDialect, table: TableName, keys: Keys, values: Values): SqlStatement {
  let query = dialect.queries.updateTable(table).set(values);
  for (const [key, value] of Object.entries(keys)) query = query.where(dialect.exact(sql.ref(key), value));
  return query.compile();
}

export function insert(dialect: SqlDialect, table: TableName, values: Values): SqlStatement {
  return dialect.queries.insertInto(table).values(values).compile();
}

export function remove(dialect: SqlDialect, table: TableName, keys: Keys): SqlStatement {
  let query = dialect.queries.deleteFrom(table);
  for (const [key, value] of Object.entries(keys)) query = query.where(dialect.exact(sql.ref(key), value));
  return query.compile();
}

/** One page of users. */
export function selectUsers(dialect: SqlDialect, { realm, after, limit }: UserQuery): SqlStatement {
  const [realmOrder, nameOrder] = [dialect.byCodePoint(sql.ref('realm')), dialect.byCodePoint(sql.ref('name'))];
  let query = dialect.queries.selectFrom('turnusers_lt').select(['realm', 'name']);
  if (realm !== null) query = query.where(dialect.exact(sql.ref('realm'), realm));
  if (after !== null) {
    const [afterRealm, afterName] = [
      dialect.byCodePoint(sql.val(after.realm)),
      dialect.byCodePoint(sql.val(after.name)),
    ];
    query = query.where(
      sql<boolean>`(${realmOrder} > ${afterRealm} or (${realmOrder} = ${afterRealm} and ${nameOrder} > ${afterName}))`,
    );
  }
  return query.orderBy(realmOrder).orderBy(nameOrder).limit(sql.lit(limit)).compile();
}

/** The hot look-up: compiled once, with what the parameters mean. */
export interface UserLookup {
  readonly sql: string;
  readonly parameters: readonly ('realm' | 'name')[];
}

/** The look-up of one user's keys, with ours or, where that table is not to be had, without. */
export function userLookup(dialect: SqlDialect, withSha256: boolean): UserLookup {
  const is = (table: string, column: 'realm' | 'name') => dialect.exact(sql.ref(`${table}.${column}`), column);
  const queries = dialect.queries as Kysely<AnyTables>;
  const users = queries
    .selectFrom('turnusers_lt as u')
    .select(['u.realm', 'u.name', 'u.hmackey'])
    .where(is('u', 'realm'))
    .where(is('u', 'name'));
  const query = withSha256
    ? users
        .leftJoin('turnd_user_key as k', (join) => join.on(is('k', 'realm')).on(is('k', 'name')))
        .select(['k.sha256key', 'k.md5key'])
    : users;
  const { sql: text, parameters } = query.compile();
  return { sql: text, parameters: parameters as readonly ('realm' | 'name')[] };
}
