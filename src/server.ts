// The one place where the parts are put together: configuration in, a running server out. What is opened is closed in
// the reverse order, on failure as on stop. Knows every part; decides nothing about the protocol.

import type { Config } from './config/config.ts';
import { AllocationQuota } from './limits/quota.ts';
import { SourceReplyBudget } from './limits/reply-budget.ts';
import type { Logger } from './log/logger.ts';
import { SessionLog } from './log/session-log.ts';
import { listLocalAddresses } from './net/interfaces.ts';
import { HostAddresses } from './net/own-addresses.ts';
import { PlaneCounters } from './planes/plane-counters.ts';
import { PORTABLE_CAPABILITIES, PortableRelaySockets } from './planes/portable/portable-relay-sockets.ts';
import { Closers } from './server/closers.ts';
import { setUpCredentials } from './server/credentials-setup.ts';
import { engineSettings } from './server/engine-settings.ts';
import type { ListenerInfo } from './server/ice-servers.ts';
import { Listeners, type ListenersOptions } from './server/listeners.ts';
import { type RelaySetup, setUpRelay } from './server/relay-setup.ts';
import { makeSessionObserver } from './server/session-observer.ts';
import { setUpTls, type TlsSetup } from './server/tls-setup.ts';
import { keepLabUser, keepNonceKey, type LabUser } from './state/kept-secrets.ts';
import { SAMPLE_MS, SampledClock } from './state/sampled-clock.ts';
import { StateDirectory } from './state/state-directory.ts';
import { systemClock } from './state/system-clock.ts';
import { SystemRandom } from './state/system-random.ts';
import type { IpAddress } from './stun/ip-address.ts';
import { Engine } from './turn/engine.ts';
import type { Random } from './turn/env.ts';
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
    const tellToo = (err: unknown): void => options.logger.error({ err }, 'not everything could be closed');
    await closers.close().catch(tellToo); // what failed first is what the operator must know
    throw error;
  }
}

/** What must be there before anything listens. */
interface Foundation {
  readonly random: SystemRandom;
  readonly state: StateDirectory;
  readonly labUser: LabUser | null;
  readonly relay: RelaySetup;
  /** Relayed addresses as shown to clients. */
  readonly shown: readonly string[];
  readonly tls: TlsSetup | null;
}

async function layFoundation({ config, logger }: ServerOptions, closers: Closers): Promise<Foundation> {
  const random = new SystemRandom();
  const state = await StateDirectory.open(config.stateDir);
  closers.add(() => state.close());
  const labUser = config.hasCredentials || config.auth.anonymous ? null : keepLabUser(state, random);
  const relay = await setUpRelay(config, logger);
  closers.add(() => relay.external.close());
  const shown = relay.addresses.map((ip) => relay.external.current(ip).text);
  const names = [...shown, 'localhost', '127.0.0.1'];
  const tls = await setUpTls({ config, state, clock: systemClock, logger, names });
  return { random, state, labUser, relay, shown, tls };
}

async function open(options: ServerOptions, closers: Closers): Promise<RunningServer> {
  const { config, logger } = options;
  const clock = systemClock;
  const { random, state, labUser, relay, shown, tls } = await layFoundation(options, closers);
  const { realm, credentials } = setUpCredentials(config, labUser, clock);
  const report = (fault: unknown): void => logger.error({ err: fault }, 'a datagram failed: please report this');
  const counters = new PlaneCounters();
  const listeners = new Listeners({ config, logger, clock, counters, report });
  const own = hostAddresses(relay, listeners);
  const sessions = new SessionLog({ logger, now: () => clock.now() });
  const sampled = new SampledClock(clock);
  const engine = new Engine(
    {
      clock: sampled,
      random,
      relays: relaySockets({ config, relay, random, counters, report }),
      reservations: null,
      capabilities: PORTABLE_CAPABILITIES,
      credentials,
      peers: peerPolicy(config),
      own,
      neighbours: null,
      quota: new AllocationQuota(config.limits),
      budget: new SourceReplyBudget(config.limits, clock, random),
      observer: makeSessionObserver(sessions, logger, clock),
      nonceKey: keepNonceKey(state, random),
    },
    engineSettings(config, realm),
  );
  closers.add(() => listeners.close());
  // Before the listeners: allocations end because the server does, and not because their connections do.
  closers.add(() => engine.close());
  await listeners.open(engine, tls?.acceptor ?? null);
  own.refresh();
  relay.external.onChange(() => own.refresh());
  closers.add(startTimers({ engine, sessions, sampled, listeners, own }));
  return {
    engine,
    listeners: listeners.infos,
    shown,
    labUser,
    trustedCertificate: tls !== null && !tls.selfMade,
    close: () => closers.close(),
  };
}

interface TimedParts {
  readonly engine: Engine;
  readonly sessions: SessionLog;
  readonly sampled: SampledClock;
  readonly listeners: Listeners;
  readonly own: HostAddresses;
}

/** Returns how to stop them. */
function startTimers({ engine, sessions, sampled, listeners, own }: TimedParts): () => void {
  const timers = [
    setInterval(() => {
      engine.tick();
      sessions.flush();
    }, TICK_MS),
    setInterval(() => sampled.sample(), SAMPLE_MS),
    setInterval(() => void listeners.scan().then(() => own.refresh()), SCAN_MS),
  ];
  return () => timers.forEach(clearInterval);
}

interface RelaySocketsParts extends Pick<ListenersOptions, 'config' | 'counters' | 'report'> {
  readonly relay: RelaySetup;
  readonly random: Random;
}

function relaySockets({ config, relay, random, counters, report }: RelaySocketsParts): PortableRelaySockets {
  const { min: minPort, max: maxPort } = config.relay.ports;
  const shown = (ip: IpAddress): IpAddress => relay.external.current(ip);
  return new PortableRelaySockets({ addresses: relay.addresses, shown, minPort, maxPort, random, counters, report });
}

function hostAddresses(relay: RelaySetup, listeners: Listeners): HostAddresses {
  return new HostAddresses({
    local: () => listLocalAddresses().map(({ ip }) => ip),
    relay: () => relay.addresses,
    shownFor: (ip) => relay.external.current(ip),
    external: () => relay.external.all(),
    listeners: () => listeners.locals,
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
