// Owns the second way to name a file: `credential:NAME` is what systemd hands to the service under that name
// (LoadCredential=), where nobody else can read it.

import { join } from 'node:path';
import type { Environment } from './environment.ts';
import type { FileReader } from './file-reader.ts';

/** Where a file is, or why that cannot be said. */
export type Located = { readonly path: string } | { readonly error: string };

/** What is looked at: the variable `CREDENTIALS_DIRECTORY`, and whether a credential is there. */
export interface CredentialPlace {
  readonly env: Environment;
  readonly reader: FileReader;
}

const SCHEME = 'credential:';
/** As systemd.exec(5) has it: one name of a file. */
const NAME = /^(?!\.\.?$)[^/\p{Cc}]{1,255}$/u;

/** The file behind `credential:NAME`. Any other text is a path, which `resolve` makes absolute. */
export function locateFile(text: string, { env, reader }: CredentialPlace, resolve: () => string): Located {
  if (!text.startsWith(SCHEME)) return { path: resolve() };
  const name = text.slice(SCHEME.length);
  if (!NAME.test(name)) return { error: `${SCHEME} needs a name of LoadCredential=, such as ${SCHEME}secret` };
  const advice = `put LoadCredential=${name}:/path/of/the/file into the [Service] section of turnd's unit`;
  const directory = env['CREDENTIALS_DIRECTORY'];
  if (!directory) return { error: `systemd has handed over no credentials ($CREDENTIALS_DIRECTORY): ${advice}` };
  const path = join(directory, name);
  return isThere(path, reader) ? { path } : { error: `there is no credential ${name} in ${directory}: ${advice}` };
}

function isThere(path: string, reader: FileReader): boolean {
  try {
    reader.mode(path);
    return true;
  } catch {
    return false;
  }
}
