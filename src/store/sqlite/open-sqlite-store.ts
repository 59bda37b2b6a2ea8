// Opens the store in a SQLite file. A new file is turnd's own: WAL, and readable for its user only. A file that coturn
// made stays as it is: a `-wal` file of ours could lock coturn out of it.

import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describeSystemError, StoreError } from '../../errors.ts';
import { SqlError } from '../sql/sql-connection.ts';
import { openSqlStore } from '../sql/sql-store.ts';
import { STORE_TIMEOUT_MS, type Store } from '../store.ts';
import { nameOf, type SqliteUrl } from '../store-url.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import { openSqliteDatabase, type SqliteDatabase, type SqliteLibrary, sqliteLibraries } from './sqlite-database.ts';
import { describeSqliteFault, isBusy } from './sqlite-faults.ts';

/** How long a statement may hold the event loop for a busy file, in milliseconds; it is tried again later. */
const BUSY_TIMEOUT_MS = 40;
const OWN_MODE = 0o600;

/** Opens it. `libraries` are tried in turn until one is installed. */
export async function openSqliteStore(
  url: SqliteUrl,
  libraries: readonly SqliteLibrary[] = sqliteLibraries(process.versions.node),
): Promise<Store> {
  const name = nameOf(url);
  makeFile(url.path, name);
  const database = await openWithAny(url.path, name, libraries);
  try {
    await setUpPatiently(database);
  } catch (error) {
    database.close();
    throw new SqlError(name, describeSqliteFault(error), error);
  }
  return openSqlStore(new SqliteConnection(name, database));
}

/** Loads the library that will be used, if any is installed. */
export async function loadSqlite(): Promise<void> {
  for (const library of sqliteLibraries(process.versions.node)) {
    const database = await openSqliteDatabase(':memory:', library).catch(() => null);
    database?.close();
    if (database !== null) return;
  }
}

/** Makes the file with its mode, or says why it cannot be used, better than SQLite would. */
function makeFile(path: string, name: string): void {
  const refuse = (fault: 'unreachable' | 'denied', why: string, cause: unknown): StoreError =>
    new StoreError(fault, `store ${name}: ${why}`, cause);
  try {
    if (!isDirectory(dirname(path))) throw refuse('unreachable', `${dirname(path)} is not a directory`, null);
    if (isDirectory(path)) throw refuse('unreachable', 'it is a directory: name a file in it', null);
    closeSync(openSync(path, 'a+', OWN_MODE));
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const why = `${describeSystemError(error)}: let turnd's user write the file and its directory`;
    throw refuse('denied', why, error);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function openWithAny(path: string, name: string, libraries: readonly SqliteLibrary[]): Promise<SqliteDatabase> {
  for (const library of libraries) {
    try {
      return await openSqliteDatabase(path, library);
    } catch (error) {
      if (!isMissing(error)) throw new SqlError(name, describeSqliteFault(error), error);
    }
  }
  const advice = 'run "npm install libsql" where turnd is, or use Node 22.13 or later';
  throw new StoreError('driver', `store ${name}: the package libsql is not installed: ${advice}`);
}

function isMissing(error: unknown): boolean {
  const codes: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_UNKNOWN_BUILTIN_MODULE'];
  return error instanceof Error && 'code' in error && codes.includes(error.code);
}

/** Two programs that start at the same time make one file. */
async function setUpPatiently(database: SqliteDatabase): Promise<void> {
  const deadline = performance.now() + STORE_TIMEOUT_MS;
  for (;;) {
    try {
      setUp(database);
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    await wait(BUSY_TIMEOUT_MS);
  }
}

function setUp(database: SqliteDatabase): void {
  database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const { rows } = database.run('select count(*) as tables from sqlite_schema', []);
  if (Number(rows[0]?.['tables']) === 0) {
    database.run('pragma journal_mode = wal', []);
  }
}
