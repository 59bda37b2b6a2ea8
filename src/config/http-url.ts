// Owns the addresses that HTTP is served at: `https://*:8443` and its kin.

import { isIPv4, isIPv6 } from 'node:net';
import { type Parsed, parsePort, quote } from './address-values.ts';

/** One listening address. */
export interface HttpAddress {
  readonly scheme: 'http' | 'https';
  /** `*` (every local address of both families) or an IP without brackets; `0.0.0.0` and `::` are wildcards. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const SHAPE = /^(https?):\/\/(\*|\[[^\]]*\]|[^:[\]/]*):([^/]*)\/?$/;

/** Reads one address. The port is never guessed. */
export function parseHttpUrl(text: string): Parsed<HttpAddress> {
  const [, scheme, hostText = '', portText = ''] = SHAPE.exec(text) ?? [];
  if (scheme !== 'http' && scheme !== 'https')
    return { error: `${quote(text)} is not a URL such as https://*:8443 or http://127.0.0.1:8080` };
  const host = hostText === 'localhost' ? '127.0.0.1' : hostText.replace(/^\[(.*)\]$/, '$1');
  if (host !== '*' && !isIPv4(host) && !(isIPv6(host) && hostText.startsWith('[')))
    return { error: `${quote(text)}: the host must be *, an IPv4 address or an [IPv6 address]` };
  const port = parsePort(portText);
  return 'error' in port ? { error: `${quote(text)}: ${port.error}` } : { value: { scheme, host, port: port.value } };
}

/** Reads an address of metrics: plain HTTP. */
export function parseMetricsUrl(text: string): Parsed<HttpAddress> {
  const parsed = parseHttpUrl(text);
  if ('error' in parsed || parsed.value.scheme === 'http') return parsed;
  return { error: `${quote(text)}: the scheme must be http (a proxy in front of a loopback address adds TLS)` };
}

/** Spells an address as its URL. */
export function formatHttpUrl({ scheme, host, port }: HttpAddress): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Whether only this very host can connect to an address. */
export function isLoopback({ host }: HttpAddress): boolean {
  return host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
