// Owns what `store` and `statsdb` come to: where a driver is to look, or nowhere. Opens nothing.

import { join } from 'node:path';
import { parseStoreUrl, type StoreUrl } from '../store/store-url.ts';
import type { StoreSetting } from './config.ts';
import { type CredentialFiles, storeUrlOf } from './credentials.ts';
import type { ValueFault } from './issues.ts';
import type { PathResolver } from './path-resolver.ts';
import type { Settings } from './schema.ts';

/** Where the stores of a configuration are. */
export interface Stores {
  readonly store: StoreSetting | null;
  readonly statsdb: StoreUrl | null;
  readonly faults: readonly ValueFault[];
}

interface Context {
  readonly files: CredentialFiles;
  readonly paths: PathResolver;
  /** Absolute. */
  readonly stateDir: string;
}

/** Reads both settings. */
export function readStores(settings: Settings, context: Context): Stores {
  const store = readUrl('store', settings, context);
  const statsdb = readUrl('statsdb', settings, context);
  const faults = [store, statsdb].flatMap((each) => ('message' in each ? [each] : []));
  if ('value' in statsdb && statsdb.value !== null && statsdb.value.kind !== 'redis') {
    faults.push({ path: ['statsdb'], message: 'must be the URL of a Redis: redis://user:password@host:6379/0' });
  }
  const isDefault = settings.store === 'auto';
  return {
    store: 'value' in store && store.value !== null ? Object.freeze({ url: store.value, isDefault }) : null,
    statsdb: 'value' in statsdb ? statsdb.value : null,
    faults,
  };
}

function readUrl(
  key: 'store' | 'statsdb',
  settings: Settings,
  { files, paths, stateDir }: Context,
): { readonly value: StoreUrl | null } | ValueFault {
  const text = storeUrlOf(settings, key, files);
  if (text === 'none') return { value: null };
  if (key === 'store' && text === 'auto') {
    return { value: Object.freeze({ kind: 'sqlite', path: join(stateDir, 'turnd.db') }) };
  }
  const parsed = parseStoreUrl(text, (path) => paths.resolve([key], path));
  return 'error' in parsed ? { path: [key], message: parsed.error } : { value: Object.freeze(parsed.value) };
}
