// Owns the short way to import a configuration of coturn in tests: its tree and its remarks as text.

import { applyOverrides } from '../../src/config/overrides.ts';
import { suggest } from '../../src/config/suggest.ts';
import type { Remark } from '../../src/coturn/draft.ts';
import { importCoturn } from '../../src/coturn/import-coturn.ts';

/** What became of the lines. */
export interface Imported {
  readonly tree: Readonly<Record<string, unknown>>;
  /** `LINE option: message`. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** Imports lines on a machine that has these files; the working directory is /cwd. */
export function imported(lines: readonly string[], files: readonly string[] = []): Imported {
  const host = { cwd: '/cwd', exists: (path: string) => files.includes(path) };
  const { settings, faults, warnings } = importCoturn(lines.join('\n'), host, suggest);
  const overrides = settings.map(({ path, value }) => ({ path, value, source: '' }));
  return { tree: applyOverrides({}, overrides), faults: faults.map(text), warnings: warnings.map(text) };
}

/** The value of a key, by its name with dots. */
export function settingAt({ tree }: Imported, name: string): unknown {
  return name.split('.').reduce<unknown>((node, step) => (node as Record<string, unknown> | undefined)?.[step], tree);
}

function text({ line, option, message }: Remark): string {
  return `${line ?? '-'} ${option}: ${message}`;
}
