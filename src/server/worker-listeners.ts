// The listening sockets of all workers, as main holds them: one of each group for each worker. They outlive a worker, so
// that its clients' datagrams wait for its successor. Knows nothing of what is said over them.

import type { Config } from '../config/config.ts';
import type { ListenerInfo } from '../config/ice-servers.ts';
import type { Logger } from '../log/logger.ts';
import { HostExpander } from '../net/interfaces.ts';
import type { Libc } from '../planes/linux/libc.ts';
import { boundAddress, openTcpListening, openUdpListening } from '../planes/linux/listening-sockets.ts';
import { parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import type { WireListener } from '../workers/messages.ts';
import { type PendingListeners, prepareAll } from './pending-listeners.ts';
import { type BoundStream, StreamListeners } from './stream-listeners.ts';
import type { StreamBind } from './streams-setup.ts';
import { type OpenListener, UdpListeners, udpAddresses } from './udp-listeners.ts';

/** All clients of a listener share its socket buffers. */
const UDP_BUFFER_BYTES = 4 * 1024 * 1024;
/** Connections that wait for a worker, as Node has it. */
const BACKLOG = 511;

/** One listening address. */
export interface SharedListener {
  readonly wire: WireListener;
  /** The socket of worker n is at index n - 1. They stay main's. */
  readonly fds: readonly number[];
}

/** What the listeners are made with. */
export interface WorkerListenersOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly libc: Libc;
  readonly workers: number;
  /** An address has come. */
  readonly opened: (listener: SharedListener) => void;
  /** It serves nobody new: each worker says when nobody is left, see {@link WorkerListeners.idle}. */
  readonly retired: (id: number) => void;
  /** It has gone. */
  readonly closed: (id: number) => void;
  /** Workers that live. */
  readonly living: () => readonly number[];
}

/** Opens, follows and closes the sockets. */
export class WorkerListeners {
  readonly #options: WorkerListenersOptions;
  readonly #udp: UdpListeners;
  readonly #streams: StreamListeners;
  readonly #shared = new Map<number, SharedListener>();
  /** Those that serve nobody new, and the workers in which they still have clients. */
  readonly #retired = new Map<number, { readonly listener: SharedListener; readonly workers: Set<number> }>();
  #nextId = 1;

  constructor(options: WorkerListenersOptions) {
    const { config, logger, libc } = options;
    this.#options = options;
    this.#udp = new UdpListeners({
      addresses: udpAddresses(config.listen),
      expander: new HostExpander((message) => logger.info({ event: 'listen' }, message)),
      open: async (local) => this.#openUdp(local),
      probe: async (local) => this.#closer(openUdpListening(libc, local, 1, 0)),
      report: (message) => logger.warn({ event: 'listen' }, message),
    });
    this.#streams = new StreamListeners(async (options) => this.#openStream(options));
  }

  /** Every address, for a worker that starts. */
  get all(): readonly SharedListener[] {
    return [...this.#shared.values()];
  }

  /** Where the server listens now. */
  get locals(): readonly TransportAddress[] {
    return [...this.#udp.locals, ...this.#streams.locals];
  }

  /** The same for the log and for URLs. */
  get infos(): readonly ListenerInfo[] {
    const udp = this.#udp.locals.map(({ ip, port }) => ({ transport: 'udp', address: ip.text, port }) as const);
    return [...udp, ...this.#streams.infos];
  }

  /** Opens all. @throws ListenError that names the one that could not be opened; {@link close} closes the others */
  async open(): Promise<void> {
    await this.#udp.open();
    (await this.#streams.prepare(this.#options.config.listen)).commit();
  }

  /** Opens what of these is not open yet, or nothing. @throws ListenError that names the one that could not be opened */
  prepare(listen: Config['listen']): Promise<PendingListeners> {
    return prepareAll([() => this.#udp.prepare(udpAddresses(listen)), () => this.#streams.prepare(listen)]);
  }

  /** A retired socket has no clients in a worker any more; in all of its own, if it has died. */
  idle(worker: number, ids: readonly number[] = [...this.#retired.keys()]): void {
    for (const id of ids) {
      const retired = this.#retired.get(id);
      retired?.workers.delete(worker);
      if (retired?.workers.size !== 0) continue;
      // Not before: whoever closes one socket of a group moves the clients of the others.
      this.#retired.delete(id);
      this.#close(retired.listener);
    }
  }

  /** Follows the interfaces of the host. Never rejects. */
  async scan(): Promise<void> {
    await this.#udp.scan();
  }

  /** Closes main's sockets; those of living workers stay open. Idempotent. */
  close(): void {
    this.#udp.close();
    for (const id of [...this.#shared.keys()]) this.#forget(id);
    for (const { listener } of this.#retired.values()) this.#close(listener);
    this.#retired.clear();
  }

  #openUdp(at: TransportAddress): OpenListener {
    const { libc, workers } = this.#options;
    const fds = openUdpListening(libc, at, workers, UDP_BUFFER_BYTES);
    const local = this.#localOf(fds);
    const id = this.#share({ transport: 'udp', proxied: false }, local, fds);
    return { local, retire: () => this.#retire(id), revive: () => this.#revive(id), close: () => this.#forget(id) };
  }

  #retire(id: number): void {
    const listener = this.#shared.get(id);
    if (listener === undefined) return;
    this.#shared.delete(id);
    this.#retired.set(id, { listener, workers: new Set(this.#options.living()) });
    this.#options.retired(id);
  }

  #revive(id: number): boolean {
    const listener = this.#retired.get(id)?.listener;
    if (listener === undefined) return false;
    this.#retired.delete(id);
    this.#shared.set(id, listener);
    this.#options.opened(listener);
    return true;
  }

  #openStream({ mode, proxied, host, port, dualStack }: StreamBind): BoundStream {
    const { libc, workers } = this.#options;
    const ip = parseIp(host);
    if (ip === null) throw new TypeError(`the schema let ${host} pass as an address`);
    const fds = openTcpListening(libc, new TransportAddress(ip, port), workers, { dualStack, backlog: BACKLOG });
    const local = this.#localOf(fds);
    let id = this.#share({ transport: mode, proxied }, local, fds);
    return {
      local,
      // The same sockets under another name: connections that come meanwhile wait in them.
      serve: (next) => {
        this.#shared.delete(id);
        this.#options.closed(id);
        id = this.#share({ transport: next.mode, proxied: next.proxied }, local, fds);
      },
      close: () => this.#forget(id),
    };
  }

  #share(served: Omit<WireListener, 'id' | 'local'>, { ip, port }: TransportAddress, fds: readonly number[]): number {
    const id = this.#nextId++;
    const listener: SharedListener = { wire: { id, ...served, local: { ip: ip.text, port } }, fds };
    this.#shared.set(id, listener);
    this.#options.opened(listener);
    return id;
  }

  #forget(id: number): void {
    const listener = this.#shared.get(id);
    if (listener === undefined) return;
    this.#shared.delete(id);
    this.#close(listener);
    this.#options.closed(id);
  }

  #close({ fds }: Pick<SharedListener, 'fds'>): void {
    for (const fd of fds) this.#options.libc.close(fd);
  }

  #closer(fds: readonly number[]): Pick<OpenListener, 'close'> {
    return { close: () => this.#close({ fds }) };
  }

  #localOf(fds: readonly number[]): TransportAddress {
    return boundAddress(this.#options.libc, fds[0] as number); // one worker at least
  }
}
