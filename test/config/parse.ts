// Owns the short way to parse a configuration in tests.

import type { Config } from '../../src/config/config.ts';
import type { Override } from '../../src/config/overrides.ts';
import { type ConfigResult, parseConfig } from '../../src/config/parse-config.ts';
import { fakeFiles } from './fake-files.ts';

/** What a test gives; all else is empty. */
export interface Given {
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly Override[];
  readonly files?: Readonly<Record<string, string>>;
  readonly modes?: Readonly<Record<string, number>>;
}

/** Parses with the file at /conf/turnd.yaml and the working directory /cwd. */
export function parse({ yaml, env = {}, flags = [], files = {}, modes = {} }: Given): ConfigResult {
  const path = '/conf/turnd.yaml';
  const all = yaml === undefined ? files : { ...files, [path]: yaml };
  const file = yaml === undefined ? null : { path, text: yaml };
  return parseConfig({ env, flags, file, cwd: '/cwd', reader: fakeFiles(all, modes) });
}

/** The faults of a configuration, the file's name cut off. */
export function errorsOf(given: Given): readonly string[] {
  const result = parse(given);
  return result.ok ? [] : result.errors.map((error) => error.replace('/conf/turnd.yaml:', ''));
}

/** The Config, or an exception with the faults. */
export function configOf(given: Given): Config {
  const result = parse(given);
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return result.config;
}

/** The warnings, or an exception with the faults. */
export function warningsOf(given: Given): readonly string[] {
  const result = parse(given);
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return result.warnings;
}
