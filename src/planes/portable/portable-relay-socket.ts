// One relayed transport address on a dgram socket. Knows its owner only by an interface, and gives its port back.

import type { RemoteInfo } from 'node:dgram';
import { type IpAddress, readIpText } from '../../stun/ip-address.ts';
import { TransportAddress, TransportWords } from '../../stun/transport-address.ts';
import type { RelaySocket, RelaySocketOwner } from '../../turn/env.ts';
import type { PortTable } from '../port-table.ts';
import type { DatagramReceiver, DatagramSocket } from './datagram-socket.ts';

/** What a relay socket is made of. It owns the socket and holds the port in the table from then on. */
export interface PortableRelayParts {
  readonly socket: DatagramSocket;
  readonly table: PortTable;
  /** The relay address's row of the table. */
  readonly row: number;
  /** The address that clients and peers see. */
  readonly shown: IpAddress;
  /** Told what the owner threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
}

/** A relay socket of the portable plane. */
export class PortableRelaySocket implements RelaySocket, DatagramReceiver {
  readonly local: TransportAddress;
  readonly relayed: TransportAddress;
  readonly #socket: DatagramSocket;
  readonly #table: PortTable;
  readonly #row: number;
  readonly #report: (fault: unknown) => void;
  readonly #source: TransportWords;
  /** The last source as it came, and the text that it was read from: most relay sockets hear one peer at a time. */
  readonly #read: TransportWords;
  #readText: string;
  #owner: RelaySocketOwner | null;
  #closed: boolean;

  constructor(parts: PortableRelayParts) {
    this.local = parts.socket.local;
    this.relayed = new TransportAddress(parts.shown, this.local.port);
    this.#socket = parts.socket;
    this.#table = parts.table;
    this.#row = parts.row;
    this.#report = parts.report;
    this.#source = new TransportWords();
    this.#read = new TransportWords();
    this.#readText = '';
    this.#owner = null;
    this.#closed = false;
  }

  attach(owner: RelaySocketOwner): void {
    this.#owner = owner;
    this.#socket.attach(this);
  }

  send(peer: IpAddress, port: number, buffer: Buffer, start: number, end: number): void {
    this.#socket.send(buffer, start, end, port, peer.text);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    // Not at the 'close' event: the descriptor is closed already, and the next Allocate may need this very port.
    this.#table.release(this.#row, this.local.port);
  }

  onDatagram(buffer: Buffer, from: RemoteInfo): boolean {
    const read = this.#read;
    if (from.address !== this.#readText) {
      this.#readText = from.address;
      readIpText(from.address, read);
    }
    if (read.family === 0 || this.#owner === null) return false;
    const source = this.#source;
    source.copyFrom(read); // the owner may write to it
    source.port = from.port;
    try {
      this.#owner.fromPeer(source, buffer, 0, buffer.length);
    } catch (fault) {
      this.#report(fault);
    }
    return true;
  }
}
