// Opens relay sockets by system calls: draws ports from the table, binds them, and gives back every port that does not
// end up in a relay socket. bind() is the truth about a port; the table only says which ones turnd holds itself.

import type { IpAddress, IpFamily } from '../../stun/ip-address.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { type OpenedRelay, PortRequest, type Random, type RelaySockets } from '../../turn/env.ts';
import { countCode, countError, errorCode } from '../plane-counters.ts';
import type { PortDraw, PortTable } from '../port-table.ts';
import { PeerDestination } from './destination.ts';
import { LinuxRelaySocket } from './linux-relay-socket.ts';
import type { PlaneCore } from './plane-core.ts';
import { checked } from './system-error.ts';

/** Other programs' ephemeral ports lie in the same range; even with half of it in use 32 draws practically never fail. */
const MAX_DRAWS = 32;

/** One allocation's traffic: more than the kernel's default for a burst of video, far less than a listener's. */
const RECEIVE_BUFFER_BYTES = 512 * 1024;

/** What relay sockets are opened with. */
export interface LinuxRelayOptions {
  /** The private addresses to bind, of either family, in the order of the table's rows. */
  readonly addresses: readonly IpAddress[];
  /** The address that clients and peers see for a private one; asked anew for each socket. */
  readonly shown: (local: IpAddress) => IpAddress;
  /** The number of that address, by which other processes know it: marks the socket's port. Absent: 0. */
  readonly shownMark?: (local: IpAddress) => number;
  readonly table: PortTable;
  readonly random: Random;
  /** Whether few file descriptors are left, so that none may be taken; absent: never. */
  readonly isShort?: () => boolean;
}

/** The relay sockets of the Linux plane. */
export class LinuxRelaySockets implements RelaySockets {
  readonly #core: PlaneCore;
  readonly #options: LinuxRelayOptions;
  readonly #rows: Readonly<Record<IpFamily, readonly number[]>>;
  readonly #destination = new PeerDestination();

  constructor(core: PlaneCore, options: LinuxRelayOptions) {
    this.#core = core;
    this.#options = options;
    const rowsOf = (family: IpFamily) => options.addresses.flatMap((ip, row) => (ip.family === family ? [row] : []));
    this.#rows = { 4: rowsOf(4), 6: rowsOf(6) };
  }

  serves(family: IpFamily): boolean {
    return this.#rows[family].length > 0;
  }

  /** Synchronous: no client waits for Node's loop. */
  open(family: IpFamily, request: PortRequest): OpenedRelay | null {
    if (this.#options.isShort?.() === true) {
      countCode(this.#core.counters.bindErrors, 'EMFILE');
      return null;
    }
    // Ports that others hold stay taken until the end of this call, so that none is tried twice.
    const failed: PortDraw[] = [];
    try {
      while (failed.length < MAX_DRAWS) {
        const draw = this.#options.table.draw(this.#rows[family], request, this.#options.random);
        if (draw === null) break;
        try {
          return this.#openDraw(draw, request);
        } catch (error) {
          failed.push(draw);
          if (!this.#isWorthAnotherDraw(error)) return null;
        }
      }
      this.#core.counters.portsExhausted++;
    } catch (fault) {
      this.#core.report(fault);
    } finally {
      for (const draw of failed) for (const port of portsOf(draw, request)) this.#options.table.release(draw.row, port);
    }
    return null;
  }

  /**
   * Takes over a bound relay socket that another process has opened; its port is this process's in the table already.
   * @throws SystemCallError, RangeError for an address that is not served; the descriptor is closed then
   */
  adopt(fd: number): LinuxRelaySocket {
    try {
      const local = this.#core.sockets.addressOf(fd);
      const row = this.#options.addresses.findIndex((ip) => ip.equals(local.ip));
      if (row < 0) throw new RangeError(`no relay address ${local.ip.text}`);
      this.#core.sockets.tuneRelay(fd, local.ip.family, RECEIVE_BUFFER_BYTES);
      return this.#make(fd, local, row);
    } catch (error) {
      this.#core.sockets.close(fd);
      throw error;
    }
  }

  /** Binds all ports of a draw, or none and throws. The draw's ports pass to the relay sockets only on success. */
  #openDraw(draw: PortDraw, request: PortRequest): OpenedRelay {
    const opened: number[] = [];
    try {
      const ip = this.#options.addresses[draw.row] as IpAddress; // every row is one of them
      const ports = portsOf(draw, request);
      for (const port of ports) this.#bind(ip, port, opened);
      const relays = ports.map((port, index) =>
        this.#make(opened[index] as number, new TransportAddress(ip, port), draw.row),
      );
      return { socket: relays[0] as LinuxRelaySocket, reserved: relays[1] ?? null }; // one port at least
    } catch (error) {
      for (const fd of opened) this.#core.sockets.close(fd);
      throw error;
    }
  }

  #bind(ip: IpAddress, port: number, opened: number[]): void {
    const fd = this.#core.sockets.openRelay(ip.family, RECEIVE_BUFFER_BYTES);
    opened.push(fd);
    checked(this.#core.libc, 'bind', this.#core.sockets.bind(fd, ip, port));
  }

  #make(fd: number, local: TransportAddress, row: number): LinuxRelaySocket {
    const shown = this.#options.shown(local.ip);
    this.#options.table.mark(row, local.port, this.#options.shownMark?.(local.ip) ?? 0);
    const onClosed = (port: number): void => this.#options.table.release(row, port);
    return new LinuxRelaySocket({ core: this.#core, destination: this.#destination, fd, local, shown, onClosed });
  }

  /** Another port may be free, or another address still there; without descriptors or rights no draw helps. */
  #isWorthAnotherDraw(error: unknown): boolean {
    const code = errorCode(error);
    countError(this.#core.counters.bindErrors, error);
    if (code === 'unknown') this.#core.report(error);
    return code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL';
  }
}

function portsOf(draw: PortDraw, request: PortRequest): number[] {
  return request === PortRequest.EVEN_AND_NEXT ? [draw.port, draw.port + 1] : [draw.port];
}
