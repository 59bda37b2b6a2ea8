// Owns the printed form of a configuration: every key with its effective value, secrets replaced by stars.

import { stringify } from 'yaml';
import { type ConfigKey, jsonSchema, listKeys } from './keys.ts';
import { applyOverrides, isTree, type Tree } from './overrides.ts';

const STARS = '***';
const SECRET_KEYS: ReadonlySet<string> = new Set(['value', 'password', 'key']);

/** Writes a tree (as `parseConfig` returns it) with the defaults filled in, as YAML that holds no secret (S55). */
export function printConfig(tree: Tree): string {
  const keys = listKeys(jsonSchema());
  const values = keys.flatMap((key) => {
    const value = valueAt(tree, key.path) ?? key.defaultValue;
    return value === undefined ? [] : [{ path: key.path, value: redact(key, value), source: '' }];
  });
  return stringify(applyOverrides({}, values), { lineWidth: 120 });
}

function valueAt(tree: Tree, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, step) => (isTree(node) ? node[step] : undefined), tree);
}

function redact({ name }: ConfigKey, value: unknown): unknown {
  if (name === 'store' || name === 'statsdb') return typeof value === 'string' ? redactUrl(value) : value;
  if (!Array.isArray(value)) return value;
  if (name === 'auth.secrets' || name === 'auth.users') return value.map((entry) => redactEntry(name, entry));
  if (name === 'tls.certificates') return value.map((entry) => redactKeys(entry, new Set(['passphrase'])));
  return value;
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
