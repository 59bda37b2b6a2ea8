// Owns the URLs that turnd serves HTTP at: `http://127.0.0.1:9641`. Who may come there is not theirs to say.

import { isIPv4, isIPv6 } from 'node:net';
import { type Parsed, parsePort, quote } from './address-values.ts';

/** A TCP address that HTTP is served at. */
export interface HttpAddress {
  /** `*` (every local address of both families) or an IP without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const SHAPE = /^([a-z+]+):\/\/(\*|\[[^\]]*\]|[^:[\]/]*)(?::([^/]*))?\/?$/;

/** Reads one URL. Its port has no default. */
export function parseHttpUrl(text: string): Parsed<HttpAddress> {
  const [, scheme, hostText = '', portText] = SHAPE.exec(text) ?? [];
  if (scheme === undefined) return { error: `${quote(text)} is not a URL such as http://127.0.0.1:9641` };
  if (scheme !== 'http') {
    return { error: `${quote(text)}: the scheme must be http (a proxy in front of a loopback address adds TLS)` };
  }
  const host = hostText === 'localhost' ? '127.0.0.1' : hostText.replace(/^\[(.*)\]$/, '$1');
  const isHost = host === '*' || isIPv4(host) || (isIPv6(host) && hostText.startsWith('['));
  if (!isHost) return { error: `${quote(text)}: the host must be *, localhost, an IPv4 address or an [IPv6 address]` };
  if (portText === undefined) return { error: `${quote(text)}: needs a port, such as :9641` };
  const port = parsePort(portText);
  return 'error' in port ? { error: `${quote(text)}: ${port.error}` } : { value: { host, port: port.value } };
}

/** Spells an address as its URL. */
export function formatHttpUrl({ host, port }: HttpAddress): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Whether only this host can come there. */
export function isLoopback({ host }: HttpAddress): boolean {
  return host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
