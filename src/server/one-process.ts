// A server in one process, on the portable plane.

import type { Config } from '../config/config.ts';
import { BudgetMemory } from '../limits/budget-memory.ts';
import { DescriptorReserve } from '../limits/descriptor-reserve.ts';
import { MemoryFlag } from '../limits/memory-watch.ts';
import { AllocationQuota } from '../limits/quota.ts';
import { UserSlots } from '../limits/user-slots.ts';
import { listLocalAddresses } from '../net/interfaces.ts';
import { HostAddresses } from '../net/own-addresses.ts';
import { PlaneCounters } from '../planes/plane-counters.ts';
import { PORTABLE_CAPABILITIES, PortableRelaySockets } from '../planes/portable/portable-relay-sockets.ts';
import { systemClock } from '../state/system-clock.ts';
import type { IpAddress } from '../stun/ip-address.ts';
import { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { CounterTree } from '../workers/counter-tree.ts';
import { endSessions, listSessions, type SessionSource, showSession } from '../workers/sessions.ts';
import type { Closers } from './closers.ts';
import { faultReporter, peerOptions, setUpEngine } from './engine-setup.ts';
import type { Foundation } from './foundation.ts';
import { Listeners } from './listeners.ts';
import { watchMemory } from './memory-setup.ts';
import type { PendingListeners } from './pending-listeners.ts';
import { readProcess } from './process-counters.ts';
import { proxyRefusals } from './proxy-refusals.ts';
import { countRelayPorts } from './relay-ports.ts';
import { shownBy } from './relay-setup.ts';
import type { RunningServer } from './running-server.ts';
import type { ServerTls } from './tls-setup.ts';

const SCAN_MS = 10_000;

/** @throws TurnServerError with a sentence that says what failed and what to do */
export async function openInOneProcess(foundation: Foundation, closers: Closers): Promise<RunningServer> {
  const { config, logger, random, relay, tls, directory, status, events, nonceKey } = foundation;
  const report = faultReporter(logger, 1);
  const counters = new PlaneCounters();
  const { isShort } = new DescriptorReserve();
  const proxyRefused = proxyRefusals({ logger, config, nonceKey, processes: 1, now: systemClock.now });
  const memory = MemoryFlag.ofOneProcess();
  const isShortOfMemory = memory.isShort;
  const waits = { clock: systemClock, isShort, isShortOfMemory };
  const listeners = new Listeners({ config, logger, random, counters, report, proxyRefused, ...waits });
  const own = hostAddresses(foundation, listeners);
  const budgets = BudgetMemory.ofOneProcess(random);
  const quota = new AllocationQuota(config.limits, new UserSlots(budgets.table('user-rates'), systemClock.now));
  const relays = relaySockets({ ...foundation, counters, report, isShort });
  const { engine, realms, lag, setLogLevel, setLimits, wantEvents, start } = setUpEngine({
    config,
    realm: directory.realm,
    credentials: directory.credentials,
    realmData: directory.realms,
    budgets,
    worker: 0,
    processes: 1,
    logger,
    random,
    relays,
    report: status && ((report) => status.report(0, report)),
    sendEvent: (report) => events.report(0, report),
    reservations: null,
    capabilities: PORTABLE_CAPABILITIES,
    own,
    neighbours: null,
    quota,
    isShortOfMemory,
    nonceKey,
  });
  events.onWanted(wantEvents);
  let peers = peerOptions(config);
  let { limits } = config;
  let { ports } = config.relay;
  closers.add(watchMemory({ logger, flag: memory, pids: () => [process.pid], limits: () => limits }));
  directory.onChange(() => {
    realms.update(directory.realms, peers);
    engine.realmsChanged();
  });
  closers.add(() => listeners.close());
  // Before the listeners: allocations end because the server does, and not because their connections do.
  closers.add(() => engine.close());
  let acceptor = acceptorOf(tls, config);
  await listeners.open(engine, acceptor);
  own.refresh();
  relay.external.onChange(() => own.refresh());
  foundation.backends.onChange(() => own.refresh());
  const scan = setInterval(() => void listeners.scan().then(() => own.refresh()), SCAN_MS);
  closers.add(() => clearInterval(scan));
  closers.add(start());
  const readAll = (): CounterTree =>
    readProcess(
      lag,
      { allocations: engine.allocations.byTransport, connections: listeners.connections },
      { engine: engine.counters, plane: counters, streams: listeners.streamCounters, tls: acceptor?.counters },
    );
  const relisten = (pending: PendingListeners): void => {
    pending.commit();
    own.refresh();
  };
  const source = (): SessionSource => ({ engine, worker: 0, now: systemClock.now() });
  return {
    plane: 'portable',
    workers: 0,
    get listeners() {
      return listeners.infos;
    },
    get shown() {
      return shownBy(relay);
    },
    labUser: foundation.labUser,
    get trustedCertificate() {
      return tls.isTrusted;
    },
    failed: new Promise(() => {}),
    allocations: () => engine.allocations.size,
    isAlive: () => true,
    sessions: async (query) => listSessions(source(), query),
    session: async (id) => showSession(source(), id),
    end: async (selector) => endSessions(engine, selector),
    counters: async () => readAll(),
    collect: async () => ({ counters: readAll(), main: null, workers: [], workersLost: 0 }),
    workerStates: () => [],
    relayPorts: () => countRelayPorts(relay.addresses, ports, (family) => relays.freePorts(family)),
    prepareListeners: async (listen) => {
      const pending = await listeners.prepare(listen);
      return { ...pending, commit: () => relisten(pending) };
    },
    prepareTls: async (next) => {
      if (!(await tls.serve(next))) return;
      acceptor = acceptorOf(tls, config);
      if (acceptor !== null) listeners.serveTls(acceptor);
    },
    apply: (next) => {
      directory.configure(next); // may refuse: nothing has changed then
      peers = peerOptions(next);
      limits = next.limits;
      ports = next.relay.ports;
      relays.setPorts(ports);
      quota.setLimits(next.limits);
      setLimits(next);
      listeners.setLimits(next);
      setLogLevel(next.log.level);
      directory.touch();
    },
    setLogLevel,
    setDraining: (isDraining) => {
      engine.isDraining = isDraining;
    },
    renewCertificates: (next) => tls.renew(next),
    close: () => closers.close(),
  };
}

function acceptorOf({ contexts }: ServerTls, { limits }: Config): TlsAcceptor | null {
  return contexts && new TlsAcceptor(contexts, systemClock, limits.handshakeTimeout);
}

type RelaySocketsParts = Foundation & {
  readonly counters: PlaneCounters;
  readonly isShort: () => boolean;
  readonly report: (fault: unknown) => void;
};

function relaySockets({ config, relay, random, counters, report, isShort }: RelaySocketsParts): PortableRelaySockets {
  const { min: minPort, max: maxPort } = config.relay.ports;
  const shown = (ip: IpAddress): IpAddress => relay.external.current(ip);
  return new PortableRelaySockets({
    addresses: relay.addresses,
    shown,
    minPort,
    maxPort,
    random,
    counters,
    report,
    isShort,
  });
}

function hostAddresses({ relay, backends }: Foundation, listeners: Listeners): HostAddresses {
  return new HostAddresses({
    local: () => listLocalAddresses().map(({ ip }) => ip),
    relay: () => relay.addresses,
    shownFor: (ip) => relay.external.current(ip),
    external: () => relay.external.all(),
    listeners: () => listeners.locals,
    backends: () => backends.addresses,
  });
}
