// All listening sockets of the server. Made before the engine, which must know where they are, and opened after it.
// Knows the plane and the streams; decides nothing about either.

import type { Config } from '../config/config.ts';
import type { ListenerInfo } from '../config/ice-servers.ts';
import type { Logger } from '../log/logger.ts';
import { HostExpander } from '../net/interfaces.ts';
import type { PlaneCounters } from '../planes/plane-counters.ts';
import { UdpListener } from '../planes/portable/udp-listener.ts';
import type { ProxyRefused, StreamGroup } from '../streams/stream-group.ts';
import type { StreamCounters } from '../streams/stream-handler.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { Engine } from '../turn/engine.ts';
import type { Clock, Random } from '../turn/env.ts';
import { type PendingListeners, prepareAll } from './pending-listeners.ts';
import { type BoundStream, StreamListeners } from './stream-listeners.ts';
import { makeStreams, type StreamBind, streamSettings } from './streams-setup.ts';
import { UdpListeners, udpAddresses } from './udp-listeners.ts';

/** What the listeners are made with. */
export interface ListenersOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: PlaneCounters;
  /** Whether few file descriptors are left. */
  readonly isShort: () => boolean;
  /** Whether memory is short. */
  readonly isShortOfMemory: () => boolean;
  /** Told what the engine threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
  readonly proxyRefused: ProxyRefused;
}

/** The UDP, TCP and TLS listeners. */
export class Listeners {
  readonly #options: ListenersOptions;
  #udp: UdpListeners | null = null;
  #group: StreamGroup | null = null;
  #streams: StreamListeners | null = null;

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** Where the server listens now: nowhere before {@link open}. */
  get locals(): readonly TransportAddress[] {
    return [...(this.#udp?.locals ?? []), ...(this.#streams?.locals ?? [])];
  }

  /** The same for the log and for URLs. */
  get infos(): readonly ListenerInfo[] {
    const udp = (this.#udp?.locals ?? []).map(
      ({ ip, port }) => ({ transport: 'udp', address: ip.text, port }) as const,
    );
    return [...udp, ...(this.#streams?.infos ?? [])];
  }

  /** Null before {@link open}. */
  get streamCounters(): StreamCounters | null {
    return this.#group?.counters ?? null;
  }

  /** TCP and TLS connections now. */
  get connections(): number {
    return this.#group?.sockets ?? 0;
  }

  /** Opens all. @throws ListenError that names the one that could not be opened; {@link close} closes the others */
  async open(engine: Engine, tls: TlsAcceptor | null): Promise<void> {
    const { config, logger, clock, random, counters, report, proxyRefused, isShort, isShortOfMemory } = this.#options;
    const openUdp = (bind: TransportAddress) =>
      UdpListener.open({ bind, handler: engine, counters: counters.clients, report });
    this.#udp = new UdpListeners({
      addresses: udpAddresses(config.listen),
      expander: new HostExpander((message) => logger.info({ event: 'listen' }, message)),
      open: openUdp,
      probe: openUdp,
      report: (message) => logger.warn({ event: 'listen' }, message),
    });
    await this.#udp.open();
    const shortages = { isShort, isShortOfMemory };
    const group = makeStreams({ config, engine, clock, random, tls, report, proxyRefused, ...shortages });
    this.#group = group;
    this.#streams = new StreamListeners((options) => openStream(group, options));
    (await this.#streams.prepare(config.listen)).commit();
    group.start();
  }

  /** Opens what of these addresses is not open yet, or nothing. @throws ListenError that names the one that could not be */
  prepare(listen: Config['listen']): Promise<PendingListeners> {
    const [udp, streams] = [this.#udp, this.#streams];
    if (udp === null || streams === null) throw new Error('not open');
    return prepareAll([() => udp.prepare(udpAddresses(listen)), () => streams.prepare(listen)]);
  }

  /** The bounds of connections from now on. */
  setLimits(config: Pick<Config, 'limits' | 'proxyProtocol'>): void {
    if (this.#group !== null) this.#group.settings = streamSettings(config);
  }

  /** Takes TLS connections from now on: before that no such listener may be opened. */
  serveTls(tls: TlsAcceptor): void {
    if (this.#group !== null) this.#group.tls = tls;
  }

  /** Follows the interfaces of the host. Never rejects. */
  async scan(): Promise<void> {
    await this.#udp?.scan();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#udp?.close();
    await this.#group?.close();
  }
}

async function openStream(group: StreamGroup, options: StreamBind): Promise<BoundStream> {
  const listener = await group.listen(options);
  return {
    local: listener.local,
    serve: (served) => listener.serve(served),
    close: () => group.unlisten(listener),
  };
}
