// Owns the zod building blocks of the schema: text with a parser, numbers with units, paths, credentials.
// It knows the form of values, not where they stand in the file.

import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { opaqueString } from '../stun/opaque-string.ts';
import { isHostName, type Parsed, parseConcreteIp, quote } from './address-values.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Text that `parse` turns into a value. */
export function parsedText<T>(parse: (text: string) => Parsed<T>) {
  return z.string().transform((text, context): T => {
    const parsed = parse(text);
    if ('value' in parsed) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.error });
    return z.NEVER;
  });
}

/** A whole number within bounds, with its default. */
export function count(fallback: number, min: number, max: number, description: string) {
  return z.int().min(min).max(max).describe(description).default(fallback);
}

const UNITS: Readonly<Record<string, number>> = Object.freeze({ K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 });

/** A size in bytes: `536870912`, `512M`, `2G`, `2GiB`. */
export function parseBytes(text: string): Parsed<number> {
  const [, digits = '', unit = ''] = /^(\d{1,15})\s?(?:([KMGT])(?:i?B)?)?$/i.exec(text.trim()) ?? [];
  const bytes = Number(digits) * (unit === '' ? 1 : (UNITS[unit.toUpperCase()] ?? Number.NaN));
  if (digits !== '' && Number.isSafeInteger(bytes)) return { value: bytes };
  return { error: `${quote(text)} is not a size such as 512M or 2G` };
}

/** Bytes of memory with or without a unit, or `auto`; 0 for no limit. */
export const memoryLimit = z.union([z.literal('auto'), z.int().min(0), parsedText(parseBytes)], {
  error: 'expected auto, 0 or a size such as 512M or 2G',
});

/** Text for one protocol attribute: fewer than 128 characters (RFC 8489 §14.9, §14.14), no control characters. */
export const shortText = z
  .string()
  .max(127)
  .refine((text) => !CONTROL.test(text), 'must not contain control characters');

/** A realm in the form in which it is compared (RFC 8265): the one that credentials are made with. */
export function parseRealm(text: string): Parsed<string> {
  const prepared = opaqueString(text);
  return prepared === null ? { error: 'is empty or has a character that no realm may have' } : { value: prepared };
}

/** The path of a file or directory; relative paths are resolved by the loader. */
export const filePath = z
  .string()
  .min(1, 'must not be empty')
  .refine((text) => !text.includes('\0'), 'must not contain a NUL character');

const secretText = z.string().min(1, 'must not be empty');

/** The URL of a store, `auto` or `none`; or the file whose first line is the URL, which may hold a password. */
export const storeUrl = z.union(
  [
    z
      .string()
      .min(1, 'must not be empty')
      .refine((text) => !CONTROL.test(text), 'must not contain control characters'),
    z.strictObject({ 'url-file': filePath }),
  ],
  { error: 'expected a URL or {url-file: …}' },
);

/** Counts how many of the given keys an entry has. */
function hasExactlyOne(entry: Record<string, unknown>, keys: readonly string[]): boolean {
  return keys.filter((key) => entry[key] !== undefined).length === 1;
}

const secretObject = z
  .strictObject({ value: secretText.optional(), 'value-file': filePath.optional() })
  .refine((entry) => hasExactlyOne(entry, ['value', 'value-file']), 'needs either value or value-file');

/** A shared secret of the REST credentials: `{value}`, `{value-file}`, or the secret itself. */
export const secretEntry = z.union([secretText.transform((value) => ({ value })), secretObject], {
  error: 'expected {value: …} or {value-file: …}',
});

const userName = z
  .string()
  .min(1, 'must not be empty')
  .refine((text) => Buffer.byteLength(text) < 509, 'must be shorter than 509 bytes (RFC 8489 §14.3)')
  .refine((text) => !CONTROL.test(text), 'must not contain control characters');

/** `name:password` in one text. The message must not repeat the text: it holds a password (S55). */
export function splitUser(text: string): Parsed<{ name: string; password: string }> {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1) return { error: 'must have the form NAME:PASSWORD' };
  const name = text.slice(0, colon);
  if (!userName.safeParse(name).success) return { error: 'must have a name of up to 508 bytes, no control characters' };
  return { value: { name, password: text.slice(colon + 1) } };
}

/** The long-term key MD5(name:realm:password) in hexadecimal, with or without `0x`. */
export function parseUserKey(text: string): Parsed<string> {
  const digits = /^(?:0x)?([0-9a-f]{32})$/i.exec(text)?.[1];
  return digits === undefined ? { error: 'must be 32 hexadecimal digits' } : { value: digits.toLowerCase() };
}

const userObject = z
  .strictObject({
    name: userName,
    password: secretText.optional(),
    'password-file': filePath.optional(),
    key: parsedText(parseUserKey).optional(),
  })
  .refine(
    (entry) => hasExactlyOne(entry, ['password', 'password-file', 'key']),
    'needs exactly one of password, password-file and key',
  );

