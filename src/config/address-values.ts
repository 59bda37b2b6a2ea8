// Owns the textual forms of addresses in a configuration: IP, CIDR, port, port range, host:port.
// Each parser takes text and returns the value or one sentence on what is wrong; none throws.

import { isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';
import { quoteText } from '../escape-text.ts';

/** A parsed value, or the sentence that says why there is none. */
export type Parsed<T> = { readonly value: T } | { readonly error: string };

/** A range of UDP ports, both ends included. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** A host (DNS name or IP, without brackets) and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const HOST_NAME = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$/i;
const IPV4_MAPPED = /^::ffff:(?=\d+\.)/i;

/** An IP address in its canonical spelling. Refuses zones, and IPv4 spelled as IPv6. */
export function parseIp(text: string): Parsed<string> {
  const family = isIP(text);
  if (family === 0) return { error: `${quote(text)} is not an IP address` };
  if (text.includes('%')) return { error: `${quote(text)} has a zone, which has no meaning here` };
  const address = new SocketAddress({ address: text, family: family === 4 ? 'ipv4' : 'ipv6' }).address;
  if (IPV4_MAPPED.test(address)) return { error: `${quote(text)} must be written as IPv4: ${address.slice(7)}` };
  return { value: address };
}

/** As `parseIp`, but `0.0.0.0` and `::` are refused: the value names one address. */
export function parseConcreteIp(text: string): Parsed<string> {
  const parsed = parseIp(text);
  if ('error' in parsed) return parsed;
  if (parsed.value !== '0.0.0.0' && parsed.value !== '::') return parsed;
  return { error: `${quote(text)} does not name one address` };
}

/** Whether `text` can be a DNS name. A last label that begins with a digit would be a mistyped IPv4 address. */
export function isHostName(text: string): boolean {
  return HOST_NAME.test(text);
}

/** A network such as `10.0.0.0/8`; a bare address means itself. Returns the canonical `network/prefix`. */
export function parseCidr(text: string): Parsed<string> {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  if (match === null) return { error: `${quote(text)} is not a network such as 10.0.0.0/8 or 2001:db8::/32` };
  const parsed = parseIp(match[1] ?? '');
  if ('error' in parsed) return parsed;
  const bits = isIPv4(parsed.value) ? 32 : 128;
  const prefix = match[2] === undefined ? bits : Number(match[2]);
  if (prefix > bits) return { error: `${quote(text)} has a prefix longer than ${bits}` };
  const network = maskAddress(parsed.value, prefix);
  if (network === parsed.value) return { value: `${network}/${prefix}` };
  return { error: `${quote(text)} has bits set beyond its prefix; the network is ${network}/${prefix}` };
}

/** A decimal port number, 0 to 65535. */
export function parsePort(text: string): Parsed<number> {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65535 ? { value: port } : { error: `${quote(text)} is not a port (0 to 65535)` };
}

/** `A-B` with 1024 <= A <= B <= 65535. */
export function parsePortRange(text: string): Parsed<PortRange> {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  if (match === null) return { error: `${quote(text)} is not a range of ports such as 49152-65535` };
  const min = Number(match[1]);
  const max = Number(match[2]);
  if (min < 1024 || max > 65535) return { error: `${quote(text)} reaches outside 1024-65535` };
  if (min > max) return { error: `${quote(text)} begins after its end` };
  return { value: { min, max } };
}

/** `host:port`, `1.2.3.4:port`, `[v6]:port`; a missing port means 3478 (RFC 8489 §8.1). */
export function parseHostPort(text: string): Parsed<HostPort> {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const isKnown = match?.[1] === undefined ? isIPv4(host) || isHostName(host) : isIPv6(host);
  if (!isKnown) return { error: `${quote(text)} is not host:port` };
  const port = parsePort(match?.[3] ?? '3478');
  if ('error' in port) return port;
  return port.value === 0 ? { error: `${quote(text)} needs a port above 0` } : { value: { host, port: port.value } };
}

/** Puts foreign text between quotes with its control characters escaped. */
export function quote(text: string): string {
  return quoteText(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/** The first `prefix` bits of a canonical address, the rest zero, in canonical spelling. */
function maskAddress(address: string, prefix: number): string {
  const bytes = isIPv4(address) ? address.split('.').map(Number) : ipv6Bytes(address);
  const masked = bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - index * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
  if (masked.length === 4) return masked.join('.');
  const groups = Array.from({ length: 8 }, (_, g) =>
    (((masked[2 * g] ?? 0) << 8) | (masked[2 * g + 1] ?? 0)).toString(16),
  );
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

/** The 16 bytes of a valid IPv6 address, which may end in dotted IPv4. */
function ipv6Bytes(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const first = groupBytes(head);
  const last = tail === undefined ? [] : groupBytes(tail);
  return [...first, ...Array<number>(16 - first.length - last.length).fill(0), ...last];
}

function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** A `stun:`, `stuns:`, `turn:` or `turns:` URL (RFC 7064, RFC 7065). */
export function parseIceUrl(text: string): Parsed<string> {
  const match = /^(stuns?|turns?):(\[[^\]]*\]|[^:?[\]]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/.exec(text);
  const [, scheme = '', written = '', port = '3478', transport] = match ?? [];
  const host = written.replace(/^\[(.*)\]$/, '$1');
  const isKnown = written.startsWith('[') ? isIPv6(host) : isHostName(host) || isIPv4(host);
  const hasPort = Number(port) > 0 && Number(port) < 65_536;
  const isStun = scheme.startsWith('stun');
  if (isKnown && hasPort && !(isStun && transport !== undefined)) return { value: text };
  return { error: `${quote(text)} is not a URL such as turn:turn.example.com:3478?transport=udp` };
}
