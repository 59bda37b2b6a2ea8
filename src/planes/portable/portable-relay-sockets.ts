// Opens relay sockets: draws ports from the table, binds them, and gives back every port that does not end up in a
// relay socket. bind() is the truth about a port; the table only says which ones this server holds itself.

import type { IpAddress, IpFamily } from '../../stun/ip-address.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import {
  type OpenedRelay,
  type PlaneCapabilities,
  PortRequest,
  type Random,
  type RelaySockets,
} from '../../turn/env.ts';
import { countCode, countError, errorCode, type PlaneCounters } from '../plane-counters.ts';
import { type PortDraw, PortOwner, PortTable } from '../port-table.ts';
import { DatagramSocket } from './datagram-socket.ts';
import { PortableRelaySocket } from './portable-relay-socket.ts';

/** What the portable plane can do with IP fields: dgram sets none of them. */
export const PORTABLE_CAPABILITIES: PlaneCapabilities = Object.freeze({ dontFragment: false });

/** Other programs' ephemeral ports lie in the same range; even with half of it in use 32 draws practically never fail. */
const MAX_DRAWS = 32;

/** One allocation's traffic: more than the kernel's default for a burst of video, far less than a listener's. */
const RECEIVE_BUFFER_BYTES = 512 * 1024;

/** What relay sockets are opened with. */
export interface PortableRelayOptions {
  /** The private addresses to bind, of either family; a family without any is not served. */
  readonly addresses: readonly IpAddress[];
  /** The address that clients and peers see for a private one; asked anew for each socket. */
  readonly shown: (local: IpAddress) => IpAddress;
  /** The port range, both ends included. */
  readonly minPort: number;
  readonly maxPort: number;
  readonly random: Random;
  readonly counters: PlaneCounters;
  /** Whether few file descriptors are left, so that none may be taken; absent: never. */
  readonly isShort?: () => boolean;
  /** Told what an owner or `shown` threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
}

/** The relay sockets of the portable plane. */
export class PortableRelaySockets implements RelaySockets {
  readonly #options: PortableRelayOptions;
  /** A row per address. This plane serves one process, so nobody else looks at the table. */
  readonly #table: PortTable;

  constructor(options: PortableRelayOptions) {
    this.#options = options;
    const bytes = new Uint8Array(PortTable.byteLength(options.addresses.length));
    const { minPort, maxPort } = options;
    this.#table = new PortTable({ bytes, owner: PortOwner.FIRST_WORKER, minPort, maxPort });
  }

  /** New sockets get ports of this range from now on; those that are open keep theirs. */
  setPorts({ min, max }: { readonly min: number; readonly max: number }): void {
    this.#table.setRange(min, max);
  }

  serves(family: IpFamily): boolean {
    return this.#rowsOf(family).length > 0;
  }

  /** How many ports of a family are free, over all its addresses. */
  freePorts(family: IpFamily): number {
    return this.#rowsOf(family).reduce((sum, row) => sum + this.#table.free(row), 0);
  }

  async open(family: IpFamily, request: PortRequest): Promise<OpenedRelay | null> {
    if (this.#options.isShort?.() === true) {
      countCode(this.#options.counters.bindErrors, 'EMFILE');
      return null;
    }
    const rows = this.#rowsOf(family);
    // Ports that others hold stay taken until the end of this call, so that none is tried twice.
    const failed: PortDraw[] = [];
    try {
      while (failed.length < MAX_DRAWS) {
        const draw = this.#table.draw(rows, request, this.#options.random);
        if (draw === null) break;
        try {
          return await this.#openDraw(draw, request);
        } catch (error) {
          failed.push(draw);
          if (!this.#isWorthAnotherDraw(error)) return null;
        }
      }
      this.#options.counters.portsExhausted++;
    } catch (fault) {
      this.#options.report(fault);
    } finally {
      for (const draw of failed) for (const port of portsOf(draw, request)) this.#table.release(draw.row, port);
    }
    return null;
  }

  /** Binds all ports of a draw, or none and throws. The draw's ports pass to the relay sockets only on success. */
  async #openDraw(draw: PortDraw, request: PortRequest): Promise<OpenedRelay> {
    const sockets: DatagramSocket[] = [];
    try {
      const ip = this.#options.addresses[draw.row] as IpAddress; // every row is one of them
      const shown = this.#options.shown(ip);
      for (const port of portsOf(draw, request)) sockets.push(await this.#bind(ip, port));
      const parts = { table: this.#table, row: draw.row, shown, report: this.#options.report };
      const relays = sockets.map((socket) => new PortableRelaySocket({ socket, ...parts }));
      return { socket: relays[0] as PortableRelaySocket, reserved: relays[1] ?? null }; // one port at least
    } catch (error) {
      for (const socket of sockets) socket.close();
      throw error;
    }
  }

  #bind(ip: IpAddress, port: number): Promise<DatagramSocket> {
    return DatagramSocket.open({
      bind: new TransportAddress(ip, port),
      counters: this.#options.counters.peers,
      receiveBuffer: RECEIVE_BUFFER_BYTES,
      sendBuffer: 0,
      // A peer ::ffff:a.b.c.d must not become an IPv4 peer on a relayed IPv6 address.
      ipv6Only: true,
    });
  }

  /** Another port may be free, or another address still there; without descriptors or rights no draw helps. */
  #isWorthAnotherDraw(error: unknown): boolean {
    const code = errorCode(error);
    countError(this.#options.counters.bindErrors, error);
    if (code === 'unknown') this.#options.report(error);
    return code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL';
  }

  #rowsOf(family: IpFamily): number[] {
    return this.#options.addresses.flatMap((ip, row) => (ip.family === family ? [row] : []));
  }
}

function portsOf(draw: PortDraw, request: PortRequest): number[] {
  return request === PortRequest.EVEN_AND_NEXT ? [draw.port, draw.port + 1] : [draw.port];
}
