// Owns `turnctl config import-coturn FILE`: coturn's configuration as a turnd.yaml.

import { resolve } from 'node:path';
import { importHost } from '../config/coturn-source.ts';
import { tryRead } from '../config/file-reader.ts';
import { parseConfig } from '../config/parse-config.ts';
import { suggest } from '../config/suggest.ts';
import { importCoturn } from '../coturn/import-coturn.ts';
import { looksLikeCoturn } from '../coturn/looks-like-coturn.ts';
import { yamlText } from '../coturn/yaml-text.ts';
import { escapeText } from '../escape-text.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';
import { writePrivateFile } from './write-private-file.ts';

/** Where the YAML goes. */
export interface ImportOptions {
  /** Standard output if absent. */
  readonly output?: string;
  readonly force?: boolean;
}

/** Imports a file. When anything in it is wrong, every line is reported and nothing is written. */
export function importConfig(file: string, { output, force = false }: ImportOptions, io: CommandIo): ExitStatus {
  const path = resolve(io.cwd, file);
  const content = tryRead(io.reader, path);
  if ('error' in content) return refuse([content.error], io);
  const { text } = content;
  if (!looksLikeCoturn(text)) return refuse([`${path} is not a configuration of coturn`], io);
  const { cwd, reader } = io;
  const result = parseConfig({ flags: [], env: {}, file: { path, text }, cwd, reader });
  if (!result.ok) return refuse(result.errors, io);
  for (const warning of result.warnings) io.err(`warning: ${warning}\n`);
  const yaml = yamlText(importCoturn(text, importHost(cwd, reader), suggest), path);
  if (output === undefined) {
    io.out(yaml);
    return ExitStatus.ok;
  }
  const fault = writePrivateFile(resolve(cwd, output), yaml, force);
  if (fault !== null) {
    io.err(`${escapeText(fault)}\n`);
    return ExitStatus.failed;
  }
  io.out(`${escapeText(resolve(cwd, output))}: written\n`);
  return ExitStatus.ok;
}

function refuse(errors: readonly string[], io: CommandIo): ExitStatus {
  for (const error of errors) io.err(`${escapeText(error)}\n`);
  return ExitStatus.invalid;
}
