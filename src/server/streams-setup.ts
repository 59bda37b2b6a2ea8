// The TCP and TLS listeners of the configuration. A wildcard host is one socket: a connection tells its local address by
// itself.

import type { Config } from '../config/config.ts';
import type { ListenerInfo } from '../config/ice-servers.ts';
import { ConnectionLimits } from '../limits/connection-limits.ts';
import { type ProxyRefused, StreamGroup } from '../streams/stream-group.ts';
import type { StreamHandler, StreamSettings } from '../streams/stream-handler.ts';
import type { ListenOptions, StreamMode } from '../streams/stream-listener.ts';
import { TrustedProxies } from '../streams/trusted-proxies.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { Clock, Random } from '../turn/env.ts';
import { codeOf, listenFault } from './listen-fault.ts';

/** With what it takes to fill a queue and to be noticed: half a minute. */
const STALL_SECONDS = 25;

/** The open stream listeners. */
export interface StreamsSetup {
  readonly group: StreamGroup;
  readonly listeners: readonly ListenerInfo[];
  readonly locals: readonly TransportAddress[];
  close(): Promise<void>;
}

/** What the listeners need. */
export interface StreamsOptions {
  readonly config: Config;
  readonly engine: StreamHandler;
  readonly clock: Clock;
  readonly random: Random;
  readonly tls: TlsAcceptor | null;
  /** Whether few file descriptors are left. */
  readonly isShort: () => boolean;
  /** Whether memory is short. */
  readonly isShortOfMemory: () => boolean;
  /** Told what the engine threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
  readonly proxyRefused: ProxyRefused;
}

/** A socket to listen on. */
export type StreamBind = Required<ListenOptions>;

/** A listener that is open. */
export interface OpenStream {
  readonly info: ListenerInfo;
  readonly local: TransportAddress;
}

type StreamAddress = Config['listen'][number] & { readonly transport: StreamMode };

/** Opens all listeners, or none. @throws ListenError that names the one that could not be opened */
export async function openStreams(options: StreamsOptions): Promise<StreamsSetup> {
  const { config, engine, clock, random, tls, report, proxyRefused, isShort, isShortOfMemory } = options;
  const limits = ConnectionLimits.ofOneProcess(random);
  const group = new StreamGroup({
    clock,
    handler: engine,
    tls,
    report,
    proxyRefused,
    limits,
    isShort,
    isShortOfMemory,
    settings: streamSettings(config),
  });
  const bind = async (options: StreamBind): Promise<TransportAddress> => (await group.listen(options)).local;
  const opened = await bindStreams(config, bind).catch(async (error) => {
    await group.close();
    throw error;
  });
  group.start();
  return {
    group,
    listeners: opened.map(({ info }) => info),
    locals: opened.map(({ local }) => local),
    close: () => group.close(),
  };
}

/** Opens one socket for each stream address. @throws ListenError that names the first that could not be opened */
export async function bindStreams(
  config: Config,
  bind: (options: StreamBind) => Promise<TransportAddress>,
): Promise<readonly OpenStream[]> {
  const opened: OpenStream[] = [];
  for (const address of config.listen.filter(isStream)) opened.push(await listen(address, bind));
  return opened;
}

/** The bounds of connections. */
export function streamSettings({ limits, proxyProtocol }: Pick<Config, 'limits' | 'proxyProtocol'>): StreamSettings {
  return {
    idleTimeout: limits.idleTimeout,
    firstFrameTimeout: Math.min(limits.idleTimeout, limits.handshakeTimeout),
    writeQueue: limits.writeQueue,
    stallTimeout: STALL_SECONDS,
    connections: limits.connections,
    connectionsPerClient: limits.connectionsPerClientAddress,
    trustedProxies: new TrustedProxies(proxyProtocol.trusted),
  };
}

async function listen(address: StreamAddress, bind: (options: StreamBind) => Promise<TransportAddress>) {
  const { transport: mode, host, port, proxyProtocol } = address;
  const proxied = proxyProtocol === true;
  const local = await bindFirst(hostsFor(host), { mode, port, proxied }, bind).catch((error) => {
    throw listenFault(mode, host, port, error);
  });
  const info = { transport: mode, address: host, port: local.port };
  return { local, info: proxyProtocol === true ? { ...info, proxyProtocol } : info };
}

async function bindFirst(
  hosts: readonly string[],
  where: Pick<StreamBind, 'mode' | 'port' | 'proxied'>,
  bind: (options: StreamBind) => Promise<TransportAddress>,
): Promise<TransportAddress> {
  const [host, ...others] = hosts;
  if (host === undefined) throw new Error('no host');
  try {
    return await bind({ ...where, host, dualStack: hosts.length > 1 });
  } catch (error) {
    if (others.length === 0 || !isFamilyMissing(error)) throw error;
    return bindFirst(others, where, bind);
  }
}

// `*` is both families on one socket; where the host lacks IPv6, IPv4 alone.
function hostsFor(host: string): readonly string[] {
  return host === '*' ? ['::', '0.0.0.0'] : [host.replace(/^\[|\]$/g, '')];
}

function isStream(address: Config['listen'][number]): address is StreamAddress {
  return address.transport !== 'udp';
}

function isFamilyMissing(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(codeOf(error));
}
