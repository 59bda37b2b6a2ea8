// Where users are kept: which of coturn's databases counts, as the URL of a store.

import { resolve } from 'node:path';
import { mysqlUrl, postgresUrl, redisUrl, type StoreUrlResult, sqliteUrl } from './connection-strings.ts';
import type { Entry } from './coturn-file.ts';
import type { Draft } from './draft.ts';
import { findFile, type ImportHost } from './find-file.ts';
import type { AuthResult } from './resolve-auth.ts';

const DATABASES = ['userdb', 'db', 'psql-userdb', 'sql-userdb', 'mysql-userdb', 'mongo-userdb', 'redis-userdb'];

const FILE_PARAMETERS = ['ca', 'cert', 'key', 'sslrootcert', 'sslcert', 'sslkey'];

/** Where coturn, as distributions build it, has its SQLite file. */
const DEFAULT_FILES = ['/var/lib/turn/turndb', '/var/db/turndb', '/usr/local/var/db/turndb'];

/** Sets `store` and `statsdb`. */
export function resolveStore(draft: Draft, auth: AuthResult, host: ImportHost): void {
  const chosen = draft.lastOf(DATABASES);
  for (const name of DATABASES) {
    for (const entry of draft.all(name))
      if (entry !== chosen) draft.warn(entry, 'another database follows, which counts');
  }
  if (chosen === null) useDefaultFile(draft, auth, host);
  else if (chosen.value === '') draft.fault(chosen, 'needs a value');
  else if (chosen.name !== 'mongo-userdb')
    setUrl(draft, 'store', chosen, withFullPaths(storeUrl(chosen, host), host.cwd));
  refuseEncryption(draft);
  const statsdb = draft.text('redis-statsdb');
  if (statsdb !== null) setUrl(draft, 'statsdb', statsdb, withFullPaths(redisUrl(statsdb.value), host.cwd));
}

function storeUrl({ name, value }: Entry, host: ImportHost): StoreUrlResult {
  switch (name) {
    case 'psql-userdb':
    case 'sql-userdb':
      return postgresUrl(value);
    case 'mysql-userdb':
      return mysqlUrl(value);
    case 'redis-userdb':
      return redisUrl(value);
    default:
      return { url: sqliteUrl(findFile(value, host) ?? resolve(host.cwd, value)), remarks: [] };
  }
}

function setUrl(draft: Draft, key: 'store' | 'statsdb', source: Entry, result: StoreUrlResult): void {
  if ('error' in result) {
    draft.fault(source, result.error);
    return;
  }
  draft.set(key, result.url, `${source.name}; {url-file: …} keeps a password out of this file.`, [source]);
  for (const remark of result.remarks) draft.warn(source, remark);
}

/** Certificates are looked for from the working directory, wherever the configuration will be. */
function withFullPaths(result: StoreUrlResult, cwd: string): StoreUrlResult {
  if ('error' in result || !result.url.includes('?')) return result;
  const url = new URL(result.url);
  for (const name of FILE_PARAMETERS) {
    const path = url.searchParams.get(name);
    if (path !== null) url.searchParams.set(name, resolve(cwd, path));
  }
  return { ...result, url: url.href };
}

/** coturn opens its default file even when nobody names it. */
function useDefaultFile(draft: Draft, { isDemanded, hasOwn }: AuthResult, host: ImportHost): void {
  const file = DEFAULT_FILES.find((path) => host.exists(path));
  if (!isDemanded || file === undefined) return;
  if (hasOwn) {
    draft.warn('userdb', `is absent: coturn uses ${file} too; if it holds users or secrets, say userdb=${file}`);
    return;
  }
  draft.set('store', sqliteUrl(file), 'coturn uses this file where no database is named.');
  draft.warn('userdb', `is absent: ${file} is used, as coturn does`);
}

function refuseEncryption(draft: Draft): void {
  const entry = draft.last('secret-key-file');
  if (entry === null) return;
  const isUsed = draft.lastOf(DATABASES)?.name === 'mysql-userdb';
  if (isUsed)
    draft.fault(entry, 'encrypted passwords of mysql-userdb cannot be read: write the plain one, without this line');
  else draft.warn(entry, 'not needed: it is for mysql-userdb only');
}
