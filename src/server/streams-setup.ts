// How the TCP and TLS listeners of the configuration are opened, and what bounds their connections.

import type { Config } from '../config/config.ts';
import { ConnectionLimits } from '../limits/connection-limits.ts';
import { type ProxyRefused, StreamGroup } from '../streams/stream-group.ts';
import type { StreamHandler, StreamSettings } from '../streams/stream-handler.ts';
import type { ListenOptions, StreamMode } from '../streams/stream-listener.ts';
import { TrustedProxies } from '../streams/trusted-proxies.ts';
import type { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { Clock, Random } from '../turn/env.ts';
import { codeOf, listenFault } from './listen-fault.ts';

/** With what it takes to fill a queue and to be noticed: half a minute. */
const STALL_SECONDS = 25;

/** What a group of streams needs. */
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

/** A configured address for TCP or TLS. */
export type StreamAddress = Config['listen'][number] & { readonly transport: StreamMode };

/** Makes the group of all connections of a server in one process. */
export function makeStreams({ config, engine, random, ...options }: StreamsOptions): StreamGroup {
  const limits = ConnectionLimits.ofOneProcess(random);
  return new StreamGroup({ ...options, handler: engine, limits, settings: streamSettings(config) });
}

/** Opens the socket of an address. @throws ListenError that names it */
export function bindStream<T>(address: StreamAddress, bind: (options: StreamBind) => Promise<T>): Promise<T> {
  const { transport: mode, host, port, proxyProtocol } = address;
  return bindFirst(hostsFor(host), { mode, port, proxied: proxyProtocol === true }, bind).catch((error) => {
    throw listenFault(mode, host, port, error);
  });
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

async function bindFirst<T>(
  hosts: readonly string[],
  where: Pick<StreamBind, 'mode' | 'port' | 'proxied'>,
  bind: (options: StreamBind) => Promise<T>,
): Promise<T> {
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

function isFamilyMissing(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(codeOf(error));
}
