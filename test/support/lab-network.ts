// The virtual network of a lab: relay sockets that are plain objects, and peers that receive and send.

import { parseIp } from '../../src/stun/ip-address.ts';
import { TransportAddress, TransportWords } from '../../src/stun/transport-address.ts';
import {
  type OpenedRelay,
  PortRequest,
  type RelaySocket,
  type RelaySocketOwner,
  type RelaySockets,
} from '../../src/turn/env.ts';
import type { Gate } from './gate.ts';
import { RELAY_PRIVATE_V4, RELAY_PRIVATE_V6, RELAY_V4, RELAY_V6, transportAddress } from './lab.ts';

/** A datagram as a peer sees it. */
export interface PeerDatagram {
  /** The relayed address that it came from. */
  readonly from: string;
  readonly payload: Buffer;
  /** Whether DF was asked for. */
  readonly dontFragment: boolean;
}

/** A peer host's socket. */
export class LabPeer {
  readonly address: TransportAddress;
  readonly received: PeerDatagram[] = [];
  readonly #relays: LabRelays;

  constructor(address: TransportAddress, relays: LabRelays) {
    this.address = address;
    this.#relays = relays;
  }

  /** Sends a datagram to a relayed address (as shown to clients). Silence if nothing is bound there. */
  send(relayed: string, payload: string | Buffer): void {
    this.#relays.deliver(this.address, relayed, Buffer.from(payload));
  }

  /** Payloads received so far, as text; and forgets them. */
  take(): string[] {
    return this.received.splice(0).map(({ payload }) => payload.toString());
  }
}

class LabRelaySocket implements RelaySocket {
  readonly local: TransportAddress;
  readonly relayed: TransportAddress;
  owner: RelaySocketOwner | null = null;
  open = true;
  readonly #relays: LabRelays;

  constructor(local: TransportAddress, relayed: TransportAddress, relays: LabRelays) {
    this.local = local;
    this.relayed = relayed;
    this.#relays = relays;
  }

  attach(owner: RelaySocketOwner): void {
    if (this.owner !== null) throw new Error('attached twice');
    this.owner = owner;
  }

  send(
    peer: { text: string; family: number },
    port: number,
    buffer: Buffer,
    start: number,
    end: number,
    dontFragment: boolean,
  ): void {
    if (!this.open) throw new Error('sent through a closed relay socket');
    const to = peer.family === 6 ? `[${peer.text}]:${port}` : `${peer.text}:${port}`;
    const payload = Buffer.from(buffer.subarray(start, end));
    if (this.#relays.deliverInside(this.local, to, payload, dontFragment)) return;
    this.#relays.arrive(to, { from: this.relayed.text, payload, dontFragment });
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.#relays.forget(this);
  }
}

/** Relay sockets on virtual ports. */
export class LabRelays implements RelaySockets {
  readonly sockets: Map<string, LabRelaySocket> = new Map();
  /** Datagrams to addresses where no peer listens. */
  readonly lost: { readonly to: string; readonly payload: Buffer }[] = [];
  readonly #peers: Map<string, LabPeer> = new Map();
  readonly #families: readonly (4 | 6)[];
  readonly #ports: readonly [number, number];
  readonly #async: boolean | Gate;
  #cursor = 0;

  constructor(families: readonly (4 | 6)[], ports: readonly [number, number], async: boolean | Gate) {
    this.#families = families;
    this.#ports = ports;
    this.#async = async;
  }

  serves(family: 4 | 6): boolean {
    return this.#families.includes(family);
  }

  open(family: 4 | 6, request: PortRequest): OpenedRelay | null | Promise<OpenedRelay | null> {
    const opened = this.#open(family, request);
    if (typeof this.#async === 'object') return this.#async.hold(opened);
    return this.#async ? new Promise((resolve) => setImmediate(() => resolve(opened))) : opened;
  }

  peer(address: string): LabPeer {
    const known = this.#peers.get(address);
    if (known !== undefined) return known;
    const peer = new LabPeer(transportAddress(address), this);
    this.#peers.set(address, peer);
    return peer;
  }

  arrive(to: string, datagram: PeerDatagram): void {
    const peer = this.#peers.get(to);
    if (peer === undefined) this.lost.push({ to, payload: datagram.payload });
    else peer.received.push(datagram);
  }

  deliver(from: TransportAddress, relayed: string, payload: Buffer): void {
    const socket = this.sockets.get(relayed);
    if (socket === undefined || socket.owner === null) return;
    const source = new TransportWords();
    source.set(from);
    socket.owner.fromPeer(source, payload, 0, payload.length);
    payload.fill(0xee);
    source.port = 0;
  }

  /** What is sent to an address of the host itself never sees the NAT: the kernel delivers it, source unchanged. */
  deliverInside(from: TransportAddress, to: string, payload: Buffer, _dontFragment: boolean): boolean {
    for (const socket of this.sockets.values()) {
      if (socket.local.text !== to) continue;
      this.deliver(from, socket.relayed.text, payload);
      return true;
    }
    return false;
  }

  /** An ICMP error for what a relayed address sent to `to` (`ip:port`). */
  complain(relayed: string, to: string, icmpType: number, icmpCode: number, data: number): void {
    const peer = new TransportWords();
    peer.set(transportAddress(to));
    this.sockets.get(relayed)?.owner?.fromPeerError(peer, icmpType, icmpCode, data);
    peer.port = 0;
  }

  forget(socket: LabRelaySocket): void {
    this.sockets.delete(socket.relayed.text);
  }

  // Scatters ports over the range, so that no test comes to rely on an order.
  #open(family: 4 | 6, request: PortRequest): OpenedRelay | null {
    const [first, last] = this.#ports;
    const size = last - first + 1;
    this.#cursor = (this.#cursor + 7919) % size;
    for (let tries = 0; tries < size; tries++) {
      const port = first + ((this.#cursor + tries) % size);
      if (request !== PortRequest.ANY && port % 2 !== 0) continue;
      const pair = request === PortRequest.EVEN_AND_NEXT;
      if (!this.#isFree(family, port) || (pair && (port === last || !this.#isFree(family, port + 1)))) continue;
      return { socket: this.#bind(family, port), reserved: pair ? this.#bind(family, port + 1) : null };
    }
    return null;
  }

  #isFree(family: 4 | 6, port: number): boolean {
    return !this.sockets.has(addresses(family, port).relayed.text);
  }

  #bind(family: 4 | 6, port: number): LabRelaySocket {
    const { local, relayed } = addresses(family, port);
    const socket = new LabRelaySocket(local, relayed, this);
    this.sockets.set(relayed.text, socket);
    return socket;
  }
}

function addresses(family: 4 | 6, port: number): { local: TransportAddress; relayed: TransportAddress } {
  const [local, relayed] = family === 4 ? [RELAY_PRIVATE_V4, RELAY_V4] : [RELAY_PRIVATE_V6, RELAY_V6];
  return { local: at(local, port), relayed: at(relayed, port) };
}

function at(text: string, port: number): TransportAddress {
  const ip = parseIp(text);
  if (ip === null) throw new Error(text);
  return new TransportAddress(ip, port);
}
