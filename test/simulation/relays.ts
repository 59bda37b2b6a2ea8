// The relay sockets of one simulated process, on the kernel's sockets and the port table that all processes share.

import type { PortDraw, PortTable } from '../../src/planes/port-table.ts';
import type { IpAddress, IpFamily } from '../../src/stun/ip-address.ts';
import { TransportAddress, TransportWords } from '../../src/stun/transport-address.ts';
import {
  type Awaitable,
  type OpenedRelay,
  PortRequest,
  type RelaySocket,
  type RelaySocketOwner,
  type RelaySockets,
} from '../../src/turn/env.ts';
import type { Kernel, SocketReader } from './kernel.ts';
import { RELAY_ADDRESSES } from './model-state.ts';

/** What a process opens relay sockets with. */
export interface RelayParts {
  readonly kernel: Kernel;
  readonly table: PortTable;
  /** Who holds the descriptors. */
  readonly holder: string;
  readonly random: { fill(target: Uint8Array): void };
  /** A datagram leaves the host. */
  readonly leaves: (from: string, to: string, payload: Buffer) => void;
  /** Whether the system refuses a socket now. */
  readonly refuses: () => boolean;
  /** Gives a socket at once, or later as `node:dgram` does. */
  readonly give: (opened: OpenedRelay | null) => Awaitable<OpenedRelay | null>;
}

// Ports that other programs hold are drawn again, so many times.
const MAX_DRAWS = 8;

/** Opens relay sockets. */
export class SimRelays implements RelaySockets {
  readonly #parts: RelayParts;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  serves(): boolean {
    return true;
  }

  open(family: IpFamily, request: PortRequest): Awaitable<OpenedRelay | null> {
    return this.#parts.give(this.#parts.refuses() ? null : this.#open(family, request));
  }

  /** Makes a relay socket of a descriptor; its port is this process's already. */
  adopt(fd: number): SimRelaySocket {
    const local = this.#parts.kernel.addressOf(fd);
    return new SimRelaySocket(this.#parts, fd, local, rowOf(local.ip));
  }

  #open(family: IpFamily, request: PortRequest): OpenedRelay | null {
    const { table, random } = this.#parts;
    const failed: PortDraw[] = [];
    let opened: OpenedRelay | null = null;
    while (opened === null && failed.length < MAX_DRAWS) {
      const draw = table.draw([family === 4 ? 0 : 1], request, random);
      if (draw === null) break;
      opened = this.#bind(draw, request);
      if (opened === null) failed.push(draw);
    }
    for (const { row, port } of failed) {
      table.release(row, port);
      if (request === PortRequest.EVEN_AND_NEXT) table.release(row, port + 1);
    }
    return opened;
  }

  #bind({ row, port }: PortDraw, request: PortRequest): OpenedRelay | null {
    const { kernel, holder } = this.#parts;
    const { ip } = RELAY_ADDRESSES[row] as { ip: IpAddress }; // a row that was asked for
    const ports = request === PortRequest.EVEN_AND_NEXT ? [port, port + 1] : [port];
    const bound = ports.map((each) => kernel.bind(new TransportAddress(ip, each), holder));
    const fds = bound.filter((fd) => fd !== null);
    if (fds.length < ports.length) {
      for (const fd of fds) kernel.close(fd);
      return null;
    }
    const [socket, reserved = null] = fds.map((fd) => this.adopt(fd));
    return { socket: socket as RelaySocket, reserved }; // one port at least
  }
}

/** One of them. */
export class SimRelaySocket implements RelaySocket, SocketReader {
  readonly local: TransportAddress;
  readonly relayed: TransportAddress;
  readonly #parts: RelayParts;
  readonly #row: number;
  #fd: number | null;
  #owner: RelaySocketOwner | null = null;

  constructor(parts: RelayParts, fd: number, local: TransportAddress, row: number) {
    this.#parts = parts;
    this.#fd = fd;
    this.#row = row;
    this.local = local;
    const { shown } = RELAY_ADDRESSES[row] as { shown: IpAddress }; // as above
    this.relayed = new TransportAddress(shown, local.port);
    parts.kernel.read(fd, this);
  }

  attach(owner: RelaySocketOwner): void {
    if (this.#owner !== null) throw new Error('attached twice');
    this.#owner = owner;
  }

  arrived(from: TransportAddress, payload: Buffer): void {
    if (this.#owner === null) return;
    const source = new TransportWords();
    source.set(from);
    this.#owner.fromPeer(source, payload, 0, payload.length);
    payload.fill(0xee);
    source.port = 0;
  }

  send(peer: IpAddress, port: number, buffer: Buffer, start: number, end: number): void {
    if (this.#fd === null) throw new Error('sent through a closed relay socket');
    const to = new TransportAddress(peer, port);
    const payload = Buffer.from(buffer.subarray(start, end));
    if (RELAY_ADDRESSES.some(({ ip }) => ip.equals(peer))) this.#parts.kernel.deliver(this.local, to, payload);
    else this.#parts.leaves(this.relayed.text, to.text, payload);
  }

  close(): void {
    if (this.#fd === null) return;
    this.#parts.kernel.close(this.#fd);
    this.#fd = null;
    this.#parts.table.release(this.#row, this.local.port);
  }

  /** Takes the descriptor out. */
  giveAway(): number {
    const fd = this.#fd;
    if (fd === null) throw new Error('gave a closed relay socket away');
    this.#fd = null;
    this.#parts.kernel.read(fd, null);
    return fd;
  }
}

function rowOf(ip: IpAddress): number {
  return RELAY_ADDRESSES.findIndex((each) => each.ip.equals(ip));
}
