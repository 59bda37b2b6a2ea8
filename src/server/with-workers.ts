// A server of many processes, as the main process sees it: it holds sockets, users, quota and reservations, and keeps
// the workers alive. No packet passes through it.

import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { TurnServerError } from '../errors.ts';
import type { LogLevel } from '../log/logger.ts';
import type { RelayPorts } from '../metrics/snapshot.ts';
import { type DescriptorChannel, openPair } from '../planes/linux/descriptor-channel.ts';
import { LoopLag } from '../state/loop-lag.ts';
import { listenerTag, TaggedDescriptors } from '../workers/descriptors.ts';
import type { FromWorker, StartMessage } from '../workers/messages.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import { spawnWorker, type WorkerEvents } from '../workers/spawn-worker.ts';
import { describeExit, type WorkerLoss, type WorkerProcess } from '../workers/supervisor.ts';
import { WorkerFleet, type WorkerLine } from '../workers/worker-fleet.ts';
import type { Closers } from './closers.ts';
import type { Foundation } from './foundation.ts';
import { MainServices } from './main-services.ts';
import { watchMemory } from './memory-setup.ts';
import type { PendingListeners } from './pending-listeners.ts';
import type { LinuxChoice } from './plane-choice.ts';
import { readProcess } from './process-counters.ts';
import { countRelayPorts } from './relay-ports.ts';
import { shownBy } from './relay-setup.ts';
import type { Collected, RunningServer } from './running-server.ts';
import { AddressTeller } from './wire-addresses.ts';
import { type SharedListener, WorkerListeners } from './worker-listeners.ts';
import { harmless, wireCertificates } from './worker-wire.ts';

const SCAN_MS = 10_000;
/** How long the workers have to end their allocations, less than main has for all. */
const STOP_MS = 3500;

/** How long a scrape waits for workers: less than Prometheus waits for it. */
const SCRAPE_MS = 1000;
/** Main moves no packets: its loop is looked at less often than those of workers. */
const LAG_MS = 500;

const PROGRAM = fileURLToPath(new URL('../worker-main.js', import.meta.url));

/** @throws TurnServerError with a sentence that says what failed and what to do */
export async function openWithWorkers(
  foundation: Foundation,
  choice: LinuxChoice,
  closers: Closers,
): Promise<RunningServer> {
  const main = new MainProcess(foundation, choice, closers);
  return main.open();
}

class MainProcess {
  readonly #foundation: Foundation;
  readonly #choice: LinuxChoice;
  readonly #closers: Closers;
  readonly #services: MainServices;
  readonly #listeners: WorkerListeners;
  readonly #addresses: AddressTeller;
  readonly #fleet: WorkerFleet;
  readonly #ticketKeys: Buffer;
  /** Workers without a successor, and since when. */
  readonly #lostAt = new Map<number, number>();
  /** As it is in effect. */
  #config: Config;
  #isDraining = false;
  #workersLost = 0;
  #fail: (reason: string) => void = () => {};

