// Owns how commands come by the configuration that turnd would use, and how they tell what is wrong with it.

import { loadConfig } from '../config/load-config.ts';
import type { ConfigResult } from '../config/parse-config.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

/** Loads `file`, or the one that turnd would find when it is undefined. */
export function loadCommandConfig(file: string | undefined, { env, cwd, reader }: CommandIo): ConfigResult {
  return loadConfig({ flags: [], configFile: file ?? null, configSource: null, env, cwd, reader });
}

/** Prints every fault of a configuration. */
export function reportErrors(errors: readonly string[], io: CommandIo): ExitStatus {
  for (const error of errors) io.err(`${error}\n`);
  return ExitStatus.invalid;
}

/** Prints what is odd but no fault. */
export function reportWarnings(warnings: readonly string[], io: CommandIo): void {
  for (const warning of warnings) io.err(`warning: ${warning}\n`);
}
