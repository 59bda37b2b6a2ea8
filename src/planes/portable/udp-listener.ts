// A UDP listening socket on one literal address: knows the clients' endpoints, hands datagrams to the engine and sends
// for it. Knows no STUN. Wildcards are expanded elsewhere, so that an answer leaves from the address that was asked.

import type { RemoteInfo } from 'node:dgram';
import { readIpText } from '../../stun/ip-address.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { ClientEndpoint } from '../../turn/client-endpoint.ts';
import { type ClientLink, HEADER_ROOM } from '../../turn/env.ts';
import type { TrafficCounters } from '../plane-counters.ts';
import { type DatagramReceiver, DatagramSocket, MAX_QUEUED_DATAGRAMS } from './datagram-socket.ts';
import { EndpointTable, UdpEndpoint } from './udp-endpoint.ts';

/** All clients of a listener share its socket buffers. */
const BUFFER_BYTES = 2 * 1024 * 1024;

/** Zero bytes behind a payload, by their number. */
const PADDING: readonly Buffer[] = [0, 1, 2, 3].map((length) => Buffer.alloc(length));

/** What a listener needs of the engine. */
export interface ClientDatagramHandler {
  fromClient(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void;
  /** The five-tuple is gone, and its allocation with it. */
  endpointClosed(endpoint: ClientEndpoint): void;
}

/** What a listener is opened with. */
export interface UdpListenerOptions {
  /** The literal address to bind, and the port; 0 lets the kernel choose. */
  readonly bind: TransportAddress;
  readonly handler: ClientDatagramHandler;
  readonly counters: TrafficCounters;
  /** Told what the handler threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
}

/** The link of every client that talks to one UDP socket. Open it by {@link UdpListener.open}. */
export class UdpListener implements ClientLink, DatagramReceiver {
  /** Where it listens; the port is the real one. */
  readonly local: TransportAddress;
  readonly #socket: DatagramSocket;
  readonly #handler: ClientDatagramHandler;
  readonly #report: (fault: unknown) => void;
  readonly #known: EndpointTable;
  /** Stands for every unknown source in turn: strangers cost no memory. */
  readonly #scratch: UdpEndpoint;
  readonly #headers: readonly Buffer[];
  #headerIndex: number;
  #isRetired = false;
  #isClosed = false;

  /** Binds and starts to receive; rejects with the system's error. */
  static async open(options: UdpListenerOptions): Promise<UdpListener> {
    const socket = await DatagramSocket.open({
      bind: options.bind,
      counters: options.counters,
      receiveBuffer: BUFFER_BYTES,
      sendBuffer: BUFFER_BYTES,
      ipv6Only: false,
    });
    return new UdpListener(socket, options);
  }

  private constructor(socket: DatagramSocket, options: UdpListenerOptions) {
    this.local = socket.local;
    this.#socket = socket;
    this.#handler = options.handler;
    this.#report = options.report;
    this.#known = new EndpointTable();
    this.#scratch = new UdpEndpoint(this, socket.local);
    this.#headers = headerRing();
    this.#headerIndex = 0;
    socket.attach(this);
  }

  /** How many endpoints are retained. */
  get knownEndpoints(): number {
    return this.#known.size;
  }

  // The engine returns only endpoints that this link handed out, so each is a UdpEndpoint.

  send(endpoint: UdpEndpoint, buffer: Buffer, start: number, end: number): void {
    // The engine writes its next reply into the same buffer, and this one may have to wait for the kernel.
    const copy = Buffer.from(buffer.subarray(start, end));
    this.#socket.send(copy, 0, copy.length, endpoint.source.port, endpoint.address);
  }

  header(): Buffer {
    return this.#headers[this.#headerIndex] as Buffer; // the index stays below the length
  }

  sendRelayed(
    endpoint: UdpEndpoint,
    header: Buffer,
    headerEnd: number,
    buffer: Buffer,
    start: number,
    end: number,
    padding: number,
  ): void {
    // Parts instead of a copy into one buffer: as fast at 160 bytes, faster at 1200.
    const parts = [header.subarray(0, headerEnd), buffer.subarray(start, end)];
    if (padding > 0) parts.push(PADDING[padding] as Buffer); // 0..3 by contract
    const length = headerEnd + end - start + padding;
    const taken = this.#socket.sendParts(parts, length, endpoint.source.port, endpoint.address);
    // A dropped message must not turn the ring: the headers that wait would come round too early.
    if (taken) this.#headerIndex = (this.#headerIndex + 1) % this.#headers.length;
  }

  retain(endpoint: UdpEndpoint): UdpEndpoint {
    const known = this.find(endpoint);
    if (known !== null) return known;
    const lasting = endpoint === this.#scratch ? endpoint.copy() : endpoint;
    this.#known.add(lasting);
    return lasting;
  }

  find(endpoint: UdpEndpoint): UdpEndpoint | null {
    return this.#known.get(endpoint.address, endpoint.source.port);
  }

  release(endpoint: UdpEndpoint): void {
    this.#known.remove(endpoint);
    if (this.#isRetired) setImmediate(() => this.#closeIfIdle());
  }

  /** Serves nobody new, and closes when its last client has gone. */
  retire(): void {
    this.#isRetired = true;
    this.#closeIfIdle();
  }

  /** Takes that back. @returns false where it has closed since */
  revive(): boolean {
    if (this.#isClosed) return false;
    this.#isRetired = false;
    return true;
  }

  /**
   * Stops receiving and sending, and tells the engine of every five-tuple that is gone: another socket on the same
   * address would not know them, and their ports and quota would be held for nothing. Idempotent.
   */
  close(): void {
    this.#isClosed = true;
    this.#socket.close();
    for (const endpoint of this.#known.list()) this.#handler.endpointClosed(endpoint);
  }

  onDatagram(buffer: Buffer, from: RemoteInfo): boolean {
    const endpoint = this.#known.get(from.address, from.port) ?? this.#stranger(from);
    if (endpoint === null) return false;
    try {
      this.#handler.fromClient(endpoint, buffer, 0, buffer.length);
    } catch (fault) {
      this.#report(fault);
    }
    return true;
  }

  #closeIfIdle(): void {
    if (this.#isRetired && this.#known.size === 0) this.close();
  }

  /** The scratch endpoint for an unknown source; null if there is no answering it: port 0 is none. */
  #stranger(from: RemoteInfo): UdpEndpoint | null {
    if (this.#isRetired) return null;
    const scratch = this.#scratch;
    if (from.port === 0 || !readIpText(from.address, scratch.source)) return null;
    scratch.source.port = from.port;
    scratch.address = from.address;
    return scratch;
  }
}

/**
 * Header buffers, one more than datagrams may wait. Datagrams leave in order, so those that wait are the last ones sent,
 * and a header comes round again only when the kernel has it.
 */
function headerRing(): readonly Buffer[] {
  const count = MAX_QUEUED_DATAGRAMS + 1;
  const room = Buffer.alloc(count * HEADER_ROOM);
  return Array.from({ length: count }, (_, index) => room.subarray(index * HEADER_ROOM, (index + 1) * HEADER_ROOM));
}