  constructor(foundation: Foundation, choice: LinuxChoice, closers: Closers) {
    const { config, logger, random, relay, backends } = foundation;
    const { libc, workers } = choice;
    this.#foundation = foundation;
    this.#config = config;
    this.#choice = choice;
    this.#closers = closers;
    this.#services = new MainServices(foundation, libc, workers);
    closers.add(() => this.#services.close());
    this.#ticketKeys = Buffer.alloc(48);
    random.fill(this.#ticketKeys);
    this.#listeners = new WorkerListeners({
      ...{ config, logger, libc, workers },
      opened: (listener) => this.#announce(listener),
      retired: (id) => this.#fleet.broadcast({ kind: 'retire', id }),
      closed: (id) => this.#fleet.broadcast({ kind: 'unlisten', id }),
      living: () => this.#fleet.living,
    });
    this.#addresses = new AddressTeller({ relay, backends, listeners: () => this.#listeners.locals });
    this.#fleet = new WorkerFleet({
      workers,
      timers: nodeTimers,
      spawn: (worker, owner) => this.#spawn(worker, owner),
      handlers: (worker, line) => this.#services.handlers(worker, line),
      said: (worker, message) => this.#said(worker, message),
      babbled: (worker) => this.#babbled(worker),
      ready: (worker, pid) => this.#ready(worker, pid),
      gone: (worker, loss) => this.#gone(worker, loss),
      gaveUp: (reason) => this.#fail(reason),
    });
  }

  async open(): Promise<RunningServer> {
    const { relay, backends, labUser, tls, logger } = this.#foundation;
    this.#closers.add(() => this.#listeners.close());
    await this.#listeners.open();
    const failed = new Promise<string>((resolve) => {
      this.#fail = resolve;
    });
    // Before the sockets: connections end because the server does.
    this.#closers.add(() => this.#fleet.stop(STOP_MS));
    await this.#fleet.start().catch((error: Error) => {
      throw new TurnServerError('TURN_WORKERS', error.message);
    });
    this.#closers.add(
      watchMemory({
        logger,
        flag: this.#services.memoryFlag,
        pids: () => [process.pid, ...this.#fleet.pids],
        limits: () => this.#config.limits,
      }),
    );
    const { directory } = this.#foundation;
    directory.onChange(() => {
      this.#fleet.broadcast({ kind: 'invalidate', realms: directory.realms, peers: this.#config.peers });
    });
    relay.external.onChange(() => this.#tellAddresses());
    backends.onChange(() => this.#tellAddresses());
    this.#foundation.events.onWanted((types) => this.#fleet.broadcast({ kind: 'events', types }));
    const scan = setInterval(() => void this.#listeners.scan().then(() => this.#tellAddresses()), SCAN_MS);
    this.#closers.add(() => clearInterval(scan));
    const listeners = this.#listeners;
    const lag = new LoopLag(LAG_MS, nodeTimers.now);
    this.#closers.add(nodeTimers.every(LAG_MS, () => lag.tick()));
    return {
      plane: 'linux',
      workers: this.#choice.workers,
      get listeners() {
        return listeners.infos;
      },
      get shown() {
        return shownBy(relay);
      },
      labUser,
      get trustedCertificate() {
        return tls.isTrusted;
      },
      failed,
      allocations: () => this.#services.allocations,
      isAlive: () => this.#fleet.isWell,
      sessions: (query) => this.#fleet.sessions(query),
      session: (id) => this.#fleet.session(id),
      end: (selector) => this.#fleet.end(selector),
      counters: () => this.#fleet.counters(),
      collect: () => this.#collect(lag),
      workerStates: () => this.#fleet.states,
      relayPorts: () => this.#countPorts(),
      prepareListeners: async (listen) => {
        const pending = await listeners.prepare(listen);
        return { ...pending, commit: () => this.#relisten(pending) };
      },
      prepareTls: async (config) => {
        if (await tls.serve(config)) this.#tellCertificates();
      },
      apply: (config) => this.#apply(config),
      setLogLevel: (level) => this.#setLogLevel(level),
      setDraining: (isDraining) => {
        this.#isDraining = isDraining;
        this.#fleet.broadcast({ kind: 'drain', isDraining });
      },
      renewCertificates: (config) => {
        const areNew = tls.renew(config);
        if (areNew) this.#tellCertificates();
        return areNew;
      },
      close: () => this.#closers.close(),
    };
  }

  #relisten(pending: PendingListeners): void {
    pending.commit();
    this.#tellAddresses();
  }

  #apply(config: Config): void {
    const { directory } = this.#foundation;
    directory.configure(config); // may refuse: nothing has changed then
    this.#config = config;
    this.#services.setLimits(config.limits);
    const { limits, auth, proxyProtocol, relay, drain } = config;
    this.#services.setPorts(relay.ports);
    this.#fleet.broadcast({ kind: 'relay-ports', ports: relay.ports });
    this.#fleet.broadcast({ kind: 'limits', limits, auth: { expiry: auth.expiry }, proxyProtocol, drain });
    this.#setLogLevel(config.log.level);
    directory.touch();
  }

  #setLogLevel(level: LogLevel): void {
    this.#config = { ...this.#config, log: { ...this.#config.log, level } };
    this.#foundation.logger.level = level;
    this.#fleet.broadcast({ kind: 'log-level', level });
  }

  async #collect(lag: LoopLag): Promise<Collected> {
    const collected = await this.#fleet.collect(SCRAPE_MS);
    return { ...collected, main: readProcess(lag, null), workersLost: this.#workersLost };
  }

  #countPorts(): readonly RelayPorts[] {
    const { addresses } = this.#foundation.relay;
    const { ports } = this.#config.relay;
    return countRelayPorts(addresses, ports, (family) => this.#services.freePorts(family));
  }

  #spawn(worker: number, owner: WorkerEvents): WorkerLine {
    const { near, far } = openPair(this.#choice.libc);
    const process = this.#start(near, far, owner);
    const line = { process, descriptors: new TaggedDescriptors(near) };
    const listeners = this.#listeners.all;
    for (const listener of listeners) this.#hand(listener, worker, line);
    process.send(this.#greeting(worker, listeners));
    return line;
  }

  #start(near: DescriptorChannel, far: DescriptorChannel, owner: WorkerEvents): WorkerProcess {
    try {
      return spawnWorker(PROGRAM, { channel: far.fd, shared: this.#services.sharedFd }, owner);
    } catch (error) {
      near.close();
      throw error;
    } finally {
      far.close();
    }
  }

  #greeting(worker: number, listeners: readonly SharedListener[]): StartMessage {
    const { directory, nonceKey, tls } = this.#foundation;
    return {
      kind: 'start',
      reports: this.#foundation.status !== null,
      events: this.#foundation.events.wanted,
      worker,
      config: harmless(this.#config),
      workers: this.#choice.workers,
      realm: directory.realm,
      realms: directory.realms,
      nonceKey: nonceKey.toString('base64'),
      tls: {
        certificates: wireCertificates(tls),
        ticketKeys: this.#ticketKeys.toString('base64'),
      },
      addresses: this.#addresses.read(),
      listeners: listeners.map(({ wire }) => wire),
      isDraining: this.#isDraining,
    };
  }

  #announce(listener: SharedListener): void {
    this.#fleet.broadcast({ kind: 'listen', listener: listener.wire }, (worker, line) =>
      this.#hand(listener, worker, line),
    );
  }

  // Before the message that speaks of it.
  #hand({ wire, fds }: SharedListener, worker: number, { descriptors }: WorkerLine): void {
    descriptors.send(listenerTag(wire.id), fds[worker - 1] as number); // one for each worker
  }

  #tellCertificates(): void {
    this.#fleet.broadcast({ kind: 'certificates', certificates: wireCertificates(this.#foundation.tls) });
  }

  #tellAddresses(): void {
    const addresses = this.#addresses.readChanged();
    if (addresses !== null) this.#fleet.broadcast({ kind: 'addresses', addresses });
  }

  #said(worker: number, message: FromWorker): void {
    const { logger, forward } = this.#foundation;
    switch (message.kind) {
      case 'log':
        for (const line of message.lines) forward(line);
        if (message.lost > 0) logger.warn({ event: 'log-lost', worker, lost: message.lost }, 'log lines were lost');
        return;
      case 'status':
        return this.#foundation.status?.report(worker, message.report);
      case 'event':
        return this.#foundation.events.report(worker, message.report);
      case 'idle':
        return this.#listeners.idle(worker, [message.id]);
      case 'release':
        return this.#services.release(worker, message.request);
      default:
        return this.#babbled(worker);
    }
  }

  #babbled(worker: number): void {
    const { logger } = this.#foundation;
    logger.error({ event: 'worker-unknown', worker }, 'a worker says what makes no sense: please report this');
  }

  #ready(worker: number, pid: number): void {
    const lostAt = this.#lostAt.get(worker);
    if (lostAt === undefined) return;
    this.#lostAt.delete(worker);
    const after = Math.round(nodeTimers.now() - lostAt);
    this.#foundation.logger.info({ event: 'worker-replaced', worker, pid, after }, `worker ${worker} serves again`);
  }

  #gone(worker: number, loss: WorkerLoss | null): void {
    this.#services.gone(worker);
    this.#listeners.idle(worker);
    this.#foundation.status?.gone(worker);
    this.#foundation.events.gone(worker);
    if (loss === null) return;
    this.#workersLost++;
    this.#lostAt.set(worker, nodeTimers.now());
    const { pid, code, signal, allocations, reason } = loss;
    const why = reason === null ? describeExit(loss) : `${describeExit(loss)}: ${reason}`;
    const lost = { event: 'worker-lost', worker, pid, code, signal, allocations };
    this.#foundation.logger.error(lost, `worker ${worker} is gone (${why}), and ${allocations} allocations with it`);
  }
}
