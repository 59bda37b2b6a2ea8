// The store in a database that speaks SQL: coturn's tables and turnd's own, alike for all three dialects. Knows no
// driver: statements go through an SqlConnection.

import { StoreError } from '../../errors.ts';
import {
  type RealmOption,
  STORE_TIMEOUT_MS,
  type Store,
  type StoredAdmin,
  type StoredOauthKey,
  type StoredOrigin,
  type StoredPeerRule,
  type StoredSecret,
  type StoredUser,
  type StoreKind,
  type StoreSnapshot,
  type UserId,
  type UserQuery,
} from '../store.ts';
import { type PreparedTables, prepareTables } from './prepared-tables.ts';
import {
  OPTION_NAMES,
  readAdmin,
  readAll,
  readOauthKey,
  readOrigin,
  readPeerRule,
  readRealms,
  readUser,
  readUserId,
} from './rows.ts';
import { readSecrets } from './secrets.ts';
import { type SqlConnection, SqlError, type SqlResult, type SqlRow, type SqlStatement } from './sql-connection.ts';
import { insert, type Keys, remove, selectAll, selectUsers, update, userLookup, type Values } from './statements.ts';
import type { TableName } from './tables.ts';
import { checkKeepable, isKeepable } from './texts.ts';

/** A store in SQL tables. Make it with {@link openSqlStore}. */
class SqlStore implements Store {
  readonly kind: StoreKind;
  readonly name: string;
  readonly #connection: SqlConnection;
  readonly #lookups;
  #tables: Promise<PreparedTables> | null = null;
  #isClosed = false;

  constructor(connection: SqlConnection) {
    this.kind = connection.kind;
    this.name = connection.name;
    this.#connection = connection;
    this.#lookups = { full: userLookup(connection.dialect, true), plain: userLookup(connection.dialect, false) };
  }

