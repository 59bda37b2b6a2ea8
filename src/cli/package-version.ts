// Owns the version of the package, as operators see it with --version. It is never sent to clients (SECURITY.md S64).

import { readFileSync } from 'node:fs';

/** The version in package.json, which stands three directories above the built file. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
