// Where coturn looks for a file that is named without a full path.

import { resolve } from 'node:path';

/** What an import may know of the machine. */
export interface ImportHost {
  /** Absolute path of the working directory. */
  readonly cwd: string;
  /** Whether there is a file at this absolute path. */
  exists(path: string): boolean;
}

const DIRECTORIES = ['', 'etc', '../etc', '/etc', '/usr/local/etc', '/usr/etc'].flatMap((directory) =>
  ['', 'turnserver', 'coturn'].map((below) => [directory, below] as const),
);

/** The absolute path of the first that is there; null if there is none. A full path is taken as it is. */
export function findFile(name: string, host: ImportHost): string | null {
  if (name.startsWith('/')) return host.exists(name) ? name : null;
  for (const [directory, below] of DIRECTORIES) {
    const path = resolve(host.cwd, directory, below, name);
    if (host.exists(path)) return path;
  }
  return name.startsWith('etc/') ? findFile(name.slice(4), host) : null;
}
