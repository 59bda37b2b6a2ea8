// The two transport addresses of a connected socket. Knows no protocol.

import type { Socket } from 'node:net';
import { IpAddress, readIpText } from '../stun/ip-address.ts';
import { TransportAddress, TransportWords } from '../stun/transport-address.ts';
import type { ConnectionAddresses } from './accepted-socket.ts';

/**
 * Reads the addresses of both ends; an IPv4 client of a dual-stack listener has IPv4 addresses (RFC 8489 §6.3.1).
 * Null when the client has gone already.
 */
export function readAddresses(socket: Socket): ConnectionAddresses | null {
  const local = readEnd(socket.localAddress, socket.localPort);
  const source = readEnd(socket.remoteAddress, socket.remotePort);
  return local === null || source === null ? null : { local: local.copyAddress(), source };
}

/** Reads what a listening socket is bound to. */
export function readBound(host: string, port: number): TransportAddress {
  const bound = readEnd(host, port);
  return bound === null ? new TransportAddress(new IpAddress(6, 0, 0, 0, 0), port) : bound.copyAddress();
}

function readEnd(address: string | undefined, port: number | undefined): TransportWords | null {
  if (address === undefined || port === undefined) return null;
  const words = new TransportWords();
  words.port = port;
  return readIpText(address, words) ? words : null;
}
