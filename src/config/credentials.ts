// Owns the credentials of a configuration, URLs with passwords among them: reads the files that hold them, and judges
// their strength. It works on the raw tree, so that missing files are reported together with all other faults.

import { type FileReader, tryRead, warnIfReadable } from './file-reader.ts';
import { isTree, type Tree } from './overrides.ts';
import type { Settings } from './schema.ts';
import { parseUserFile, type StaticUser } from './user-file.ts';

/** A file that could not be used, and the key that names it. */
export interface CredentialFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The texts of all files that hold credentials, by `pathKey` of the key that names them. */
export interface CredentialFiles {
  readonly texts: ReadonlyMap<string, string>;
  readonly users: readonly StaticUser[];
  readonly faults: readonly CredentialFault[];
  readonly warnings: readonly string[];
}

/** The credentials of a configuration, their files read. */
export interface Credentials {
  readonly secrets: readonly string[];
  readonly users: readonly StaticUser[];
}

/** Resolves the path of a file that the key at `path` names. */
export type ResolvePath = (path: readonly PropertyKey[], file: string) => string;

const USER_FILE: readonly PropertyKey[] = Object.freeze(['auth', 'user-file']);
const STORE_KEYS: readonly ('store' | 'statsdb')[] = Object.freeze(['store', 'statsdb']);
const MIN_SECRET_LENGTH = 16;
const MIN_PASSWORD_LENGTH = 8;

/** Reads every file that `auth` names. */
export function readCredentialFiles(tree: Tree, resolve: ResolvePath, reader: FileReader): CredentialFiles {
  const texts = new Map<string, string>();
  const faults: CredentialFault[] = [];
  const warnings: string[] = [];
  for (const { path, file } of namedFiles(tree)) {
    const resolved = resolve(path, file);
    const content = tryRead(reader, resolved);
    const warning = warnIfReadable(reader, resolved);
    if (warning !== null) warnings.push(`${path.join('.')}: ${warning}`);
    if ('error' in content) faults.push({ path, message: content.error });
    else if (firstLine(content.text) === '') faults.push({ path, message: `${resolved} is empty` });
    else texts.set(pathKey(path), content.text);
  }
  const userText = texts.get(pathKey(USER_FILE)) ?? '';
  const { users, faults: lineFaults } = parseUserFile(userText);
  const userFile = namedFiles(tree).find(({ path }) => path === USER_FILE)?.file ?? '';
  for (const { line, message } of lineFaults) {
    faults.push({ path: USER_FILE, message: `${resolve(USER_FILE, userFile)}:${line}: ${message}` });
  }
  return { texts, users, faults, warnings };
}

/** Puts the credentials together. `settings` has passed the schema, and `files` has no faults. */
export function collectCredentials(settings: Settings, files: CredentialFiles): Credentials {
  const secrets = settings.auth.secrets.map((entry, index) => {
    const file = files.texts.get(pathKey(['auth', 'secrets', index, 'value-file']));
    return file === undefined ? secretValue(entry) : firstLine(file);
  });
  const users = settings.auth.users.map((entry, index): StaticUser => {
    const file = files.texts.get(pathKey(['auth', 'users', index, 'password-file']));
    if (file !== undefined) return { name: entry.name, password: firstLine(file) };
    if ('key' in entry && entry.key !== undefined) return { name: entry.name, key: entry.key };
    return { name: entry.name, password: entry.password ?? '' };
  });
  return { secrets, users: [...users, ...files.users] };
}

/** The URL of a store as it is written, or as its file says. */
export function storeUrlOf(settings: Settings, key: 'store' | 'statsdb', files: CredentialFiles): string {
  const value = settings[key];
  return typeof value === 'string' ? value : firstLine(files.texts.get(pathKey([key, 'url-file'])) ?? '');
}

/** Names each user that is there twice. */
export function findRepeatedUsers(users: readonly StaticUser[]): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name } of users) (seen.has(name) ? repeated : seen).add(name);
  return [...repeated];
}

/** Warns of credentials that can be guessed, without repeating them. */
export function warnOfWeakCredentials({ secrets, users }: Credentials): string[] {
  const weakSecrets = secrets.flatMap((secret, index) =>
    secret.length < MIN_SECRET_LENGTH ? [`auth.secrets.${index}: has fewer than ${MIN_SECRET_LENGTH} characters`] : [],
  );
  const weakUsers = users.flatMap((user) =>
    'password' in user && user.password.length < MIN_PASSWORD_LENGTH
      ? [`auth.users: the password of ${JSON.stringify(user.name)} has fewer than ${MIN_PASSWORD_LENGTH} characters`]
      : [],
  );
  return [...weakSecrets, ...weakUsers];
}

function namedFiles(tree: Tree): { path: readonly PropertyKey[]; file: string }[] {
  const auth = isTree(tree['auth']) ? tree['auth'] : {};
  return [
    ...entryFiles(auth, 'secrets', 'value-file'),
    ...entryFiles(auth, 'users', 'password-file'),
    ...(isFileName(auth['user-file']) ? [{ path: USER_FILE, file: auth['user-file'] }] : []),
    ...STORE_KEYS.flatMap((key) => urlFile(tree, key)),
  ];
}

function urlFile(tree: Tree, key: string): { path: readonly PropertyKey[]; file: string }[] {
  const entry = tree[key];
  const file = isTree(entry) ? entry['url-file'] : undefined;
  return isFileName(file) ? [{ path: [key, 'url-file'], file }] : [];
}

function entryFiles(auth: Tree, list: string, key: string): { path: readonly PropertyKey[]; file: string }[] {
  const entries: readonly unknown[] = Array.isArray(auth[list]) ? auth[list] : [];
  return entries.flatMap((entry, index) => {
    const file = isTree(entry) ? entry[key] : undefined;
    return isFileName(file) ? [{ path: ['auth', list, index, key], file }] : [];
  });
}

function isFileName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function secretValue(entry: Settings['auth']['secrets'][number]): string {
  return entry.value ?? '';
}

function firstLine(text: string): string {
  return text.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0] ?? '';
}

function pathKey(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}