/** A static user: an object with a password, a password file or a key, or `name:password`. */
export const userEntry = z.union([parsedText(splitUser), userObject], {
  error: 'expected {name: …, password: …}',
});

/** The addresses that relay sockets are bound to; a family that is null is not served. */
export type RelayAddress =
  | { readonly kind: 'auto' }
  | { readonly kind: 'listed'; readonly ipv4: string | null; readonly ipv6: string | null };

const relayAddressList = z.array(z.string()).min(1, 'must not be empty');

/** `auto`, an address, or one address per family. */
export const relayAddress = z
  .union([z.string(), relayAddressList], { error: 'expected auto, an IP address or a list of them' })
  .transform((value, context): RelayAddress => {
    const texts = typeof value === 'string' ? [value] : value;
    if (texts.length === 1 && texts[0] === 'auto') return { kind: 'auto' };
    const parsed = listByFamily(texts);
    if ('value' in parsed) return { kind: 'listed', ...parsed.value };
    context.addIssue({ code: 'custom', message: parsed.error });
    return z.NEVER;
  });

/** What clients and peers see instead of the relay address. */
export type ExternalAddress =
  | { readonly kind: 'auto' }
  | { readonly kind: 'none' }
  | { readonly kind: 'listed'; readonly ipv4: string | null; readonly ipv6: string | null }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pairs'; readonly pairs: readonly { readonly private: string; readonly public: string }[] };

const concreteIp = parsedText(parseConcreteIp);
const addressPair = z
  .strictObject({ private: concreteIp, public: concreteIp })
  .refine((pair) => isIPv4(pair.private) === isIPv4(pair.public), 'private and public must be of one family');

type AddressPair = z.output<typeof addressPair>;

const addressList = z
  .array(z.union([z.string(), addressPair], { error: 'expected an IP address or {private: …, public: …}' }))
  .min(1, 'must not be empty')
  .transform((entries, context): ExternalAddress => {
    const parsed = externalFromList(entries);
    if ('value' in parsed) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.error });
    return z.NEVER;
  });

function externalFromList(entries: readonly (string | AddressPair)[]): Parsed<ExternalAddress> {
  const texts = entries.filter((entry) => typeof entry === 'string');
  const pairs = entries.filter((entry) => typeof entry !== 'string');
  if (pairs.length === 0) {
    const parsed = listByFamily(texts);
    return 'error' in parsed ? parsed : { value: { kind: 'listed', ...parsed.value } };
  }
  if (texts.length > 0) return { error: 'must be a list of addresses or of pairs, not of both' };
  const isRepeated = new Set(pairs.map((pair) => pair.private)).size < pairs.length;
  return isRepeated ? { error: 'has a private address twice' } : { value: { kind: 'pairs', pairs } };
}

const addressPerFamily = z
  .strictObject({
    ipv4: concreteIp.refine((text) => isIPv4(text), 'must be an IPv4 address').optional(),
    ipv6: concreteIp.refine((text) => !isIPv4(text), 'must be an IPv6 address').optional(),
  })
  .refine((value) => value.ipv4 !== undefined || value.ipv6 !== undefined, 'needs ipv4, ipv6 or both')
  .transform((value): ExternalAddress => ({ kind: 'listed', ipv4: value.ipv4 ?? null, ipv6: value.ipv6 ?? null }));

/** `auto`, `none`, an address or one per family, a DNS name, `{ipv4, ipv6}`, or private/public pairs. */
export const externalAddress = z.union([parsedText(parseExternalText), addressPerFamily, addressList], {
  error: 'expected auto, none, an IP address, a DNS name, {ipv4: …, ipv6: …} or a list of {private: …, public: …}',
});

function parseExternalText(text: string): Parsed<ExternalAddress> {
  if (text === 'auto' || text === 'none') return { value: { kind: text } };
  if (isHostName(text)) return { value: { kind: 'name', name: text } };
  const parsed = listByFamily([text]);
  if ('value' in parsed) return { value: { kind: 'listed', ...parsed.value } };
  return { error: `${quote(text)} is neither auto, none, one IP address nor a DNS name` };
}

function listByFamily(texts: readonly string[]): Parsed<{ ipv4: string | null; ipv6: string | null }> {
  const found: { ipv4: string | null; ipv6: string | null } = { ipv4: null, ipv6: null };
  for (const text of texts) {
    const parsed = parseConcreteIp(text);
    if ('error' in parsed) return parsed;
    const family = isIPv4(parsed.value) ? 'ipv4' : 'ipv6';
    if (found[family] !== null) return { error: `has more than one ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address` };
    found[family] = parsed.value;
  }
  return { value: found };
}
