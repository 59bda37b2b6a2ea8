// Reads URLs of stores for tests: a wrong one is a bug of the test.

import { resolve } from 'node:path';
import { parseStoreUrl, type StoreUrl } from '../../src/store/store-url.ts';

/** The parts of `text`. */
export function storeUrl(text: string): StoreUrl {
  const parsed = parseStoreUrl(text, (path) => resolve(path));
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.value;
}