  findUser(id: UserId): Promise<StoredUser | null> {
    return this.#call(async (deadline, tables) => {
      if (!isKeepable(id.realm) || !isKeepable(id.name) || tables.absent.has('turnusers_lt')) return null;
      const label = tables.absent.has('turnd_user_key') ? 'plain' : 'full';
      const { sql, parameters } = this.#lookups[label];
      const statement = { sql, parameters: parameters.map((part) => id[part]) };
      const { rows } = await this.#ask(statement, deadline, `turnd_user_${label}`);
      return rows[0] === undefined ? null : readUser(rows[0]);
    });
  }

  ping(): Promise<void> {
    return this.#call(async (deadline) => {
      await this.#connection.run({ sql: 'select 1', parameters: [] }, deadline);
    });
  }

  snapshot(): Promise<StoreSnapshot> {
    return this.#call(async (deadline, tables) => {
      const rows = (table: TableName): Promise<readonly SqlRow[]> => this.#rows(table, deadline, tables);
      const [secrets, ends, allowed, denied, options, origins] = await Promise.all([
        rows('turn_secret'),
        rows('turnd_secret_end'),
        rows('allowed_peer_ip'),
        rows('denied_peer_ip'),
        rows('turn_realm_option'),
        rows('turn_origin_to_realm'),
      ]);
      return {
        secrets: readSecrets(secrets, ends),
        peerRules: [
          ...readAll(allowed, (row) => readPeerRule(row, 'allow')),
          ...readAll(denied, (row) => readPeerRule(row, 'deny')),
        ],
        realms: readRealms(options),
        origins: readAll(origins, readOrigin),
      };
    });
  }

  listUsers(query: UserQuery): Promise<readonly UserId[]> {
    return this.#call(async (deadline, tables) => {
      const texts = [query.realm ?? '', query.after?.realm ?? '', query.after?.name ?? ''];
      if (!texts.every(isKeepable) || tables.absent.has('turnusers_lt')) return [];
      const { rows } = await this.#ask(selectUsers(this.#connection.dialect, query), deadline);
      return readAll(rows, readUserId);
    });
  }

  putUser({ realm, name, md5Key, sha256Key }: StoredUser): Promise<void> {
    const [hmackey, sha256key] = [md5Key.toString('hex'), sha256Key?.toString('hex') ?? null];
    return this.#call(async (deadline, tables) => {
      const id = { realm, name };
      // Ours first: it counts only once coturn's key is the one that it was made with.
      if (sha256key !== null) {
        await this.#put('turnd_user_key', id, { sha256key, md5key: hmackey }, { deadline, tables });
      } else {
        await this.#remove('turnd_user_key', id, { deadline, tables });
      }
      await this.#put('turnusers_lt', id, { hmackey }, { deadline, tables });
    });
  }

  removeUser({ realm, name }: UserId): Promise<boolean> {
    return this.#call(async (deadline, tables) => {
      const isRemoved = await this.#remove('turnusers_lt', { realm, name }, { deadline, tables });
      await this.#remove('turnd_user_key', { realm, name }, { deadline, tables });
      return isRemoved;
    });
  }

  putSecret({ realm, value, expiresAt }: StoredSecret): Promise<void> {
    return this.#call(async (deadline, tables) => {
      const id = { realm, value };
      // The end first: a secret that has one is never there without it.
      if (expiresAt === null) await this.#remove('turnd_secret_end', id, { deadline, tables });
      else await this.#put('turnd_secret_end', id, { expires_at: expiresAt }, { deadline, tables });
      await this.#put('turn_secret', id, {}, { deadline, tables });
    });
  }

  removeSecret(realm: string, value: string): Promise<boolean> {
    return this.#call(async (deadline, tables) => {
      const isRemoved = await this.#remove('turn_secret', { realm, value }, { deadline, tables });
      await this.#remove('turnd_secret_end', { realm, value }, { deadline, tables });
      return isRemoved;
    });
  }

  putPeerRule({ realm, kind, range }: StoredPeerRule): Promise<void> {
    return this.#putOne(ruleTable(kind), { realm, ip_range: range }, {});
  }

  removePeerRule({ realm, kind, range }: StoredPeerRule): Promise<boolean> {
    return this.#removeOne(ruleTable(kind), { realm, ip_range: range });
  }

  async setRealmOption(realm: string, option: RealmOption, value: number | null): Promise<void> {
    const id = { realm, opt: OPTION_NAMES[option] };
    if (value === null) await this.#removeOne('turn_realm_option', id);
    else await this.#putOne('turn_realm_option', id, { value: `${value}` });
  }

  putOrigin({ origin, realm }: StoredOrigin): Promise<void> {
    return this.#putOne('turn_origin_to_realm', { origin }, { realm });
  }

  removeOrigin(origin: string): Promise<boolean> {
    return this.#removeOne('turn_origin_to_realm', { origin });
  }

  listOauthKeys(): Promise<readonly StoredOauthKey[]> {
    return this.#call(async (deadline, tables) =>
      readAll(await this.#rows('oauth_key', deadline, tables), readOauthKey),
    );
  }

  putOauthKey({ kid, ikmKey, timestamp, lifetime, asRsAlg, realm }: StoredOauthKey): Promise<void> {
    return this.#putOne('oauth_key', { kid }, { ikm_key: ikmKey, timestamp, lifetime, as_rs_alg: asRsAlg, realm });
  }

  removeOauthKey(kid: string): Promise<boolean> {
    return this.#removeOne('oauth_key', { kid });
  }

  listAdmins(): Promise<readonly StoredAdmin[]> {
    return this.#call(async (deadline, tables) => readAll(await this.#rows('admin_user', deadline, tables), readAdmin));
  }

  putAdmin({ name, realm, password }: StoredAdmin): Promise<void> {
    return this.#putOne('admin_user', { name }, { realm, password });
  }

  removeAdmin(name: string): Promise<boolean> {
    return this.#removeOne('admin_user', { name });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#connection.close();
  }

  #putOne(table: TableName, keys: Keys, values: Values): Promise<void> {
    return this.#call((deadline, tables) => this.#put(table, keys, values, { deadline, tables }));
  }

  #removeOne(table: TableName, keys: Keys): Promise<boolean> {
    return this.#call((deadline, tables) => this.#remove(table, keys, { deadline, tables }));
  }

  /** Runs a call of the store: within its time, with tables that were seen to. */
  async #call<T>(run: (deadline: number, tables: PreparedTables) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreError('failed', `store ${this.name}: it is closed`);
    const deadline = performance.now() + STORE_TIMEOUT_MS;
    try {
      return await run(deadline, await this.#prepare(deadline));
    } catch (error) {
      // Somebody may have dropped a table, or made one: look again.
      if (error instanceof StoreError && error.fault === 'schema') this.#tables = null;
      throw error;
    }
  }

  #prepare(deadline: number): Promise<PreparedTables> {
    if (this.#tables !== null) return this.#tables;
    const tables = prepareTables(this.#connection, deadline);
    this.#tables = tables;
    tables.catch(() => {
      if (this.#tables === tables) this.#tables = null;
    });
    return tables;
  }

  /** Runs a statement that names rows by texts. Of a text that the tables' character set cannot spell there are none. */
  async #ask(statement: SqlStatement, deadline: number, label?: string): Promise<SqlResult> {
    try {
      return await this.#connection.run(statement, deadline, label);
    } catch (error) {
      if (error instanceof SqlError && error.detail === 'text') return { rows: [], changes: 0 };
      throw error;
    }
  }

  async #rows(table: TableName, deadline: number, tables: PreparedTables): Promise<readonly SqlRow[]> {
    const fault = tables.broken.get(table);
    if (fault !== undefined) throw fault;
    if (tables.absent.has(table)) return [];
    return (await this.#connection.run(selectAll(this.#connection.dialect, table), deadline)).rows;
  }

  async #remove(table: TableName, keys: Keys, context: CallContext): Promise<boolean> {
    const fault = context.tables.broken.get(table);
    if (fault !== undefined) throw fault;
    if (context.tables.absent.has(table) || !Object.values(keys).every(isKeepable)) return false;
    return (await this.#ask(remove(this.#connection.dialect, table, keys), context.deadline)).changes > 0;
  }

  /** Changes the row or adds it; when another call adds it in between, changes it after all. */
  async #put(table: TableName, keys: Keys, values: Values, context: CallContext): Promise<void> {
    const fault = context.tables.broken.get(table) ?? context.tables.absent.get(table);
    if (fault !== undefined) throw fault;
    checkKeepable(this.name, table, { ...keys, ...values });
    if (await this.#change(table, keys, values, context)) return;
    try {
      await this.#connection.run(insert(this.#connection.dialect, table, { ...keys, ...values }), context.deadline);
    } catch (error) {
      if (!(error instanceof SqlError) || error.detail !== 'duplicate') throw error;
      if (!(await this.#change(table, keys, values, context))) throw this.#alike(table, error);
    }
  }

  async #change(table: TableName, keys: Keys, values: Values, { deadline }: CallContext): Promise<boolean> {
    // A row of nothing but keys is set to what it is.
    const set = Object.keys(values).length === 0 ? keys : values;
    return (await this.#connection.run(update(this.#connection.dialect, table, keys, set), deadline)).changes > 0;
  }

  #alike(table: TableName, cause: SqlError): StoreError {
    const message =
      `store ${this.name}: ${table} holds an entry that differs only in letter case, accents or spaces at the end, ` +
      `which its collation takes for equal: give the table a binary collation (ALTER TABLE ${table} CONVERT TO ` +
      'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin), or use another name';
    return new StoreError('schema', message, cause);
  }
}

interface CallContext {
  readonly deadline: number;
  readonly tables: PreparedTables;
}

function ruleTable(kind: StoredPeerRule['kind']): TableName {
  return kind === 'allow' ? 'allowed_peer_ip' : 'denied_peer_ip';
}

/**
 * A store on a connection, which it closes from now on. Rejects with what somebody has to mend; a server that does not
 * answer makes no error yet.
 */
export async function openSqlStore(connection: SqlConnection): Promise<Store> {
  const store = new SqlStore(connection);
  try {
    await store.ping();
  } catch (error) {
    const mends = error instanceof StoreError && (error.fault === 'unreachable' || error.fault === 'timeout');
    if (mends) return store;
    await store.close();
    throw error;
  }
  return store;
}
