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
import { bindStreams, type OpenStream, type StreamBind } from './streams-setup.ts';
import { type OpenListener, UdpListeners } from './udp-listeners.ts';

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
  /** It has gone. */
  readonly closed: (id: number) => void;
}

/** Opens, follows and closes the sockets. */
export class WorkerListeners {
  readonly #options: WorkerListenersOptions;
  readonly #udp: UdpListeners;
  readonly #shared = new Map<number, SharedListener>();
  #streams: readonly OpenStream[] = [];
  #nextId = 1;

  constructor(options: WorkerListenersOptions) {
    const { config, logger, libc } = options;
    this.#options = options;
    this.#udp = new UdpListeners({
      addresses: config.listen.filter(({ transport }) => transport === 'udp'),
      expander: new HostExpander((message) => logger.info({ event: 'listen' }, message)),
      open: async (local) => this.#openUdp(local),
      probe: async (local) => this.#closer(local, openUdpListening(libc, local, 1, 0)),
      report: (message) => logger.warn({ event: 'listen' }, message),
    });
  }

  /** Every address, for a worker that starts. */
  get all(): readonly SharedListener[] {
    return [...this.#shared.values()];
  }

  /** Where the server listens now. */
  get locals(): readonly TransportAddress[] {
    return [...this.#udp.locals, ...this.#streams.map(({ local }) => local)];
  }

  /** The same for the log and for URLs. */
  get infos(): readonly ListenerInfo[] {
    const udp = this.#udp.locals.map(({ ip, port }) => ({ transport: 'udp', address: ip.text, port }) as const);
    return [...udp, ...this.#streams.map(({ info }) => info)];
  }

  /** Opens all. @throws ListenError that names the one that could not be opened; {@link close} closes the others */
  async open(): Promise<void> {
    await this.#udp.open();
    this.#streams = await bindStreams(this.#options.config, async (options) => this.#openStream(options));
  }

  /** Follows the interfaces of the host. Never rejects. */
  async scan(): Promise<void> {
    await this.#udp.scan();
  }

  /** Closes main's sockets; those of living workers stay open. Idempotent. */
  close(): void {
    this.#udp.close();
    for (const id of [...this.#shared.keys()]) this.#forget(id);
  }

  #openUdp(at: TransportAddress): OpenListener {
    const { libc, workers } = this.#options;
    const fds = openUdpListening(libc, at, workers, UDP_BUFFER_BYTES);
    const local = this.#localOf(fds);
    const id = this.#share({ transport: 'udp', proxied: false }, local, fds);
    return { local, close: () => this.#forget(id) };
  }

  #openStream({ mode, proxied, host, port, dualStack }: StreamBind): TransportAddress {
    const { libc, workers } = this.#options;
    const ip = parseIp(host);
    if (ip === null) throw new TypeError(`the schema let ${host} pass as an address`);
    const fds = openTcpListening(libc, new TransportAddress(ip, port), workers, { dualStack, backlog: BACKLOG });
    const local = this.#localOf(fds);
    this.#share({ transport: mode, proxied }, local, fds);
    return local;
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
    for (const fd of listener.fds) this.#options.libc.close(fd);
    this.#options.closed(id);
  }

  #closer(local: TransportAddress, fds: readonly number[]): OpenListener {
    return { local, close: () => fds.forEach((fd) => void this.#options.libc.close(fd)) };
  }

  #localOf(fds: readonly number[]): TransportAddress {
    return boundAddress(this.#options.libc, fds[0] as number); // one worker at least
  }
}
