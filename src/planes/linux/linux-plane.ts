// The Linux plane: UDP by epoll, recvmmsg, sendmmsg and UDP GSO. What others see of this folder. Knows no protocol.

import type { PlaneCapabilities, Random, RelaySocket } from '../../turn/env.ts';
import { Coalescing } from './coalescing.ts';
import { EventLoop, type LoopGuests } from './event-loop.ts';
import { LinuxRelaySocket } from './linux-relay-socket.ts';
import { type LinuxRelayOptions, LinuxRelaySockets } from './linux-relay-sockets.ts';
import { type ClientDatagramHandler, LinuxUdpListener } from './linux-udp-listener.ts';
import { PlaneCore, type PlaneCoreOptions } from './plane-core.ts';

/** What this plane can do with IP fields. */
export const LINUX_CAPABILITIES: PlaneCapabilities = Object.freeze({ dontFragment: true });

/** What a plane is opened with. */
export interface LinuxPlaneOptions extends PlaneCoreOptions {
  readonly random: Random;
  /** Microseconds that a busy plane sleeps between rounds, to handle several datagrams at once; 0 = never. */
  readonly coalescing: number;
}

/** One per process. Nothing is received before {@link run}. */
export class LinuxPlane {
  readonly capabilities: PlaneCapabilities = LINUX_CAPABILITIES;
  readonly #core: PlaneCore;
  readonly #options: LinuxPlaneOptions;
  readonly #listeners = new Set<LinuxUdpListener>();
  #loop: EventLoop | null = null;

  /** @throws SystemCallError where the system refuses what this plane needs */
  constructor(options: LinuxPlaneOptions) {
    this.#options = options;
    this.#core = new PlaneCore(options);
  }

  /** Takes over a bound UDP listening socket. @throws SystemCallError; the descriptor is closed then */
  adoptListener(fd: number, handler: ClientDatagramHandler): LinuxUdpListener {
    try {
      const onClosed = (closed: LinuxUdpListener): void => void this.#listeners.delete(closed);
      const listener = new LinuxUdpListener({ core: this.#core, fd, handler, seed: this.#seed(), onClosed });
      this.#listeners.add(listener);
      return listener;
    } catch (error) {
      this.#core.sockets.close(fd);
      throw error;
    }
  }

  relaySockets(options: LinuxRelayOptions): LinuxRelaySockets {
    return new LinuxRelaySockets(this.#core, options);
  }

  /**
   * Gives a relay socket of this plane away that nobody is attached to: the plane forgets it, and neither descriptor nor
   * port are closed. @returns the descriptor
   */
  giveAway(socket: RelaySocket): number {
    if (!(socket instanceof LinuxRelaySocket)) throw new TypeError('not a relay socket of this plane');
    return socket.giveAway();
  }

  /** Brings the counter of what the kernel has dropped up to date: of the listeners; relay sockets see to it themselves. */
  countDrops(): void {
    for (const listener of this.#listeners) listener.countDrops();
  }

  /** Takes over the process's loop from now on; Node's own goes on beside it. */
  run(guests: LoopGuests): void {
    this.#loop ??= new EventLoop(this.#core, new Coalescing(this.#options.coalescing), guests);
    this.#loop.start();
  }

  /** Closes the listeners and gives the loop back. Relay sockets belong to their allocations. */
  close(): void {
    for (const listener of this.#listeners) listener.close();
    this.#loop?.stop();
    this.#core.poller.close();
  }

  #seed(): number {
    const bytes = new Uint8Array(4);
    this.#options.random.fill(bytes);
    return new DataView(bytes.buffer).getInt32(0);
  }
}
