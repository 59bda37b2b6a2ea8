// Owns the keys of `control`: where the API is served, and who may use it.

import { z } from 'zod';
import { isHostName, type Parsed, parseIp, quote } from './address-values.ts';
import { type ConfiguredToken, judgeToken, type TokenEntry, tokenEntry, tokenHash } from './api-tokens.ts';
import { type CredentialFiles, firstLine, pathKey } from './credentials.ts';
import { count, filePath, parsedText } from './fields.ts';
import { formatHttpUrl, type HttpAddress, isLoopback, parseHttpUrl } from './http-url.ts';
import type { ValueFault } from './issues.ts';

/** The schema of `control`. */
export const controlSettings = z.strictObject({
  socket: filePath
    .describe('The Unix socket: auto (turnd.sock in $RUNTIME_DIRECTORY, else in state-dir), none, or a path.')
    .default('auto'),
  listen: z
    .array(parsedText(parseHttpUrl))
    .superRefine((addresses, context) => {
      const texts = addresses.map(({ host, port }) => `${host} ${port}`);
      const again = addresses.findIndex(({ port }, index) => port !== 0 && texts.indexOf(texts[index] ?? '') < index);
      if (again >= 0)
        context.addIssue({ code: 'custom', path: [again], message: 'takes the port of an earlier entry' });
    })
    .describe('Where the API is served over TCP too, to holders of tokens: https://HOST:PORT, http:// on loopback.')
    .prefault([]),
  tls: z
    .strictObject({
      certificate: filePath.describe('PEM file: the certificate of the API, then its chain.'),
      key: filePath.describe('PEM file: its private key, without a passphrase.'),
    })
    .describe('The certificate of https:// addresses; else that of tls.certificates.')
    .optional(),
  hosts: z
    .array(parsedText(parseHost))
    .describe('Names that clients reach the API by, besides localhost and the address itself; others are refused.')
    .prefault([]),
  'cors-origins': z
    .array(parsedText(parseOrigin))
    .describe('Origins (https://app.example.com) of web pages that may ask for TURN credentials.')
    .prefault([]),
  tokens: z
    .array(tokenEntry)
    .superRefine((entries, context) => {
      const names = entries.map(({ name }) => name);
      const again = names.findIndex((name, index) => names.indexOf(name) < index);
      if (again >= 0) context.addIssue({ code: 'custom', path: [again, 'name'], message: 'has an entry already' });
    })
    .describe(
      'Tokens beside those of turnctl token: {name, scopes: [credentials, read, admin]} and token, token-file or token-hash.',
    )
    .prefault([]),
  'requests-per-second': count(50, 0, 1_000_000, 'Requests a second with one token over TCP; 0 for no limit.'),
});

/** `control` as the schema returns it. */
export type ControlSettings = z.output<typeof controlSettings>;

/** The tokens of a configuration, their files read. */
export function collectTokens(
  entries: readonly TokenEntry[],
  files: CredentialFiles,
): { readonly tokens: readonly ConfiguredToken[]; readonly faults: readonly ValueFault[] } {
  const faults: ValueFault[] = [];
  const tokens = entries.map((entry, index): ConfiguredToken => {
    const { name, token, 'token-hash': hash } = entry;
    const scopes = Object.freeze([...entry.scopes]);
    if (hash !== undefined) return Object.freeze({ name, scopes, hash: hash.toLowerCase() });
    const path = ['control', 'tokens', index, 'token-file'];
    const text = token ?? firstLine(files.texts.get(pathKey(path)) ?? '');
    const fault = judgeToken(text);
    if (fault !== null) faults.push({ path, message: `its first line ${fault}` });
    return Object.freeze({ name, scopes, hash: tokenHash(text) });
  });
  return { tokens: Object.freeze(tokens), faults };
}

/** One sentence for each address at which tokens can be read by others. */
export function warnOfPlainHttp(addresses: readonly HttpAddress[]): string[] {
  return addresses
    .filter((address) => address.scheme === 'http' && !isLoopback(address))
    .map(
      (address) =>
        `control.listen: ${formatHttpUrl(address)} shows tokens to whoever listens on the way: use https://, or loopback behind a proxy`,
    );
}

function parseHost(text: string): Parsed<string> {
  if (isHostName(text)) return { value: text.toLowerCase().replace(/\.$/, '') };
  const ip = parseIp(text.replace(/^\[(.*)\]$/, '$1'));
  return 'value' in ip ? ip : { error: `${quote(text)} is neither a host name nor an IP address (no scheme, no port)` };
}

// As browsers spell it, so that it can be compared.
function parseOrigin(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    return { error: `${quote(text)} is not an origin such as https://app.example.com` };
  if (url.origin === text) return { value: text };
  return { error: `${quote(text)} is more than an origin, or not as browsers spell it: write ${quote(url.origin)}` };
}
