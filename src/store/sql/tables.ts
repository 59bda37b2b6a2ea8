// Owns the tables of SQL stores: coturn's own schema (turndb/schema.sql of coturn 4), and what turnd keeps beside it.

/** A column, with its SQL type and what it is when it is not given. */
export interface Column {
  readonly type: string;
  readonly fallback?: string | number;
}

/** A table. Its keys come first in {@link columns}. */
export interface Table {
  readonly columns: Readonly<Record<string, Column>>;
  readonly keys: readonly string[];
}

const REALM: Column = { type: 'varchar(127)', fallback: '' };
const RANGES: Table = { columns: { realm: REALM, ip_range: { type: 'varchar(256)' } }, keys: ['realm', 'ip_range'] };

/** All tables, by name. */
export const TABLES = Object.freeze({
  turnusers_lt: {
    columns: { realm: REALM, name: { type: 'varchar(512)' }, hmackey: { type: 'char(128)' } },
    keys: ['realm', 'name'],
  },
  turn_secret: { columns: { realm: REALM, value: { type: 'varchar(256)' } }, keys: ['realm', 'value'] },
  allowed_peer_ip: RANGES,
  denied_peer_ip: RANGES,
  turn_origin_to_realm: {
    columns: { origin: { type: 'varchar(127)' }, realm: { type: 'varchar(127)' } },
    keys: ['origin'],
  },
  turn_realm_option: {
    columns: { realm: REALM, opt: { type: 'varchar(32)' }, value: { type: 'varchar(128)' } },
    keys: ['realm', 'opt'],
  },
  oauth_key: {
    columns: {
      kid: { type: 'varchar(128)' },
      ikm_key: { type: 'varchar(256)' },
      timestamp: { type: 'bigint', fallback: 0 },
      lifetime: { type: 'integer', fallback: 0 },
      as_rs_alg: { type: 'varchar(64)', fallback: '' },
      realm: { type: 'varchar(127)' },
    },
    keys: ['kid'],
  },
  admin_user: {
    columns: { name: { type: 'varchar(32)' }, realm: { type: 'varchar(127)' }, password: { type: 'varchar(127)' } },
    keys: ['name'],
  },
  // The SHA-256 key counts only while coturn's key of the user is still the one that it was made with.
  turnd_user_key: {
    columns: {
      realm: REALM,
      name: { type: 'varchar(512)' },
      sha256key: { type: 'char(64)' },
      md5key: { type: 'char(32)' },
    },
    keys: ['realm', 'name'],
  },
  turnd_secret_end: {
    columns: { realm: REALM, value: { type: 'varchar(256)' }, expires_at: { type: 'bigint' } },
    keys: ['realm', 'value'],
  },
} satisfies Record<string, Table>);

/** The name of one of {@link TABLES}. */
export type TableName = keyof typeof TABLES;

/** Their names: coturn's first. */
export const TABLE_NAMES = Object.freeze(Object.keys(TABLES)) as readonly TableName[];

/** Whether the table is of coturn's schema. */
export function isCoturns(table: TableName): boolean {
  return !table.startsWith('turnd_');
}

/** How many characters the column holds; Infinity for a number. */
export function lengthOf(table: TableName, column: string): number {
  const type = (TABLES[table] as Table).columns[column]?.type ?? '';
  return Number(/\((\d+)\)/.exec(type)?.[1] ?? Number.POSITIVE_INFINITY);
}
