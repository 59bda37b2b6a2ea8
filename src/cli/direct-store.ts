// Owns the administration of a store without a running turnd: which store is meant, and that root stays out of the files
// of the server's user.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { AdminError } from '../control/administration.ts';
import { StoreAdministration } from '../control/store-administration.ts';
import { describeSystemError } from '../errors.ts';
import { loadSqliteDriver, openStore } from '../store/open-store.ts';
import { parseStoreUrl, type StoreUrl } from '../store/store-url.ts';
import type { FoundConfig, OpenAdministration } from './context.ts';
import type { CommandIo } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

const SECRET_BYTES = 32;
const NO_STORE = 'the configuration has no store (store: none): set one, or name one with --store';

/** Opens the store of `--store`, or of the configuration. @throws UsageError, StoreError */
export async function openDirectStore(
  text: string | null,
  found: FoundConfig,
  io: CommandIo,
): Promise<OpenAdministration> {
  const config = configOf(found);
  const url = text === null ? storeOf(config) : parseUrl(text, io);
  if (url.kind === 'sqlite') await becomeOwner(dirname(url.path));
  const store = await openStore(url);
  const configured = new Set(config.auth.users.map(({ name }) => name));
  const administration = new StoreAdministration({
    store,
    defaultRealm: config.realm,
    now: Date.now,
    makeSecret: () => randomBytes(SECRET_BYTES).toString('hex'),
    isConfigured: ({ realm, name }) => realm === config.realm && configured.has(name),
  });
  return { administration, close: () => store.close() };
}

/** Whether the store of a configuration is there at all: the default one is made with its first use. */
export function isStoreThere({ store }: Config): boolean {
  return store !== null && (!store.isDefault || store.url.kind !== 'sqlite' || existsSync(store.url.path));
}

function configOf(found: FoundConfig): Config {
  if ('config' in found) return found.config;
  throw new UsageError(found.errors.join('\n'));
}

function storeOf({ store, configFile, stateDir }: Config): StoreUrl {
  if (store === null) throw new UsageError(NO_STORE);
  if (!store.isDefault || store.url.kind !== 'sqlite' || existsSync(stateDir)) return store.url;
  // Else a mistyped directory would get a store that no turnd ever looks at.
  if (configFile === null) {
    const advice = 'name a configuration with --config, or a store with --store';
    throw new UsageError(`turnd is not running, and there is neither a configuration nor ${stateDir}: ${advice}`);
  }
  makeStateDirectory(stateDir);
  return store.url;
}

function makeStateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AdminError('unavailable', `cannot make ${path}: ${describeSystemError(error)}`, { cause: error });
  }
}

function parseUrl(text: string, { cwd }: CommandIo): StoreUrl {
  const parsed = parseStoreUrl(text, (path) => resolve(cwd, path));
  if ('error' in parsed) throw new UsageError(`--store: ${parsed.error}`);
  return parsed.value;
}

/**
 * What root does in the directory of another user is done as that user: what is made there is his, so that turnd can write
 * it, and links that he may have put there lead root nowhere. For the rest of the process.
 */
export async function becomeOwner(directory: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const owner = statSync(directory, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return;
  await loadSqliteDriver(); // he may not be able to read the program
  process.setgroups?.([]);
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
}
