// Owns the credentials of a configuration, URLs with passwords among them: reads the files that hold them, and judges
// their strength. It works on the raw tree, so that missing files are reported together with all other faults.

import { quoteText } from '../escape-text.ts';
import { type FileReader, tryRead } from './file-reader.ts';
import { isTree, type Tree } from './overrides.ts';
import type { Settings } from './schema.ts';
import { faultIfWritable, warnIfReadable } from './secret-files.ts';
import { isWeakPassword, isWeakSecret, WEAK_PASSWORD, WEAK_SECRET } from './secret-strength.ts';
import type { Located } from './systemd-credentials.ts';
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

/** Finds the file that the key at `path` names. */
export type Locate = (path: readonly PropertyKey[], file: string) => Located;

const USER_FILE: readonly PropertyKey[] = Object.freeze(['auth', 'user-file']);
const STORE_KEYS: readonly ('store' | 'statsdb')[] = Object.freeze(['store', 'statsdb']);
/** Users with weak passwords that a warning names. */
const NAMED_USERS = 3;

/** Reads every file that holds credentials. */
export function readCredentialFiles(tree: Tree, locate: Locate, reader: FileReader): CredentialFiles {
  const texts = new Map<string, string>();
  const faults: CredentialFault[] = [];
  const warnings: string[] = [];
  for (const { path, file } of namedFiles(tree)) {
    const content = readSecret(locate(path, file), reader);
    if ('error' in content) faults.push({ path, message: content.error });
    else texts.set(pathKey(path), content.text);
    if ('warning' in content) warnings.push(`${path.join('.')}: ${content.warning}`);
  }
  const { users, faults: lineFaults } = parseUserFile(texts.get(pathKey(USER_FILE)) ?? '');
  const userFile = namedFiles(tree).find(({ path }) => path === USER_FILE)?.file ?? '';
  const located = locate(USER_FILE, userFile);
  const name = 'path' in located ? located.path : userFile;
  for (const { line, message } of lineFaults) faults.push({ path: USER_FILE, message: `${name}:${line}: ${message}` });
  return { texts, users, faults, warnings };
}

function readSecret(located: Located, reader: FileReader): { text: string; warning?: string } | { error: string } {
  if ('error' in located) return located;
  const { path } = located;
  const content = tryRead(reader, path);
  if ('error' in content) return content;
  if (firstLine(content.text) === '') return { error: `${path} is empty` };
  const fault = faultIfWritable(reader, path);
  if (fault !== null) return { error: fault };
  const warning = warnIfReadable(reader, path);
  return warning === null ? content : { ...content, warning };
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
    isWeakSecret(secret) ? [`auth.secrets.${index}: ${WEAK_SECRET}`] : [],
  );
  const weakUsers = users.filter((user) => 'password' in user && isWeakPassword(user.password, user.name));
  return weakUsers.length === 0 ? weakSecrets : [...weakSecrets, `auth.users: ${nameWeak(weakUsers)}`];
}

/** One sentence for all: a file may have thousands. */
function nameWeak(users: readonly StaticUser[]): string {
  const [first, ...others] = users.slice(0, NAMED_USERS).map(({ name }) => quoteText(name));
  const more = users.length - NAMED_USERS;
  const names = [first, ...others, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return users.length === 1
    ? `the password of ${names} ${WEAK_PASSWORD}`
    : `the passwords of ${names} ${WEAK_PASSWORD}`;
}

function namedFiles(tree: Tree): { path: readonly PropertyKey[]; file: string }[] {
  const auth = isTree(tree['auth']) ? tree['auth'] : {};
  const control = isTree(tree['control']) ? tree['control'] : {};
  return [
    ...entryFiles(auth, ['auth', 'secrets'], 'value-file'),
    ...entryFiles(auth, ['auth', 'users'], 'password-file'),
    ...entryFiles(control, ['control', 'tokens'], 'token-file'),
    ...entryFiles(tree, ['webhooks'], 'secret-file'),
    ...(isFileName(auth['user-file']) ? [{ path: USER_FILE, file: auth['user-file'] }] : []),
    ...STORE_KEYS.flatMap((key) => urlFile(tree, key)),
  ];
}

function urlFile(tree: Tree, key: string): { path: readonly PropertyKey[]; file: string }[] {
  const entry = tree[key];
  const file = isTree(entry) ? entry['url-file'] : undefined;
  return isFileName(file) ? [{ path: [key, 'url-file'], file }] : [];
}

function entryFiles(
  section: Tree,
  path: readonly string[],
  key: string,
): { path: readonly PropertyKey[]; file: string }[] {
  const list = section[path.at(-1) ?? ''];
  const entries: readonly unknown[] = Array.isArray(list) ? list : [];
  return entries.flatMap((entry, index) => {
    const file = isTree(entry) ? entry[key] : undefined;
    return isFileName(file) ? [{ path: [...path, index, key], file }] : [];
  });
}

function isFileName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function secretValue(entry: Settings['auth']['secrets'][number]): string {
  return entry.value ?? '';
}

/** The first line of a file. */
export function firstLine(text: string): string {
  return text.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0] ?? '';
}

/** What a file's text is found by in {@link CredentialFiles}. */
export function pathKey(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}
