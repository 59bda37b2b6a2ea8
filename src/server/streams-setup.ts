// Opens the TCP and TLS listeners of the configuration. A wildcard host is one socket: a connection tells its local
// address by itself.

import type { Config } from '../config/config.ts';
import { StreamGroup } from '../streams/stream-group.ts';
import type { StreamHandler } from '../streams/stream-handler.ts';
import type { StreamMode } from '../streams/stream-listener.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { Clock } from '../turn/env.ts';
import type { ListenerInfo } from './ice-servers.ts';
import { codeOf, listenFault } from './listen-fault.ts';

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
  readonly tls: TlsAcceptor | null;
  /** Told what the engine threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
}

type StreamAddress = Config['listen'][number] & { readonly transport: StreamMode };

/** Opens all listeners, or none. @throws ListenError that names the one that could not be opened */
export async function openStreams({ config, engine, clock, tls, report }: StreamsOptions): Promise<StreamsSetup> {
  const { limits } = config;
  const group = new StreamGroup({
    clock,
    handler: engine,
    tls,
    report,
    settings: {
      idleTimeout: limits.idleTimeout,
      firstFrameTimeout: Math.min(limits.idleTimeout, limits.handshakeTimeout),
      writeQueue: limits.writeQueue,
      stallTimeout: 30,
      connections: limits.connections,
      connectionsPerClient: limits.connectionsPerClientAddress,
    },
  });
  const opened: { info: ListenerInfo; local: TransportAddress }[] = [];
  try {
    for (const address of config.listen.filter(isStream)) opened.push(await listen(group, address));
  } catch (error) {
    await group.close();
    throw error;
  }
  group.start();
  return {
    group,
    listeners: opened.map(({ info }) => info),
    locals: opened.map(({ local }) => local),
    close: () => group.close(),
  };
}

async function listen(group: StreamGroup, address: StreamAddress) {
  const { transport: mode, host, port } = address;
  const local = await bindFirst(group, mode, hostsFor(host), port).catch((error) => {
    throw listenFault(mode, host, port, error);
  });
  return { local, info: { transport: mode, address: host, port: local.port } };
}

async function bindFirst(group: StreamGroup, mode: StreamMode, hosts: readonly string[], port: number) {
  const [host, ...others] = hosts;
  if (host === undefined) throw new Error('no host');
  try {
    const listener = await group.listen({ mode, host, port, dualStack: hosts.length > 1 });
    return listener.local;
  } catch (error) {
    if (others.length === 0 || !isFamilyMissing(error)) throw error;
    return bindFirst(group, mode, others, port);
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
