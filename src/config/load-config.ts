// Owns the search for the configuration file, and its loading together with flags and environment.

import { resolve } from 'node:path';
import { describeSystemError } from '../errors.ts';
import { escapeText } from '../escape-text.ts';
import type { Environment } from './environment.ts';
import type { FileReader } from './file-reader.ts';
import type { Override } from './overrides.ts';
import { type ConfigResult, parseConfig } from './parse-config.ts';

/** Where a configuration is loaded from. */
export interface LoadOptions {
  readonly flags: readonly Override[];
  /** The file that `--config` names, or null. */
  readonly configFile: string | null;
  /** What named it, for faults; `--config` if absent, null if the path says enough. */
  readonly configSource?: string | null;
  readonly env: Environment;
  /** Absolute path of the working directory. */
  readonly cwd: string;
  readonly reader: FileReader;
}

const SEARCHED = Object.freeze(['turnd.yaml', '/etc/turnd/turnd.yaml']);

type FoundFile = { readonly path: string; readonly text: string } | null;

/**
 * Loads the configuration: `--config`, else `$TURND_CONFIG`, else `./turnd.yaml`, else `/etc/turnd/turnd.yaml`, else none.
 * Never throws on bad input.
 */
export function loadConfig(options: LoadOptions): ConfigResult {
  const found = findFile(options);
  const file = found !== null && 'error' in found ? null : found;
  const result = parseConfig({ ...options, file });
  if (found === null || !('error' in found)) return result;
  return { ok: false, errors: [escapeText(found.error), ...(result.ok ? [] : result.errors)] };
}

function findFile({
  configFile,
  configSource = '--config',
  env,
  cwd,
  reader,
}: LoadOptions): FoundFile | { readonly error: string } {
  if (configFile !== null) return readNamed(configSource, resolve(cwd, configFile), reader);
  const fromEnvironment = env['TURND_CONFIG'];
  if (fromEnvironment) return readNamed('TURND_CONFIG', resolve(cwd, fromEnvironment), reader);
  for (const candidate of SEARCHED) {
    const path = resolve(cwd, candidate);
    const found = readIfThere(path, reader, null);
    if (found !== null) return found;
  }
  return null;
}

function readNamed(source: string | null, path: string, reader: FileReader): FoundFile | { readonly error: string } {
  const found = readIfThere(path, reader, source);
  return found ?? { error: `${prefixOf(source)}cannot read ${path}: no such file or directory` };
}

/** Null only if the file is not there: one that is there but cannot be read must not be passed over in silence. */
function readIfThere(path: string, reader: FileReader, source: string | null): FoundFile | { readonly error: string } {
  try {
    return { path, text: reader.read(path) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    return { error: `${prefixOf(source)}cannot read ${path}: ${describeSystemError(error)}` };
  }
}

function prefixOf(source: string | null): string {
  return source === null ? '' : `${source}: `;
}
