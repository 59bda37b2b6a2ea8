// Owns what `store` and `statsdb` come to: a URL that a driver can be found for, or none. Opens nothing.

import { join } from 'node:path';
import type { StoreSetting } from './config.ts';
import { type CredentialFiles, storeUrlOf } from './credentials.ts';
import type { ValueFault } from './issues.ts';
import type { PathResolver } from './path-resolver.ts';
import type { Settings } from './schema.ts';

/** Where the stores of a configuration are. */
export interface Stores {
  readonly store: StoreSetting | null;
  readonly statsdb: string | null;
  readonly faults: readonly ValueFault[];
}

interface Context {
  readonly files: CredentialFiles;
  readonly paths: PathResolver;
  /** Absolute. */
  readonly stateDir: string;
}

/** Reads both settings. */
export function readStores(settings: Settings, { files, stateDir }: Context): Stores {
  const store = storeUrlOf(settings, 'store', files);
  const statsdb = storeUrlOf(settings, 'statsdb', files);
  return {
    store: store === 'none' ? null : settingOf(store, stateDir),
    statsdb: statsdb === 'none' ? null : statsdb,
    faults: [],
  };
}

function settingOf(url: string, stateDir: string): StoreSetting {
  const isDefault = url === 'auto';
  return Object.freeze({ url: isDefault ? fileUrl(join(stateDir, 'turnd.db')) : url, isDefault });
}

// A path may hold what means something else in a URL.
function fileUrl(path: string): string {
  return `sqlite://${path.split('/').map(encodeURIComponent).join('/')}`;
}
