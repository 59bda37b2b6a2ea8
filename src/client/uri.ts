// The stun, stuns, turn and turns URIs (RFC 7064, RFC 7065). Owns their grammar and what each combination means;
// resolves nothing.

import { domainToASCII } from 'node:url';
import { type IpAddress, parseIp } from '../stun/ip-address.ts';

/** URI schemes. */
export type UriScheme = 'stun' | 'stuns' | 'turn' | 'turns';

/** How a client reaches a server. */
export type ClientTransportKind = 'udp' | 'tcp' | 'tls' | 'dtls';

/** A URI, taken apart. */
export interface TurnUri {
  /** As it was written. */
  readonly text: string;
  readonly scheme: UriScheme;
  /** The host without brackets; a name is in ASCII and lower case. */
  readonly host: string;
  /** The host when it is an address, else null. */
  readonly ip: IpAddress | null;
  /** The port, or null when none was given: SRV then has its say. */
  readonly port: number | null;
  /** What `?transport=` and the scheme mean together, or null when the URI leaves it open. */
  readonly transport: ClientTransportKind | null;
}

/** What was read, or one sentence saying what is wrong with it. */
export type UriResult = { readonly ok: true; readonly uri: TurnUri } | { readonly ok: false; readonly error: string };

/** Default ports (RFC 7064 §3.2, RFC 7065 §3.2). */
export const PLAIN_PORT = 3478;
export const SECURE_PORT = 5349;

const SCHEMES: readonly string[] = ['stun', 'stuns', 'turn', 'turns'];
const MAX_NAME_LENGTH = 253;

/** Whether the scheme asks for TLS or DTLS. */
export function isSecure(scheme: UriScheme): boolean {
  return scheme === 'stuns' || scheme === 'turns';
}

/** The port of a URI that names none. */
export function defaultPort(scheme: UriScheme): number {
  return isSecure(scheme) ? SECURE_PORT : PLAIN_PORT;
}

/**
 * Reads a URI.
 *
 * ```
 * stunURI = ("stun" / "stuns") ":" host [ ":" port ]
 * turnURI = ("turn" / "turns") ":" host [ ":" port ] [ "?transport=" ("udp" / "tcp" / transport-ext) ]
 * ```
 * (RFC 7064 §3.1, RFC 7065 §3.1)
 */
export function parseTurnUri(text: string): UriResult {
  const fail = (why: string): UriResult => ({ ok: false, error: `"${text}" ${why}` });
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  if (!SCHEMES.includes(scheme)) return fail(schemeFault(text));
  const rest = text.slice(colon + 1);
  if (rest.startsWith('/')) return fail(`has slashes: write ${scheme}:host, not ${scheme}://host`);
  const question = rest.indexOf('?');
  const authority = question < 0 ? rest : rest.slice(0, question);
  const query = question < 0 ? null : rest.slice(question + 1);
  const place = readAuthority(authority);
  if ('error' in place) return fail(place.error);
  const transport = readTransport(scheme as UriScheme, query);
  if (typeof transport === 'object' && transport !== null) return fail(transport.error);
  return { ok: true, uri: { text, scheme: scheme as UriScheme, ...place, transport } };
}

function schemeFault(text: string): string {
  const example = /^[\w.-]+(:\d+)?$/.test(text) ? ` (write turn:${text})` : '';
  return `does not begin with stun:, stuns:, turn: or turns:${example}`;
}

type Place = Pick<TurnUri, 'host' | 'ip' | 'port'>;

function readAuthority(text: string): Place | { error: string } {
  if (text.includes('@')) return { error: 'holds a user: credentials do not belong into the URI' };
  if (/[/#\s\\]/.test(text)) return { error: 'has more after the host than a port and ?transport=' };
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(text);
  if (parts === null) return { error: 'has an IPv6 address without brackets: write [2001:db8::1]' };
  const [, hostText = '', portText] = parts;
  const port = portText === undefined ? null : readPort(portText);
  if (port !== null && typeof port === 'object') return port;
  const host = readHost(hostText);
  return 'error' in host ? host : { ...host, port };
}

function readPort(text: string): number | { error: string } {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : { error: `has "${text}" for a port: expected 1 to 65535` };
}

function readHost(text: string): Pick<Place, 'host' | 'ip'> | { error: string } {
  if (text === '') return { error: 'has no host' };
  if (text.startsWith('[')) {
    const ip = parseIp(text.slice(1, -1));
    return ip?.family === 6 ? { host: ip.text, ip } : { error: `has "${text}", which is no IPv6 address` };
  }
  const ip = parseIp(text);
  if (ip !== null) return { host: ip.text, ip };
  if (/^[\d.]+$/.test(text)) return { error: `has "${text}", which is no IPv4 address` };
  const host = domainToASCII(text).toLowerCase();
  return isHostName(host) ? { host, ip: null } : { error: `has "${text}", which is no host name` };
}

// Underscores are no part of host names by the letter of RFC 952, but of many private ones.
function isHostName(name: string): boolean {
  const labels = name.replace(/\.$/, '').split('.');
  return name.length <= MAX_NAME_LENGTH && labels.every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label));
}

function readTransport(scheme: UriScheme, query: string | null): ClientTransportKind | null | { error: string } {
  if (query === null) return null;
  if (scheme === 'stun' || scheme === 'stuns') return { error: `has "?${query}": ${scheme} URIs take none` };
  const value = /^transport=(.*)$/i.exec(query)?.[1]?.toLowerCase();
  if (value === undefined) return { error: `has "?${query}": only ?transport=udp or ?transport=tcp may follow` };
  if (value === 'udp') return isSecure(scheme) ? 'dtls' : 'udp';
  if (value === 'tcp') return isSecure(scheme) ? 'tls' : 'tcp';
  return { error: `has transport "${value}": expected udp or tcp` };
}
