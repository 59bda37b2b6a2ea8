// A relay worker: an engine with its own relay sockets, on listening sockets that main has opened. Whatever it needs to
// know of users, limits and the host it is told by main; it reads no file.

import type { RealmTable } from '../auth/realm-table.ts';
import { DescriptorReserve } from '../limits/descriptor-reserve.ts';
import { type Logger, type LogLevel, makeLogger } from '../log/logger.ts';
import { DescriptorChannel } from '../planes/linux/descriptor-channel.ts';
import { type Libc, loadLibc } from '../planes/linux/libc.ts';
import { LinuxPlane } from '../planes/linux/linux-plane.ts';
import type { LinuxUdpListener } from '../planes/linux/linux-udp-listener.ts';
import { PlaneCounters } from '../planes/plane-counters.ts';
import type { LoopLag } from '../state/loop-lag.ts';
import { systemClock } from '../state/system-clock.ts';
import { SystemRandom } from '../state/system-random.ts';
import { StreamGroup } from '../streams/stream-group.ts';
import type { StreamListener } from '../streams/stream-listener.ts';
import type { LoadedCertificate } from '../tls/certificate-file.ts';
import { MemoryCertificates } from '../tls/served-certificates.ts';
import { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { Engine } from '../turn/engine.ts';
import { type AnswerMessage, answerCall, Caller, type CallHandlers, type RefusalMessage } from '../workers/calls.ts';
import type { CounterTree } from '../workers/counter-tree.ts';
import { listenerTag, TaggedDescriptors } from '../workers/descriptors.ts';
import { LogPipe } from '../workers/log-pipe.ts';
import type { MainCalls, StartMessage, ToWorker, WireListener, WorkerCalls } from '../workers/messages.ts';
import type { ParentChannel } from '../workers/parent-channel.ts';
import { RemoteCredentials } from '../workers/remote-credentials.ts';
import { endSessions, listSessions, showSession } from '../workers/sessions.ts';
import { WorkerFd } from '../workers/spawn-worker.ts';
import { type EngineSetup, faultReporter, peerOptions } from './engine-setup.ts';
import { readProcess } from './process-counters.ts';
import { proxyRefusals } from './proxy-refusals.ts';
import { streamSettings } from './streams-setup.ts';
import { ToldAddresses } from './told-addresses.ts';
import { setUpWorkerEngine, type WorkerEngine } from './worker-engine.ts';

const BEAT_MS = 1000;
/** How long log lines wait for each other. */
const LOG_MS = 20;
/** Questions to main that may wait at once, each with a request that keeps its message. */
const MAX_QUESTIONS = 2000;

/** Starts a worker as main says. @throws whatever keeps it from serving */
export async function startWorker(message: StartMessage, channel: ParentChannel): Promise<Worker> {
  const libc = await loadLibc();
  const pipe = new LogPipe({
    send: (batch, sent) => channel.send({ kind: 'log', ...batch }, sent),
    later: (act) => void setTimeout(act, LOG_MS),
  });
  const logger = makeLogger(message.config.log.level, { worker: message.worker }, (line) => pipe.write(line));
  const counters = new PlaneCounters();
  const { coalescing } = message.config.relay;
  const random = new SystemRandom();
  const report = faultReporter(logger, message.workers);
  const plane = new LinuxPlane({ libc, random, counters, report, coalescing });
  const worker = new Worker({ message, channel, libc, random, pipe, logger, report, counters, plane });
  await worker.serve();
  return worker;
}

interface WorkerParts {
  readonly message: StartMessage;
  readonly channel: ParentChannel;
  readonly libc: Libc;
  readonly random: SystemRandom;
  readonly pipe: LogPipe;
  readonly logger: Logger;
  /** Gets what is a fault of the program. */
  readonly report: (fault: unknown) => void;
  readonly counters: PlaneCounters;
  readonly plane: LinuxPlane;
}

interface Listening {
  /** Null for streams, whose connections outlive their listener. */
  readonly udp: LinuxUdpListener | null;
  close(): void;
}

/** A worker that serves. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #caller: Caller<MainCalls>;
  readonly #descriptors: TaggedDescriptors;
  readonly #addresses: ToldAddresses;
  readonly #credentials: RemoteCredentials;
  readonly #engine: Engine;
  readonly #realms: RealmTable;
  readonly #lag: LoopLag;
  readonly #setLogLevel: (level: LogLevel) => void;
  readonly #setLimits: EngineSetup['setLimits'];
  readonly #wantEvents: EngineSetup['wantEvents'];
  readonly #startEngine: () => () => void;
  readonly #setPorts: WorkerEngine['setPorts'];
  /** Null until the first of them come. */
  #certificates: MemoryCertificates | null = null;
  #acceptor: TlsAcceptor | null = null;
  readonly #streams: StreamGroup;
  readonly #handlers: CallHandlers<WorkerCalls>;
  readonly #listening = new Map<number, Listening>();
  readonly #stopTimers: (() => void)[] = [];

  constructor(parts: WorkerParts) {
    const { message, channel, libc } = parts;
    const { config, worker } = message;
    this.#parts = parts;
    this.#caller = new Caller((call) => channel.send(call), MAX_QUESTIONS);
    this.#descriptors = new TaggedDescriptors(new DescriptorChannel(libc, WorkerFd.CHANNEL));
    this.#addresses = new ToldAddresses(message.addresses);
    this.#credentials = new RemoteCredentials(
      {
        credential: (ask) => this.#caller.call('credential', ask),
        userhash: (ask) => this.#caller.call('userhash', ask),
      },
      systemClock,
    );
    const { isShort } = new DescriptorReserve();
    const setup = setUpWorkerEngine({
      ...{ ...parts, caller: this.#caller, descriptors: this.#descriptors },
      ...{ addresses: this.#addresses, credentials: this.#credentials, isShort },
    });
    const { engine, realms, lag, connections, isShortOfMemory } = setup;
    this.#engine = engine;
    this.#lag = lag;
    engine.isDraining = message.isDraining;
    this.#realms = realms;
    this.#setLogLevel = setup.setLogLevel;
    this.#setLimits = setup.setLimits;
    this.#wantEvents = setup.wantEvents;
    this.#wantEvents(message.events);
    this.#setPorts = setup.setPorts;
    this.#startEngine = setup.start;
    this.#streams = new StreamGroup({
      clock: systemClock,
      handler: engine,
      tls: null,
      report: parts.report,
      proxyRefused: proxyRefusals({
        ...{ logger: parts.logger, config, nonceKey: Buffer.from(message.nonceKey, 'base64') },
        ...{ processes: message.workers, now: systemClock.now },
      }),
      settings: streamSettings(config),
      limits: connections,
      isShort,
      isShortOfMemory,
    });
    this.#serveCertificates(message.tls.certificates);
    this.#handlers = {
      sessions: (query) => listSessions({ engine, worker, now: systemClock.now() }, query),
      session: (id) => showSession({ engine, worker, now: systemClock.now() }, id),
      end: (selector) => endSessions(engine, selector),
      counters: () => this.#counters(),
    };
  }

  /** Takes the listening sockets over and says that it is ready. */
  async serve(): Promise<void> {
    const { channel, plane, message } = this.#parts;
    for (const listener of message.listeners) await this.#listen(listener);
    this.#stopTimers.push(this.#startEngine());
    const beat = setInterval(() => {
      channel.send({ kind: 'beat', allocations: this.#engine.allocations.size, counters: this.#counters() });
    }, BEAT_MS);
    this.#stopTimers.push(() => clearInterval(beat));
    this.#streams.start();
    plane.run({ flushStreams: () => this.#flushStreams(), promises: () => this.#engine.promises });
    channel.send({ kind: 'ready' });
  }

  /** Takes main's answer to a question. */
  answered(answer: AnswerMessage | RefusalMessage): void {
    this.#caller.settle(answer);
  }

  /** Does what main says. What cannot be done is logged: never rejects. */
  async said(message: ToWorker): Promise<void> {
    try {
      await this.#obey(message);
    } catch (err) {
      this.#parts.logger.error({ event: 'worker-refused', kind: message.kind, err }, 'what main says cannot be done');
    }
  }

  async #obey(message: ToWorker): Promise<void> {
    const { channel, logger } = this.#parts;
    switch (message.kind) {
      case 'listen':
        return this.#listen(message.listener);
      case 'unlisten':
        this.#listening.get(message.id)?.close();
        this.#listening.delete(message.id);
        return;
      case 'retire':
        return this.#retire(message.id);
      case 'addresses':
        return this.#addresses.update(message.addresses);
      case 'limits':
        this.#streams.settings = streamSettings(message);
        this.#setLimits(message);
        return;
      case 'events':
        return this.#wantEvents(message.types);
      case 'relay-ports':
        return this.#setPorts(message.ports);
      case 'log-level':
        return this.#setLogLevel(message.level);
      case 'drain':
        this.#engine.isDraining = message.isDraining;
        return;
      case 'certificates':
        return this.#serveCertificates(message.certificates);
      case 'invalidate':
        this.#realms.update(message.realms, peerOptions(message));
        this.#engine.realmsChanged();
        return this.#credentials.invalidate();
      case 'call':
        return answerCall(this.#handlers, message, (answer) => channel.send(answer));
      default:
        logger.error({ event: 'worker-unknown', kind: message.kind }, 'unknown message: please report this');
    }
  }

  /** Ends all allocations and closes everything; the last word to main has left when it resolves. */
  async stop(): Promise<void> {
    const { channel, pipe, plane } = this.#parts;
    for (const stop of this.#stopTimers.splice(0)) stop();
    // Before the listeners: allocations end because the server does, and not because their connections do.
    this.#engine.close();
    await this.#streams.close();
    pipe.flush();
    await new Promise<void>((resolve) => {
      channel.send({ kind: 'stopped', counters: this.#counters() }, resolve);
    });
    plane.close();
  }

  async #listen({ id, transport, proxied, local }: WireListener): Promise<void> {
    const { plane, logger, libc } = this.#parts;
    const fd = this.#descriptors.take(listenerTag(id));
    if (fd === null) {
      logger.error({ event: 'listen', transport, ...local }, 'no descriptor came for a listening socket');
      return;
    }
    const known = this.#listening.get(id)?.udp ?? null;
    if (known !== null) {
      libc.close(fd);
      return known.revive();
    }
    if (transport === 'udp') {
      const udp = plane.adoptListener(fd, this.#engine);
      this.#listening.set(id, { udp, close: () => udp.close() });
      return;
    }
    const listener: StreamListener = await this.#streams.adopt({ mode: transport, proxied }, fd);
    this.#listening.set(id, { udp: null, close: () => this.#streams.unlisten(listener) });
  }

  #retire(id: number): void {
    const closed = (): void => {
      this.#listening.delete(id);
      this.#parts.channel.send({ kind: 'idle', id });
    };
    const udp = this.#listening.get(id)?.udp ?? null;
    if (udp === null) closed();
    else udp.retire(closed);
  }

  #serveCertificates(certificates: readonly LoadedCertificate[]): void {
    if (this.#certificates !== null) return this.#certificates.replace(certificates);
    if (certificates.length === 0) return;
    const { config, tls } = this.#parts.message;
    const { minVersion } = config.tls;
    const ticketKeys = Buffer.from(tls.ticketKeys, 'base64');
    this.#certificates = new MemoryCertificates(certificates, { minVersion, ticketKeys });
    this.#acceptor = new TlsAcceptor(this.#certificates, systemClock, config.limits.handshakeTimeout);
    this.#streams.tls = this.#acceptor;
  }

  #flushStreams(): boolean {
    if (!this.#streams.isDue) return false;
    this.#streams.flush();
    return true;
  }

  #counters(): CounterTree {
    this.#parts.plane.countDrops();
    const { counters, allocations } = this.#engine;
    const moment = { allocations: allocations.byTransport, connections: this.#streams.sockets };
    return readProcess(this.#lag, moment, {
      engine: counters,
      plane: this.#parts.counters,
      streams: this.#streams.counters,
      tls: this.#acceptor?.counters,
    });
  }
}
