// Takes the PROXY header off a socket that a proxy has opened. Knows neither limits nor what follows.

import type { Socket } from 'node:net';
import type { ConnectionAddresses } from './accepted-socket.ts';
import { ProxyHeader } from './proxy-header.ts';
import { HeaderStatus } from './proxy-header-reading.ts';

/** Told once, at most: a connection may end before. */
export interface HeaderTaker {
  /** The first bytes are no header. */
  refused(): void;
  /** The header has come, and `rest` behind it. Null: it names no client, and the connection's own addresses count. */
  taken(client: ConnectionAddresses | null, rest: Buffer): void;
}

/** Begins to read. Leaves no listener behind. */
export function takeProxyHeader(socket: Socket, taker: HeaderTaker): void {
  const header = new ProxyHeader();
  const onData = (chunk: Buffer): void => {
    const status = header.push(chunk);
    if (status === HeaderStatus.MORE) return;
    socket.off('data', onData);
    if (status === HeaderStatus.DONE) taker.taken(header.addresses, header.rest);
    else taker.refused();
  };
  socket.on('data', onData);
}
