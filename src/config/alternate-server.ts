// Owns the form of `drain.alternate-servers`: `udp://192.0.2.7:3478`, and `tls://192.0.2.7:5349?domain=turn2.example.com` where
// the other server's certificate is for another name.

import { isIP } from 'node:net';
import { isHostName, type Parsed, parseConcreteIp, parsePort, quote } from './address-values.ts';

/** A server that clients of one transport are sent to. */
export interface AlternateServerAddress {
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** An IP without brackets. */
  readonly ip: string;
  readonly port: number;
  /** The name that its certificate is for; empty = the same as ours. */
  readonly domain: string;
}

const SHAPE = /^(udp|tcp|tls):\/\/(\[[^\]]*\]|[^:[\]/?]*)(?::([^/?]*))?(?:\?domain=(.*))?$/s;
const EXAMPLE = 'udp://192.0.2.7:3478, tcp://… or tls://192.0.2.7:5349?domain=turn2.example.com';

/** Reads one. Without a port it means 3478, or 5349 for `tls` (RFC 7065 §4). */
export function parseAlternateServer(text: string): Parsed<AlternateServerAddress> {
  const [, transport, host = '', portText, domain] = SHAPE.exec(text) ?? [];
  if (transport === undefined) return { error: `${quote(text)} is not a server such as ${EXAMPLE}` };
  // ALTERNATE-SERVER has room for an address only (RFC 8489 §14.15).
  const ip = parseConcreteIp(host.replace(/^\[(.*)\]$/, '$1'));
  if ('error' in ip) return { error: `${quote(text)}: clients are told an IP address, so no name can stand here` };
  const port = parsePort(portText ?? (transport === 'tls' ? '5349' : '3478'));
  if ('error' in port) return { error: `${quote(text)}: ${port.error}` };
  if (port.value === 0) return { error: `${quote(text)} needs a port above 0` };
  if (domain !== undefined && transport !== 'tls') return { error: `${quote(text)}: ?domain= is for tls:// only` };
  if (domain !== undefined && !isHostName(domain)) return { error: `${quote(text)}: ${quote(domain)} is no DNS name` };
  return {
    value: { transport: transport as 'udp' | 'tcp' | 'tls', ip: ip.value, port: port.value, domain: domain ?? '' },
  };
}

/** Index of the first server of a transport and family that has one already, or -1: each client is sent to one place. */
export function findSecondServer(servers: readonly AlternateServerAddress[]): number {
  const keys = servers.map(({ transport, ip }) => `${transport} ${isIP(ip)}`);
  return keys.findIndex((key, index) => keys.indexOf(key) < index);
}
