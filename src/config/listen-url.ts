// Owns the listen URLs: `udp://*:3478` and its kin (DESIGN.md §1), and which of them cannot stand together.

import { isIPv4, isIPv6 } from 'node:net';
import { type Parsed, parsePort, quote } from './address-values.ts';

/** What a listener accepts. `tcp+tls` is both on one port, told apart by the first byte. */
export type ListenTransport = 'udp' | 'tcp' | 'tls' | 'tcp+tls';

/** One listening address. */
export interface ListenAddress {
  readonly transport: ListenTransport;
  /** `*` (every local address of both families) or an IP without brackets; `0.0.0.0` and `::` are wildcards. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Whether every connection begins with a PROXY header; absent: none does. */
  readonly proxyProtocol?: true;
}

const SHAPE = /^([a-z+]+):\/\/(\*|\[[^\]]*\]|[^:[\]/?]*)(?::([^/?]*))?(?:\?(.*))?$/s;
const PROXY_PROTOCOL = 'proxy-protocol';
const TRANSPORTS: readonly string[] = ['udp', 'tcp', 'tls', 'tcp+tls'] satisfies ListenTransport[];
const TURN_PORT = '3478';
const TURNS_PORT = '5349';

/** Reads one listen URL. Without a port it means 3478, or 5349 for `tls` (RFC 7065 §4). */
export function parseListenUrl(text: string): Parsed<ListenAddress> {
  const [, scheme = '', hostText = '', portText, option] = SHAPE.exec(text) ?? [];
  if (scheme === '') return { error: `${quote(text)} is not a listen URL such as udp://*:3478` };
  if (scheme === 'dtls') return { error: `${quote(text)}: dtls:// is not built yet; use udp://, tcp:// or tls://` };
  if (!isTransport(scheme)) return { error: `${quote(text)}: the scheme must be udp, tcp, tls or tcp+tls` };
  const host = parseHost(hostText);
  if (host === null) return { error: `${quote(text)}: the host must be *, an IPv4 address or an [IPv6 address]` };
  const port = parsePort(portText ?? (scheme === 'tls' ? TURNS_PORT : TURN_PORT));
  if ('error' in port) return { error: `${quote(text)}: ${port.error}` };
  const fault = faultOfOption(scheme, option);
  if (fault !== null) return { error: `${quote(text)}: ${fault}` };
  const proxied = option === undefined ? {} : { proxyProtocol: true as const };
  return { value: { transport: scheme, host, port: port.value, ...proxied } };
}

/** Spells a listening address as its URL. */
export function formatListenUrl(address: ListenAddress): string {
  const host = isIPv6(address.host) ? `[${address.host}]` : address.host;
  const option = address.proxyProtocol === true ? `?${PROXY_PROTOCOL}` : '';
  return `${address.transport}://${host}:${address.port}${option}`;
}

/** Index of the first address that takes the port of an earlier one, or -1. Port 0 never clashes. */
export function findClash(addresses: readonly ListenAddress[]): number {
  const seen = new Set<string>();
  return addresses.findIndex((address) => {
    if (address.port === 0) return false;
    const layer = address.transport === 'udp' ? 'udp' : 'tcp';
    const socket = `${layer} ${address.host} ${address.port}`;
    const isTaken = seen.has(socket);
    seen.add(socket);
    return isTaken;
  });
}

function faultOfOption(scheme: ListenTransport, option: string | undefined): string | null {
  if (option === undefined) return null;
  if (option !== PROXY_PROTOCOL) return `?${PROXY_PROTOCOL} is all that may follow the port`;
  return scheme === 'udp' ? 'the PROXY protocol is taken on tcp, tls and tcp+tls only' : null;
}

function isTransport(text: string): text is ListenTransport {
  return TRANSPORTS.includes(text);
}

function parseHost(text: string): string | null {
  if (text === '*' || isIPv4(text)) return text;
  const inner = /^\[(.*)\]$/.exec(text)?.[1] ?? '';
  return isIPv6(inner) ? inner : null;
}
