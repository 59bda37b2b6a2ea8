// One socket from accept to close, and how far it has come. Knows no frames, no TLS and no limits.

import type { Socket } from 'node:net';
import type { TransportAddress, TransportWords } from '../stun/transport-address.ts';
import type { StreamConnection } from './stream-connection.ts';

/** The two ends of a connection. */
export interface ConnectionAddresses {
  readonly local: TransportAddress;
  readonly source: TransportWords;
}

/** A socket that was admitted, or is being judged. */
export class AcceptedSocket {
  readonly socket: Socket;
  /** As the system tells them; behind a proxy as its header does, once that has come. */
  addresses: ConnectionAddresses;
  /** Whether the source is a trusted proxy, and not (or not yet) a client: it is no one's share of connections. */
  isOfProxy = false;
  /** Monotonic milliseconds. One deadline runs from here, whatever the client begins: silence, TLS, a frame. */
  readonly acceptedAt: number;
  /** Whether it is counted. */
  hasPlace = false;
  /** Set once it speaks STUN. */
  connection: StreamConnection | null = null;

  constructor(socket: Socket, addresses: ConnectionAddresses, acceptedAt: number) {
    this.socket = socket;
    this.addresses = addresses;
    this.acceptedAt = acceptedAt;
  }

  /** Whether nobody has paid for it: no allocation, and so no authenticated user. */
  get isStranger(): boolean {
    return this.connection === null || this.connection.endpoint.allocation === null;
  }

  /** Closes at once. */
  destroy(): void {
    if (this.connection === null) this.socket.destroy();
    else this.connection.destroy();
  }
}
