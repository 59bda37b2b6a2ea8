// coturn's options by name, from coturn's own table.

import { readFileSync } from 'node:fs';
import { projectRoot } from '../../support/vectors.ts';

/** Every name of the fixture, those of older files too. */
export function coturnOptions(): readonly string[] {
  const text = readFileSync(new URL('test/fixtures/coturn-options.json', projectRoot), 'utf8');
  const { options, old } = JSON.parse(text) as { readonly options: readonly string[]; readonly old: readonly string[] };
  return [...options, ...old];
}
