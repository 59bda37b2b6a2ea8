// Owns the question whether secrets stand in the configuration file itself, or in a database that is a file: then these
// files must be closed to others as well (S55).

import type { FileReader } from './file-reader.ts';
import { type Override, sourceAt } from './overrides.ts';
import type { Settings } from './schema.ts';
import { faultIfWritable, warnIfReadable } from './secret-files.ts';
import type { Stores } from './stores.ts';

interface Context {
  readonly file: { readonly path: string } | null;
  readonly overrides: readonly Override[];
  readonly reader: FileReader;
}

/** What is said of these files. */
export interface Judgement {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** Judges the file of the configuration, if a secret stands in it, and the file of an SQLite store. */
export function judgeFiles(settings: Settings, stores: Stores, { file, overrides, reader }: Context): Judgement {
  const isConfigSecret = file !== null && holdsSecrets(settings, overrides);
  const database = stores.store?.url.kind === 'sqlite' ? stores.store.url.path : null;
  const paths = [...(isConfigSecret ? [file.path] : []), ...(database === null ? [] : [database])];
  const isTold = (text: string | null): text is string => text !== null;
  return {
    faults: paths.map((path) => faultIfWritable(reader, path)).filter(isTold),
    warnings: paths.map((path) => warnIfReadable(reader, path)).filter(isTold),
  };
}

function holdsSecrets(settings: Settings, overrides: readonly Override[]): boolean {
  const { auth, tls, store, statsdb, control, webhooks } = settings;
  const isOfFile = (...path: string[]): boolean => sourceAt(overrides, path) === null;
  return (
    (isOfFile('auth', 'secrets') && auth.secrets.some(({ value }) => value !== undefined)) ||
    (isOfFile('auth', 'users') && auth.users.some((user) => user.password !== undefined || 'key' in user)) ||
    (isOfFile('tls', 'certificates') && tls.certificates.some(({ passphrase }) => passphrase !== undefined)) ||
    (isOfFile('control', 'tokens') && control.tokens.some(({ token }) => token !== undefined)) ||
    (isOfFile('webhooks') && webhooks.some(({ secret }) => secret !== undefined)) ||
    (isOfFile('store') && hasPassword(store)) ||
    (isOfFile('statsdb') && hasPassword(statsdb))
  );
}

function hasPassword(url: Settings['store']): boolean {
  return typeof url === 'string' && /^[a-z]+:\/\/[^/@]*:[^/]*@/i.test(url);
}
