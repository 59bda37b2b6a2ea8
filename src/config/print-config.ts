// Owns the printed form of a configuration: every key with its effective value, secrets replaced by stars.

import { Document, isMap, isScalar } from 'yaml';
import { type ConfigKey, jsonSchema, listKeys } from './keys.ts';
import { applyOverrides, isTree, type Override, type Tree } from './overrides.ts';

const STARS = '***';
const SECRET_KEYS: ReadonlySet<string> = new Set(['value', 'password', 'key']);
const TOKEN_KEYS: ReadonlySet<string> = new Set(['token', 'token-hash']);

/** Where the value at a path comes from; null: it is the default. */
export type OriginOf = (path: readonly string[]) => string | null;

/**
 * Writes a tree (as `parseConfig` returns it) with the defaults filled in, as YAML that holds no secret (S55). With
 * `originOf`, a comment before each value that is not the default says where it comes from.
 */
export function printConfig(tree: Tree, originOf: OriginOf = () => null): string {
  const values = redactedValues(tree);
  const document = new Document(applyOverrides({}, values));
  for (const { path } of values) {
    const origin = originOf(path);
    if (origin !== null) comment(document, path, origin);
  }
  return document.toString({ lineWidth: 120 });
}

/** The same as plain data. */
export function redactedConfig(tree: Tree): Tree {
  return applyOverrides({}, redactedValues(tree));
}

function redactedValues(tree: Tree): Override[] {
  return listKeys(jsonSchema()).flatMap((key) => {
    const value = valueAt(tree, key.path) ?? key.defaultValue;
    return value === undefined ? [] : [{ path: key.path, value: redact(key, value), source: '' }];
  });
}

function comment(document: Document, path: readonly string[], origin: string): void {
  const section = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(section) ? section.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
  if (isScalar(pair?.key)) pair.key.commentBefore = ` ${origin}`;
}

function valueAt(tree: Tree, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, step) => (isTree(node) ? node[step] : undefined), tree);
}

function redact({ name }: ConfigKey, value: unknown): unknown {
  if (name === 'store' || name === 'statsdb') return typeof value === 'string' ? redactUrl(value) : value;
  if (!Array.isArray(value)) return value;
  if (name === 'auth.secrets' || name === 'auth.users') return value.map((entry) => redactEntry(name, entry));
  if (name === 'tls.certificates') return value.map((entry) => redactKeys(entry, new Set(['passphrase'])));
  if (name === 'control.tokens') return value.map((entry) => redactKeys(entry, TOKEN_KEYS));
  if (name === 'webhooks') return value.map(redactWebhook);
  return value;
}

// Whoever knows the whole URL of some receivers may write to them.
function redactWebhook(entry: unknown): unknown {
  if (!isTree(entry)) return STARS;
  const shown = Object.entries(entry).map(([key, value]) => {
    if (key === 'secret') return [key, STARS];
    return [key, key === 'url' ? originAlone(String(value)) : value];
  });
  return Object.fromEntries(shown);
}

function originAlone(url: string): string {
  if (!URL.canParse(url)) return STARS;
  const { origin, pathname, search } = new URL(url);
  return pathname === '/' && search === '' ? origin : `${origin}/${STARS}`;
}

// Everything between scheme and host, and the values of parameters: `?password=…` is a way to write it too.
function redactUrl(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/]*@/i, `$1${STARS}@`).replace(/([?&]password=)[^&]*/gi, `$1${STARS}`);
}

function redactEntry(name: string, entry: unknown): unknown {
  if (isTree(entry)) return redactKeys(entry, SECRET_KEYS);
  if (name === 'auth.secrets') return STARS;
  return String(entry).replace(/:.*$/s, `:${STARS}`);
}

function redactKeys(entry: unknown, secret: ReadonlySet<string>): unknown {
  if (!isTree(entry)) return entry;
  return Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, secret.has(key) ? STARS : value]));
}
