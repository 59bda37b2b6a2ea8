// One simulated server with its processes, clients and hosts: whatever arrives anywhere is compared with what the model
// says. What is done to it, step by step, is actions.ts's business.

import { parseIp } from '../../src/stun/ip-address.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { REALM, settle, transportAddress } from '../support/lab.ts';
import { attr, decode, decodeChannelData } from '../support/wire.ts';
import { checkBooks } from './books.ts';
import { Choices } from './choices.ts';
import type { Climate } from './climate.ts';
import { Desk } from './desk.ts';
import { hidden, increase, isTakenUp, kindOf, occupyPorts, readEmission } from './emission.ts';
import { Kernel } from './kernel.ts';
import { SimMain } from './main-process.ts';
import { type Delivery, Model } from './model.ts';
import { Network } from './network.ts';
import { Prng } from './prng.ts';
import { restName } from './rest-names.ts';
import type { Sabotage } from './sabotage.ts';
import { type Packet, SimClient } from './sim-client.ts';
import { SimStream } from './sim-stream.ts';
import { Timeline } from './timeline.ts';
import { OTHER_REALM, UserBook } from './user-book.ts';
import type { Court } from './verdicts.ts';
import { type ProcessParts, SimWorker } from './worker-process.ts';

/** Allocations that a user may have at first. */
const LIMIT = 9;
/** RFC 8489 §6.2.1: RTO, and how often a request is sent. */
const RTO = 500;
const SENDS = 7;
// Longer than what is on its way takes, and a reservation that it makes.
const QUIET = 48_000;

/** Everything that there is. */
export class World {
  readonly climate: Climate;
  readonly random: Prng = new Prng(0);
  readonly timeline: Timeline = new Timeline();
  readonly network: Network;
  readonly kernel: Kernel = new Kernel();
  readonly book: UserBook;
  readonly model: Model;
  readonly main: SimMain;
  readonly desk: Desk;
  readonly choices: Choices;
  readonly clients: SimClient[] = [];
  /** By index; null: dead, and its successor does not serve yet. */
  readonly workers: (SimWorker | null)[] = [];
  readonly deliveries: Map<string, number> = new Map();
  readonly events: Map<string, number> = new Map();
  /** Messages and datagrams that came in and were judged, and processes that were killed. */
  operations = 0;
  /** What was done last, for the report of a failure. */
  readonly trace: string[] = [];
  readonly #parts: ProcessParts;
  readonly #streams = new Map<SimClient, SimStream>();
  readonly #byAddress = new Map<string, SimClient>();
  /** What waits in the listening sockets of a dead worker. */
  readonly #queued: { readonly client: SimClient; readonly packet: Packet }[] = [];
  #arrived: Delivery[] = [];
  #fault: unknown = null;
  readonly #faults: string[] = [];
  #serial = 0;
  #lives = 0;

  constructor(climate: Climate, seed: number, sabotage: Sabotage | null) {
    this.climate = climate;
    const { random, timeline, kernel } = this;
    random.reseed(seed, -1);
    this.network = new Network(timeline, random, climate.loss);
    this.book = new UserBook(timeline, random, LIMIT, () => this.#announce());
    this.model = new Model(timeline, climate.ports);
    const isBound = (relayed: string): boolean => isTakenUp(relayed, this);
    const court: Court = { model: this.model, timeline, book: this.book, isBound };
    this.desk = new Desk(court, this.#faults);
    this.choices = new Choices(random, court);
    const { refused } = this.desk;
    const credentials = sabotage?.credentials?.(this.book.credentials) ?? this.book.credentials;
    const fill = (target: Uint8Array): void => target.set(random.bytes(target.length));
    this.main = new SimMain({
      ...{ timeline, kernel, credentials, random: { fill }, ports: climate.ports },
      refused: () => refused.quota++,
    });
    sabotage?.main?.(this.main);
    this.#parts = {
      ...{ timeline, random, kernel, main: this.main, ports: climate.ports, credentials, refused, sabotage },
      faults: this.#faults,
      realms: () => this.book.realms,
      leaves: (from, to, payload) => this.#arrived.push(`peer ${to} from ${from} ${payload.toString('latin1')}`),
      emit: (address, bytes) => this.#emitted(this.#byAddress.get(address), bytes),
    };
    occupyPorts(this);
    for (let index = 0; index < Math.max(climate.workers, 1); index++) this.workers.push(this.#process(index));
    for (let index = 0; index < climate.clients; index++) this.clients.push(this.#connect(index));
  }

  #process(index: number): SimWorker {
    return new SimWorker(this.#parts, this.climate.workers === 0 ? 0 : index + 1, this.#lives++);
  }

  #announce(): void {
    for (const worker of this.workers) worker?.invalidate();
  }

  #connect(index: number): SimClient {
    const transport = index % 2 === 0 ? 'udp' : index % 3 === 0 ? 'tls' : 'tcp';
    const serial = this.#serial++;
    const who = Math.floor(index / 2) % 5;
    const user =
      who === 3 ? restName(this.timeline.wallTime() + 60_000) : (['alice', 'bob', 'stella', '', 'bob'][who] ?? '');
    const address = new TransportAddress(CLIENT_HOST, 1024 + (serial % 64_000));
    const worker = (index * 7 + (index >> 2)) % this.workers.length;
    const client = new SimClient(serial, transport, address, { worker, user, realm: who === 4 ? OTHER_REALM : REALM });
    this.#byAddress.set(address.text, client);
    if (client.stream) this.#open(client);
    return client;
  }

  #open(client: SimClient): void {
    const worker = this.workers[client.worker];
    if (worker === null || worker === undefined) return;
    const stream = new SimStream(client, {
      ...{ timeline: this.timeline, random: this.random, network: this.network },
      frame: (packet, { endpoint, buffer, start, end }) =>
        this.#arrive(client, packet, worker, () => worker.engine.fromClient(endpoint, buffer, start, end)),
      emit: (bytes) => this.#emitted(client, bytes),
      heard: (bytes) => this.#heard(client, bytes),
      closed: (endpoint, byServer) => {
        if (byServer && !stream.isNonsense) this.#fault ??= new Error('the server has closed a connection');
        worker.streams.delete(stream);
        this.#gone(client);
        worker.engine.endpointClosed(endpoint);
      },
    });
    worker.streams.add(stream);
    this.#streams.set(client, stream);
  }

