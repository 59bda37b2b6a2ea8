// Chooses the driver of a store and loads it on demand: a driver's package that is not installed is asked of nobody
// who does not use it.

import { StoreError } from '../errors.ts';
import type { Store } from './store.ts';
import { nameOf, type ServerUrl, type StoreUrl } from './store-url.ts';

/** The package that speaks to each server. */
const PACKAGES = Object.freeze({ postgres: 'pg', mysql: 'mysql2', redis: 'ioredis' });

/**
 * Opens a store. A server that does not answer now makes no error: `ping` tells, and later calls find it when it is
 * back. Rejects with a StoreError for what somebody has to mend: the driver, a password, permissions, the tables, TLS,
 * an unusable file.
 */
export async function openStore(url: StoreUrl): Promise<Store> {
  if (url.kind === 'sqlite') {
    const { openSqliteStore } = await import('./sqlite/open-sqlite-store.ts');
    return openSqliteStore(url);
  }
  try {
    return await openServerStore(url);
  } catch (error) {
    if (isMissingPackage(error, PACKAGES[url.kind])) throw missingDriver(url, error);
    throw error;
  }
}

/** Loads what {@link openStore} will need for a file, as far as it is there: for a process that is about to lose rights. */
export async function loadSqliteDriver(): Promise<void> {
  const { loadSqlite } = await import('./sqlite/open-sqlite-store.ts');
  await loadSqlite();
}

async function openServerStore(url: ServerUrl): Promise<Store> {
  switch (url.kind) {
    case 'postgres':
      return (await import('./postgres/open-postgres-store.ts')).openPostgresStore(url);
    case 'mysql':
      return (await import('./mysql/open-mysql-store.ts')).openMysqlStore(url);
    case 'redis':
      return (await import('./redis/open-redis-store.ts')).openRedisStore(url);
  }
}

function missingDriver(url: ServerUrl, cause: unknown): StoreError {
  const name = PACKAGES[url.kind];
  const message = `store ${nameOf(url)}: the package ${name} is not installed: run "npm install ${name}" where turnd is`;
  return new StoreError('driver', message, cause);
}

/** Whether `import(name)` failed because there is no such package, and not because of something inside it. */
export function isMissingPackage(error: unknown, name: string): boolean {
  const isNotFound = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  return isNotFound && error.message.includes(`'${name}'`);
}
