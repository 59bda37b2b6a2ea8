// The TCP and TLS listening sockets of the configuration, which may change while they are open. Knows no plane: it is told
// how to open a socket. A wildcard host is one socket: a connection tells its local address by itself.

import type { Config } from '../config/config.ts';
import type { ListenerInfo } from '../config/ice-servers.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { PendingListeners } from './pending-listeners.ts';
import { bindStream, type StreamAddress, type StreamBind } from './streams-setup.ts';

/** An open socket. */
export interface BoundStream {
  readonly local: TransportAddress;
  /** What it accepts from now on. */
  serve(served: Pick<StreamBind, 'mode' | 'proxied'>): void;
  /** Closes it; its connections stay. */
  close(): void;
}

interface Entry {
  readonly address: StreamAddress;
  readonly bound: BoundStream;
}

/** Opens, changes and closes the sockets. */
export class StreamListeners {
  readonly #bind: (options: StreamBind) => Promise<BoundStream>;
  #entries: readonly Entry[] = [];

  /** @param bind opens one; rejects with the system's error */
  constructor(bind: (options: StreamBind) => Promise<BoundStream>) {
    this.#bind = bind;
  }

  get locals(): readonly TransportAddress[] {
    return this.#entries.map(({ bound }) => bound.local);
  }

  /** As configured, with true ports. */
  get infos(): readonly ListenerInfo[] {
    return this.#entries.map(({ address: { transport, host, proxyProtocol }, bound }) => {
      const info = { transport, address: host, port: bound.local.port };
      return proxyProtocol === true ? { ...info, proxyProtocol } : info;
    });
  }

  /** Opens what of these is not open yet, or nothing. @throws ListenError that names the one that could not be opened */
  async prepare(listen: Config['listen']): Promise<PendingListeners> {
    const wanted = listen.filter(isStream);
    const next: Entry[] = [];
    const opened: BoundStream[] = [];
    const cancel = (): void => opened.forEach((bound) => void bound.close());
    try {
      for (const address of wanted) {
        const free = this.#entries.filter(({ bound }) => !next.some((entry) => entry.bound === bound));
        const known =
          free.find((entry) => isSame(entry.address, address)) ?? free.find((entry) => isAt(entry, address));
        const bound = known?.bound ?? (await bindStream(address, this.#bind));
        if (known === undefined) opened.push(bound);
        next.push({ address, bound });
      }
    } catch (error) {
      cancel();
      throw error;
    }
    return { cancel, commit: () => this.#commit(next) };
  }

  /** Idempotent. */
  close(): void {
    for (const { bound } of this.#entries) bound.close();
    this.#entries = [];
  }

  #commit(next: readonly Entry[]): void {
    for (const { bound } of this.#entries) if (!next.some((entry) => entry.bound === bound)) bound.close();
    for (const { address, bound } of next) {
      const before = this.#entries.find((entry) => entry.bound === bound);
      if (before === undefined || isServedAlike(before.address, address)) continue;
      bound.serve({ mode: address.transport, proxied: address.proxyProtocol === true });
    }
    this.#entries = next;
  }
}

function isStream(address: Config['listen'][number]): address is StreamAddress {
  return address.transport !== 'udp';
}

function isSame(left: StreamAddress, right: StreamAddress): boolean {
  return isServedAlike(left, right) && left.host === right.host && left.port === right.port;
}

function isServedAlike(left: StreamAddress, right: StreamAddress): boolean {
  return left.transport === right.transport && left.proxyProtocol === right.proxyProtocol;
}

// One port cannot be bound twice: whoever changes what it serves keeps the socket.
function isAt({ address, bound }: Entry, { host, port }: StreamAddress): boolean {
  return address.host === host && bound.local.port === port;
}