  // Somebody else comes in its place, once there is somebody to connect to.
  #gone(client: SimClient): void {
    this.model.gone(client.serial);
    this.desk.gone(client);
    if (!client.stream) return;
    this.#streams.delete(client);
    this.#byAddress.delete(client.address.text);
    client.open.clear();
    const index = this.clients.indexOf(client);
    if (index >= 0) this.clients[index] = this.#connect(index);
  }

  /** A client closes its connection. */
  hangUp(client: SimClient): void {
    this.#streams.get(client)?.close();
  }

  /** A client begins a request, and sends it again until it hears an answer (RFC 8489 §6.2.1). */
  ask(client: SimClient, packet: Packet): void {
    const tid = packet.bytes.toString('latin1', 8, 20);
    client.open.set(tid, packet);
    client.remember(packet);
    this.transmit(client, packet);
    if (!client.stream) this.#sendAgain(client, tid, packet, 1);
  }

  #sendAgain(client: SimClient, tid: string, packet: Packet, sent: number): void {
    this.timeline.after(RTO * 2 ** (sent - 1), () => {
      if (client.open.get(tid) !== packet) return;
      if (sent === SENDS) {
        client.open.delete(tid);
        return;
      }
      this.transmit(client, packet);
      this.#sendAgain(client, tid, packet, sent + 1);
    });
  }

  /** A client sends something, once. */
  transmit(client: SimClient, packet: Packet): void {
    if (client.stream) this.#streams.get(client)?.write(packet);
    else this.network.carry(() => this.#datagram(client, packet));
  }

  #datagram(client: SimClient, packet: Packet): void {
    const worker = this.workers[client.worker];
    if (worker === null || worker === undefined) {
      this.#queued.push({ client, packet });
      return;
    }
    this.#arrive(client, packet, worker, () =>
      worker.udp.arrived(client, packet.bytes, (endpoint, buffer, start, end) =>
        worker.engine.fromClient(endpoint, buffer, start, end),
      ),
    );
  }

  #arrive(client: SimClient, packet: Packet, { engine }: SimWorker, handle: () => void): void {
    const { bytes, request, expect } = packet;
    if (this.desk.isAmbiguous(client, bytes, request === null)) return; // the network loses it
    this.operations++;
    const [first = 0xff] = bytes;
    if (first < 4 && expect === null) this.desk.came(client, request, bytes);
    const expected = expect === null ? this.#read(client, bytes) : expect();
    const { promises } = engine;
    handle();
    if (engine.promises !== promises) this.timeline.stirred = true;
    this.#compare(expected);
  }

  // Bytes may be ChannelData, damaged or not, and then mean what they say.
  #read(client: SimClient, bytes: Buffer): Delivery[] {
    const [first = 0] = bytes;
    if (first < 0x40 || first > 0x4f || bytes.length < 4 || bytes.readUInt16BE(2) > bytes.length - 4) return [];
    const { channel, payload } = decodeChannelData(bytes);
    return this.model.channelled(client.serial, channel, payload.toString('latin1'));
  }

  /** A host sends to a relayed address as it is shown. */
  hostSends(from: string, relayed: string, payload: string): void {
    this.network.carry(() => {
      this.operations++;
      const expected = this.model.arrived(from, relayed, payload);
      this.kernel.deliver(transportAddress(from), hidden(relayed), Buffer.from(payload, 'latin1'));
      this.#compare(expected);
    });
  }

  // Something leaves the server for a client.
  #emitted(client: SimClient | undefined, bytes: Buffer): void {
    try {
      if (client === undefined) throw new Error('something for a client that is gone');
      const said = readEmission(client, bytes, this);
      if (said !== null) this.#arrived.push(said);
      if (!client.stream) this.network.carry(() => this.#heard(client, bytes));
    } catch (fault) {
      this.#fault ??= fault;
    }
  }

  #heard(client: SimClient, bytes: Buffer): void {
    if ((bytes[0] ?? 0) >= 0x40 || bytes.readUInt16BE(0) === 0x0017) return;
    const answer = decode(bytes);
    client.heard(answer);
    const token = answer.get(attr.reservationToken);
    if (token !== undefined) this.choices.learn(token.toString('hex'));
  }

  // Compares what has arrived anywhere with what was expected to.
  #compare(expected: readonly Delivery[]): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    this.#checkFaults();
    const same = arrived.length === expected.length && arrived.every((each, index) => each === expected[index]);
    if (!same) throw new Error(`arrived: ${arrived}; expected: ${expected}`);
    for (const delivery of arrived) increase(this.deliveries, kindOf(delivery, this));
  }

  #checkFaults(): void {
    if (this.#fault !== null) throw this.#fault;
    const [fault] = this.#faults;
    if (fault !== undefined) throw new Error(fault);
  }

  /** Says what is done. */
  note(text: string): void {
    this.trace.push(`${text} at ${this.timeline.now()}`);
    if (this.trace.length > 25) this.trace.shift();
  }

  /** Lets time pass, with all that is due in it. Throws what is wrong. */
  async pass(milliseconds: number): Promise<void> {
    const { timeline } = this;
    const end = timeline.now() + milliseconds;
    await this.settle();
    for (let act = timeline.take(end); act !== null; act = timeline.take(end)) {
      act();
      await this.settle();
    }
  }

  /** Lets promises that can be kept be kept. */
  async settle(): Promise<void> {
    if (this.timeline.stirred) {
      this.timeline.stirred = false;
      await settle();
    }
    this.#compare([]);
  }

  /** A worker dies. Main hears of it a moment later, and starts a successor. */
  kill(index: number): void {
    const worker = this.workers[index];
    if (worker === null || worker === undefined) return;
    this.operations++;
    this.#count(worker);
    this.workers[index] = null;
    worker.kill();
    for (const client of this.clients.filter((each) => each.worker === index)) this.#gone(client);
    const heard = this.random.int(200);
    this.timeline.after(heard, () => this.main.gone(worker.worker));
    this.timeline.after(heard + this.random.int(1000), () => this.#succeed(index));
  }

  #succeed(index: number): void {
    this.workers[index] = this.#process(index);
    for (const client of this.clients) if (client.worker === index && client.stream) this.#open(client);
    const waiting = this.#queued.filter(({ client }) => client.worker === index);
    for (const each of waiting) this.#queued.splice(this.#queued.indexOf(each), 1);
    for (const { client, packet } of waiting) this.#datagram(client, packet);
  }

  #count({ ledger }: SimWorker): void {
    for (const [name, count] of ledger.counts) increase(this.events, name, count);
  }

  /** Nobody does anything, nothing fails, and all that is under way comes to its end: then the books must balance. */
  async calmDown(): Promise<void> {
    const { isCalm } = this.network;
    this.network.isCalm = true;
    this.book.mend();
    for (const client of this.clients) client.open.clear();
    await this.pass(QUIET);
    checkBooks(this);
    this.network.isCalm = isCalm;
  }

  /** All lifetimes pass, or the server closes: nothing may be left. */
  async finish(how: 'expire' | 'close'): Promise<void> {
    this.note(`the end: ${how}`);
    await this.calmDown();
    if (how === 'close') {
      this.desk.closing = true;
      for (const client of this.clients) this.model.gone(client.serial);
      for (const worker of this.workers) worker?.close();
      this.main.reservations.close();
    }
    await this.pass(how === 'close' ? QUIET : 3_605_000);
    checkBooks(this);
    for (const worker of this.workers) if (worker !== null) this.#count(worker);
    const sockets = this.kernel.size - this.kernel.heldBy('another program');
    if (sockets !== 0) throw new Error(`${sockets} sockets left at the end`);
    const { allocations } = this.main.allocationQuota.counts();
    if (allocations !== 0) throw new Error(`${allocations} units of the quota left at the end`);
  }
}

const CLIENT_HOST = parseIp('198.51.100.7') as NonNullable<ReturnType<typeof parseIp>>;
