// Owns the environment as a source of settings: the names of DESIGN.md §1, their `_FILE` forms, and unknown names.

import { type FileReader, tryRead } from './file-reader.ts';
import type { ConfigKey } from './keys.ts';
import { type Fault, type Override, valueFromText } from './overrides.ts';
import { faultIfWritable, warnIfReadable } from './secret-files.ts';
import { suggest } from './suggest.ts';
import { type Located, locateFile } from './systemd-credentials.ts';

/** What the environment says. */
export interface EnvironmentSettings {
  readonly overrides: readonly Override[];
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

const OWN_NAMES = /^TURND_(?:CONFIG|TEST_.*)$/;

/** Reads all `TURND_…` variables. An empty variable counts as absent (as Compose files make them). */
export function readEnvironment(env: Environment, keys: readonly ConfigKey[], reader: FileReader): EnvironmentSettings {
  const byVariable = new Map(keys.map((key) => [key.variable, key]));
  const overrides: Override[] = [];
  const faults: Fault[] = [];
  const warnings: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('TURND_') || OWN_NAMES.test(name) || text === undefined || text === '') continue;
    const found = readVariable(name, text, byVariable, env, reader);
    if ('message' in found) faults.push(found);
    else overrides.push(found);
    const warning = warnOfFile(name, text, byVariable, { env, reader });
    if (warning !== null) warnings.push(warning);
  }
  return { overrides, faults, warnings };
}

function readVariable(
  name: string,
  text: string,
  byVariable: ReadonlyMap<string, ConfigKey>,
  env: Environment,
  reader: FileReader,
): Override | Fault {
  const key = byVariable.get(name);
  if (key !== undefined) return toOverride(name, key, text, /,/);
  const fileKey = fileKeyOf(name, byVariable);
  if (fileKey === undefined) return { source: name, message: `unknown variable${suggest(name, byVariable.keys())}` };
  if (env[fileKey.variable]) return { source: name, message: `${fileKey.variable} is set as well; keep one` };
  const file = readNamed(
    locateFile(text, { env, reader }, () => text),
    fileKey,
    reader,
  );
  if ('error' in file) return { source: name, message: file.error };
  // Lists in a file have one element in each line: a secret may contain a comma.
  return toOverride(name, fileKey, file.text.replace(/\r?\n$/, ''), /\r?\n/);
}

/** `TURND_AUTH__SECRETS_FILE` gives the value of `auth.secrets`; a key that itself ends in `-file` comes first. */
function fileKeyOf(name: string, byVariable: ReadonlyMap<string, ConfigKey>): ConfigKey | undefined {
  if (byVariable.has(name) || !name.endsWith('_FILE')) return undefined;
  return byVariable.get(name.slice(0, -'_FILE'.length));
}

function toOverride(source: string, key: ConfigKey, text: string, separator: RegExp): Override | Fault {
  const parsed = valueFromText(text, key, separator);
  return 'error' in parsed ? { source, message: parsed.error } : { path: key.path, value: parsed.value, source };
}

function readNamed(located: Located, key: ConfigKey, reader: FileReader): { text: string } | { error: string } {
  if ('error' in located) return located;
  const fault = holdsSecrets(key) ? faultIfWritable(reader, located.path) : null;
  return fault === null ? tryRead(reader, located.path) : { error: fault };
}

function warnOfFile(
  name: string,
  text: string,
  byVariable: ReadonlyMap<string, ConfigKey>,
  { env, reader }: { readonly env: Environment; readonly reader: FileReader },
): string | null {
  const key = fileKeyOf(name, byVariable);
  if (key === undefined || !holdsSecrets(key)) return null;
  const located = locateFile(text, { env, reader }, () => text);
  return 'path' in located ? warnIfReadable(reader, located.path) : null;
}

/** A store's URL may have a password in it. */
function holdsSecrets({ path: [section] }: ConfigKey): boolean {
  return section === 'auth' || section === 'store' || section === 'statsdb';
}
