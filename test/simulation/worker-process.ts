// A process that relays in the simulation: a real engine with the services that src/server/worker-engine.ts gives a
// worker, or, where one process is the whole server, with services of its own. It can be killed at any moment.

import { NO_REALMS, RealmTable, type RealmTableData } from '../../src/auth/realm-table.ts';
import { PortTable, workerOwner } from '../../src/planes/port-table.ts';
import { TableNeighbours } from '../../src/server/table-neighbours.ts';
import { Engine } from '../../src/turn/engine.ts';
import type { Awaitable, Credentials, Env, OpenedRelay, Quota, ReservedPorts } from '../../src/turn/env.ts';
import { Reservations } from '../../src/turn/reservations.ts';
import {
  type AnswerMessage,
  answerCall,
  Caller,
  type CallMessage,
  type RefusalMessage,
} from '../../src/workers/calls.ts';
import type { MainCalls, WireQuotaRequest } from '../../src/workers/messages.ts';
import { RemoteCredentials } from '../../src/workers/remote-credentials.ts';
import { RemoteQuota } from '../../src/workers/remote-quota.ts';
import { RemoteReservations } from '../../src/workers/remote-reservations.ts';
import { LAB_SETTINGS, labOwnAddresses, labRateMemory, REALM } from '../support/lab.ts';
import type { Refusals } from './desk.ts';
import type { Kernel } from './kernel.ts';
import { Lane } from './lane.ts';
import { Ledger } from './ledger.ts';
import { type DescriptorBag, type SimMain, take } from './main-process.ts';
import { FIRST_PORT, RELAY_ADDRESSES } from './model-state.ts';
import type { Prng } from './prng.ts';
import { type SimRelaySocket, SimRelays } from './relays.ts';
import type { Sabotage } from './sabotage.ts';
import type { SimStream } from './sim-stream.ts';
import type { Timeline } from './timeline.ts';
import { type Emit, UdpLink } from './udp-link.ts';

type ToMain = CallMessage | { readonly kind: 'release'; readonly request: WireQuotaRequest };
type ToWorker = AnswerMessage | RefusalMessage | { readonly kind: 'invalidate'; readonly realms: RealmTableData };

/** What all processes of a simulation are made of. */
export interface ProcessParts {
  readonly timeline: Timeline;
  readonly random: Prng;
  readonly kernel: Kernel;
  readonly main: SimMain;
  readonly ports: number;
  /** What main, or a single process, asks about users. */
  readonly credentials: Credentials;
  readonly realms: () => RealmTableData;
  readonly refused: Refusals;
  readonly leaves: (from: string, to: string, payload: Buffer) => void;
  readonly emit: Emit;
  /** Takes what does not add up. */
  readonly faults: string[];
  readonly sabotage: Sabotage | null;
}

/** One process. */
export class SimWorker {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly udp: UdpLink;
  readonly streams: Set<SimStream> = new Set();
  /** 1 and up; 0 where one process is the whole server. */
  readonly worker: number;
  /** Results that a single process waits for. */
  waiting = 0;
  readonly #parts: ProcessParts;
  readonly #holder: string;
  readonly #bag: DescriptorBag;
  readonly #realms: RealmTable;
  readonly #table: PortTable;
  readonly #relays: SimRelays;
  readonly #caller: Caller<MainCalls>;
  readonly #remote: RemoteCredentials;
  readonly #toMain: Lane<ToMain>;
  readonly #toWorker: Lane<ToWorker>;
  readonly #stopTicking: () => void;

