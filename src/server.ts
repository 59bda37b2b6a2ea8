// The one place where the parts are put together: configuration in, a running server out. What is opened is closed in
// the reverse order, on failure as on stop. Knows every part; decides nothing about the protocol.

import type { Config } from './config/config.ts';
import { describeSystemError, ListenError } from './errors.ts';
import { AllocationQuota } from './limits/quota.ts';
import { SourceReplyBudget } from './limits/reply-budget.ts';
import type { Logger } from './log/logger.ts';
import { SessionLog } from './log/session-log.ts';
import { HostExpander, listLocalAddresses } from './net/interfaces.ts';
import { HostAddresses } from './net/own-addresses.ts';
import { PlaneCounters } from './planes/plane-counters.ts';
import { PORTABLE_CAPABILITIES, PortableRelaySockets } from './planes/portable/portable-relay-sockets.ts';
import { UdpListener } from './planes/portable/udp-listener.ts';
import { Closers } from './server/closers.ts';
import { setUpCredentials } from './server/credentials-setup.ts';
import { engineSettings } from './server/engine-settings.ts';
import type { ListenerInfo } from './server/ice-servers.ts';
import { type RelaySetup, setUpRelay } from './server/relay-setup.ts';
import { makeSessionObserver } from './server/session-observer.ts';
import { openStreams, type StreamsSetup } from './server/streams-setup.ts';
import { setUpTls } from './server/tls-setup.ts';
import { UdpListeners } from './server/udp-listeners.ts';
import { keepLabUser, keepNonceKey, type LabUser } from './state/kept-secrets.ts';
import { SAMPLE_MS, SampledClock } from './state/sampled-clock.ts';
import { StateDirectory } from './state/state-directory.ts';
import { systemClock } from './state/system-clock.ts';
import { SystemRandom } from './state/system-random.ts';
import { Engine } from './turn/engine.ts';
import { Cidr, parseCidr } from './turn/peers/cidr.ts';
import { PeerPolicy } from './turn/peers/peer-policy.ts';

const TICK_MS = 1000;
const SCAN_MS = 10_000;

/** What a server is started with. */
export interface ServerOptions {
  readonly config: Config;
  readonly logger: Logger;
}

/** A server that serves. */
export interface RunningServer {
  readonly engine: Engine;
  readonly listeners: readonly ListenerInfo[];
  /** Relayed addresses as shown to clients. */
  readonly shown: readonly string[];
  /** The user that was made because there is no configuration, or null. */
  readonly labUser: LabUser | null;
  /** Whether browsers may accept the certificate of the TLS listeners. */
  readonly trustedCertificate: boolean;
  /** Ends all allocations and closes everything. Idempotent. */
  close(): Promise<void>;
}

/** Starts a server. @throws TurnServerError with a sentence that says what failed and what to do */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const closers = new Closers();
  try {
    return await open(options, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function open({ config, logger }: ServerOptions, closers: Closers): Promise<RunningServer> {
  const state = await StateDirectory.open(config.stateDir);
  closers.add(() => state.close());
  const random = new SystemRandom();
  const labUser = config.hasCredentials || config.auth.anonymous ? null : keepLabUser(state, random);
  const { realm, credentials } = setUpCredentials(config, labUser, systemClock);
  const relay = await setUpRelay(config, logger);
  closers.add(() => relay.external.close());
  const endpoints: { udp: UdpListeners | null; streams: StreamsSetup | null } = { udp: null, streams: null };
  const own = hostAddresses(relay, () => [...(endpoints.udp?.locals ?? []), ...(endpoints.streams?.locals ?? [])]);
  relay.external.onChange(() => own.refresh());

  const report = (fault: unknown): void => logger.error({ err: fault }, 'a datagram failed: please report this');
  const counters = new PlaneCounters();
  const { addresses, external } = relay;
  const { minPort, maxPort } = relayPorts(config);
  const shown = (ip: (typeof addresses)[number]) => external.current(ip);
  const relays = new PortableRelaySockets({ addresses, shown, minPort, maxPort, random, counters, report });
  const sessions = new SessionLog({ logger, now: () => systemClock.now() });
  const clock = new SampledClock(systemClock);
  const engine = new Engine(
    {
      clock,
      random,
      relays,
      capabilities: PORTABLE_CAPABILITIES,
      credentials,
      peers: peerPolicy(config),
      own,
      quota: new AllocationQuota(config.limits),
      budget: new SourceReplyBudget(config.limits, systemClock, random),
      observer: makeSessionObserver(sessions, logger, systemClock),
      nonceKey: keepNonceKey(state, random),
    },
    engineSettings(config, realm),
  );
  closers.add(() => engine.close());

  const udp = new UdpListeners({
    addresses: config.listen.filter(({ transport }) => transport === 'udp'),
    expander: new HostExpander((message) => logger.info({ event: 'listen' }, message)),
    open: (bind) => UdpListener.open({ bind, handler: engine, counters: counters.clients, report }),
    report: (message) => logger.warn({ event: 'listen' }, message),
  });
  closers.add(() => udp.close());
  await udp.open().catch((error) => {
    throw new ListenError(`cannot listen on UDP ${whereOf(error)}: ${adviceFor(error)}`, error);
  });
  endpoints.udp = udp;
  const names = [...new Set([...addresses.map((ip) => shown(ip).text), 'localhost', '127.0.0.1'])];
  const tls = await setUpTls({ config, state, clock: systemClock, logger, names });
  const streams = await openStreams({ config, engine, clock: systemClock, tls: tls?.acceptor ?? null });
  closers.add(() => streams.close());
  endpoints.streams = streams;
  own.refresh();

  const timers = [
    setInterval(() => {
      engine.tick();
      sessions.flush();
    }, TICK_MS),
    setInterval(() => clock.sample(), SAMPLE_MS).unref(),
    setInterval(() => void udp.scan().then(() => own.refresh()), SCAN_MS).unref(),
  ];
  closers.add(() => timers.forEach(clearInterval));
  return {
    engine,
    listeners: [...udp.locals.map((local) => listenerInfo('udp', local)), ...streams.listeners],
    shown: addresses.map((ip) => shown(ip).text),
    labUser,
    trustedCertificate: tls !== null && !tls.selfMade,
    close: () => closers.close(),
  };
}

function hostAddresses(relay: RelaySetup, listeners: () => UdpListeners['locals']): HostAddresses {
  return new HostAddresses({
    local: () => listLocalAddresses().map(({ ip }) => ip),
    relay: () => relay.addresses,
    shownFor: (ip) => relay.external.current(ip),
    external: () => relay.external.all(),
    listeners,
  });
}

function peerPolicy({ peers }: Config): PeerPolicy {
  const unsafeAllowLoopback = peers.unsafeAllowLoopback;
  return new PeerPolicy({ allow: peers.allow.map(network), deny: peers.deny.map(network), unsafeAllowLoopback });
}

function network(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr instanceof Cidr) return cidr;
  throw new TypeError(`the schema let ${text} pass as a network`);
}

function relayPorts({ relay }: Config): { minPort: number; maxPort: number } {
  return { minPort: relay.ports.min, maxPort: relay.ports.max };
}

function listenerInfo(transport: ListenerInfo['transport'], local: UdpListeners['locals'][number]): ListenerInfo {
  return { transport, address: local.ip.text, port: local.port };
}

function whereOf(error: unknown): string {
  const { address, port } = error as { address?: string; port?: number };
  return address === undefined ? '' : `${address} port ${port}`;
}

function adviceFor(error: unknown): string {
  const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  return inUse ? 'another program uses it: stop that one, or choose another port' : describeSystemError(error);
}