  /** @param life tells this process from those before it */
  constructor(parts: ProcessParts, worker: number, life: number) {
    this.#parts = parts;
    this.worker = worker;
    this.#holder = `worker ${worker} of life ${life}`;
    this.#bag = { holder: `channel of ${this.#holder}`, tags: new Map() };
    const { timeline, main } = parts;
    this.#realms = new RealmTable({ allow: [], deny: [], unsafeAllowLoopback: false, realms: [] });
    this.#realms.update(parts.realms());
    const owner = workerOwner(Math.max(worker - 1, 0));
    this.#table = new PortTable({
      bytes: main.bytes,
      owner,
      minPort: FIRST_PORT,
      maxPort: FIRST_PORT + parts.ports - 1,
    });
    const handlers = main.handlers(worker, this.#bag);
    const delay = (): number => (parts.random.chance(0.9) ? parts.random.int(4) : parts.random.int(300));
    this.#toMain = new Lane(timeline, delay, (message) => {
      if (message.kind === 'release') main.quota.release(worker, message.request);
      else answerCall(handlers, message, (answer) => this.#toWorker.send(answer));
    });
    this.#toWorker = new Lane(timeline, delay, (message) => this.#told(message));
    this.#caller = new Caller((call) => this.#toMain.send(call), 2000);
    this.#remote = new RemoteCredentials(
      {
        credential: (ask) => this.#caller.call('credential', ask),
        userhash: (ask) => this.#caller.call('userhash', ask),
      },
      timeline,
    );
    this.udp = new UdpLink(parts.emit);
    this.ledger = new Ledger(parts.faults);
    this.#relays = this.#makeRelays();
    const env = this.#env();
    this.engine = new Engine({ ...env, ...parts.sabotage?.env?.(env) }, { ...LAB_SETTINGS, worker });
    parts.sabotage?.engine?.(this.engine);
    this.#stopTicking = timeline.every(1000, () => this.engine.tick());
  }

  /** Whether nothing is on its way between it and others. */
  get isQuiet(): boolean {
    return this.waiting === 0 && this.#toMain.length === 0 && this.#toWorker.length === 0 && this.#caller.waiting === 0;
  }

  /** Relay sockets that it holds. */
  get sockets(): number {
    return this.#parts.kernel.heldBy(this.#holder) + this.#parts.kernel.heldBy(this.#bag.holder);
  }

  /** Ports that are its own by the table. */
  get owned(): number {
    return this.#parts.main.portsOf(workerOwner(Math.max(this.worker - 1, 0)));
  }

  /** Users, secrets or realms have changed. */
  invalidate(): void {
    const realms = this.#parts.realms();
    if (this.worker === 0) this.#realms.update(realms);
    else this.#toWorker.send({ kind: 'invalidate', realms });
  }

  /** Dies at once. Some of what it has said still reaches main; what main says to it does not matter any more. */
  kill(): void {
    const { kernel, random } = this.#parts;
    this.#stopTicking();
    this.#toMain.cut(random.int(this.#toMain.length + 1));
    this.#toWorker.cut(0);
    kernel.closeAllOf(this.#holder);
    kernel.closeAllOf(this.#bag.holder);
    for (const stream of this.streams) stream.abandon();
  }

  /** Ends all allocations and makes nothing new. */
  close(): void {
    this.engine.close();
  }

  #told(message: ToWorker): void {
    if (message.kind !== 'invalidate') return this.#caller.settle(message);
    this.#realms.update(message.realms ?? NO_REALMS);
    this.#remote.invalidate();
  }

  #env(): Env {
    const { timeline, random, credentials } = this.#parts;
    const alone = this.worker === 0;
    return {
      clock: timeline,
      random: { fill: (target) => target.set(random.bytes(target.length)) },
      relays: this.#relays,
      reservations: alone ? this.#ownReservations() : this.#remoteReservations(),
      capabilities: { dontFragment: false },
      credentials: alone ? this.#watched(credentials) : this.#remote,
      realms: this.#realms,
      peers: this.#realms,
      own: labOwnAddresses(),
      neighbours: alone ? null : this.#neighbours(),
      brake: null,
      quota: alone ? this.#ownQuota() : this.#remoteQuota(),
      rateMemory: labRateMemory(),
      isShortOfMemory: () => false,
      budget: { allowError: () => true, allowBinding: () => true },
      observer: this.ledger,
      nonceKey: Buffer.alloc(32, 7),
    };
  }

  #makeRelays(): SimRelays {
    const { kernel, random, leaves, refused } = this.#parts;
    return new SimRelays({
      ...{ kernel, leaves, table: this.#table, holder: this.#holder },
      random: { fill: (target) => target.set(random.bytes(target.length)) },
      refuses: () => random.chance(0.02),
      give: (opened) => {
        if (opened === null) refused.sockets++;
        return this.#late<OpenedRelay | null>(opened, 0.4);
      },
    });
  }

  #neighbours(): TableNeighbours {
    const pairs = RELAY_ADDRESSES.map(({ ip, shown }) => ({ ip, shown, known: [shown] }));
    return new TableNeighbours(this.#table, workerOwner(this.worker - 1), { pairs });
  }

  #remoteQuota(): Quota {
    const quota = (request: WireQuotaRequest) => this.#caller.call('quota', request);
    const release = (request: WireQuotaRequest) => this.#toMain.send({ kind: 'release', request });
    return new RemoteQuota({ quota, release }, REALM);
  }

  #ownQuota(): Quota {
    const { main, refused } = this.#parts;
    return {
      acquire: (request) => {
        const granted = main.allocationQuota.acquire(request);
        if (!granted) refused.quota++;
        return this.#late(granted, 0.2);
      },
      release: (request) => main.allocationQuota.release(request),
    };
  }

  #remoteReservations(): ReservedPorts {
    const { kernel } = this.#parts;
    const bag = this.#bag;
    return new RemoteReservations(
      {
        mayHold: (ask) => this.#caller.call('mayHold', ask),
        hold: (ask) => this.#caller.call('hold', ask),
        redeem: (ask) => this.#caller.call('redeem', ask),
      },
      {
        giveAway: (socket) => (socket as SimRelaySocket).giveAway(),
        adopt: (fd) => this.#relays.adopt(fd),
        send: (tag, fd) => {
          bag.tags.set(tag, kernel.duplicate(fd, bag.holder));
          return true;
        },
        take: (tag) => {
          const sent = take(bag, tag);
          if (sent === null) return null;
          const fd = kernel.duplicate(sent, this.#holder);
          kernel.close(sent);
          return fd;
        },
        close: (fd) => kernel.close(fd),
      },
    );
  }

  // What is late is the holding: a token begins to run when its port is held.
  #ownReservations(): ReservedPorts {
    const { timeline, random, refused } = this.#parts;
    const held = new Reservations(timeline, { fill: (target) => target.set(random.bytes(target.length)) });
    return {
      get size() {
        return held.size;
      },
      mayHold: (holder, limit) => {
        const may = held.mayHold(holder, limit);
        if (!may) refused.quota++;
        return may;
      },
      hold: (socket, holder) => {
        if (!random.chance(0.05)) return this.#late(held.hold(socket, holder), 0.4);
        refused.sockets++;
        return this.#late(null, 0.4);
      },
      redeem: (token) => held.redeem(token),
      tick: () => held.tick(),
      close: () => held.close(),
    };
  }

  // What is asked of the store makes the promises of a single process.
  #watched(credentials: Credentials): Credentials {
    return {
      find: (username, realm) => {
        const found = credentials.find(username, realm);
        if (!(found instanceof Promise)) return found;
        this.waiting++;
        return found.finally(() => this.waiting--);
      },
      usernameOf: (hash, realm) => credentials.usernameOf(hash, realm),
    };
  }

  // At once or later, in any order.
  #late<T>(value: T, probability: number): Awaitable<T> {
    const { random, timeline } = this.#parts;
    if (this.worker !== 0 || !random.chance(probability)) return value;
    this.waiting++;
    return new Promise((resolve) => {
      timeline.after(random.int(400), () => {
        timeline.stirred = true;
        this.waiting--;
        resolve(value);
      });
    });
  }
}
