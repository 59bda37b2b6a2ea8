// One simulated server with its clients and hosts: does one random thing per step, and compares all that comes of it
// with what the model says.

import { Lab, settle } from '../support/lab.ts';
import type { LabPeer } from '../support/lab-network.ts';
import { attr, channelData, decode, decodeChannelData, message } from '../support/wire.ts';
import { data, dontFragment, xorPeerAddress } from '../support/wire-attributes.ts';
import { Choices, HOST_PORTS } from './choices.ts';
import { Desk } from './desk.ts';
import { Ledger } from './ledger.ts';
import { type Delivery, Model } from './model.ts';
import { HOSTS, isOwn, textOf } from './model-state.ts';
import { Prng } from './prng.ts';
import { requestBytes, type SimRequest } from './requests.ts';
import type { Sabotage } from './sabotage.ts';
import { SimClient } from './sim-client.ts';
import { PORTS, Surroundings } from './surroundings.ts';

const CLIENTS = 20;
const REALM = 'example.org';
const MAX_HELD = 40;

/** A server, twenty clients, ten hosts and a model of them all. */
export class World {
  readonly ledger: Ledger = new Ledger();
  readonly desk: Desk;
  readonly deliveries: Map<string, number> = new Map();
  /** What was done last, for the report of a failure. */
  readonly trace: string[] = [];
  readonly #random: Prng;
  readonly #surroundings: Surroundings;
  readonly #lab: Lab;
  readonly #model: Model;
  readonly #choices: Choices;
  readonly #clients: SimClient[] = [];
  readonly #ghosts: SimClient[] = [];
  readonly #hosts: LabPeer[] = [];
  #serial = 0;
  #payload = 0;

  constructor(seed: number, sabotage: Sabotage | null) {
    this.#random = new Prng(seed);
    this.#surroundings = new Surroundings(this.#random);
    const given = { ...this.#surroundings.env(() => this.#lab), observer: this.ledger };
    this.#lab = new Lab({ ports: PORTS, env: sabotage?.env?.(given) ?? given });
    sabotage?.engine?.(this.#lab.engine);
    this.#model = new Model(this.#lab.clock.monotonic, this.#lab.clock.wall);
    this.desk = new Desk(this.#model, this.#surroundings.refused);
    this.#choices = new Choices(this.#random, this.#model);
    for (let i = 0; i < CLIENTS; i++) this.#clients.push(this.#connect(i));
    for (const ip of HOSTS) for (const port of HOST_PORTS) this.#hosts.push(this.#lab.peer(textOf({ ip, port })));
  }

  #connect(index: number): SimClient {
    const transport = index % 2 === 0 ? 'udp' : index % 3 === 0 ? 'tls' : 'tcp';
    const user = index < CLIENTS / 2 ? 'alice' : 'bob';
    return new SimClient(this.#serial++, this.#lab.client({ transport, user }), transport !== 'udp');
  }

  /** Does one thing and checks what comes of it. Throws what is wrong. */
  async step(): Promise<void> {
    const random = this.#random;
    const waiting = this.#surroundings.gate.waiting;
    const action = random.weighted<() => Delivery[] | Promise<Delivery[]>>([
      [34, () => this.#ask()],
      [8, () => this.#send()],
      [16, () => this.#sendChannel()],
      [16, () => this.#hostSends()],
      [4, () => this.#wait()],
      [waiting > MAX_HELD ? 200 : waiting * 4, () => this.#release()],
      [4, () => this.#repeat()],
      [4, () => this.#damage()],
      [3, () => this.#babble()],
      [0.8, () => this.#hangUp()],
    ]);
    this.#check(await action());
    if (this.#surroundings.gate.waiting === 0) this.desk.quiet();
  }

  #note(text: string): void {
    this.trace.push(`${text} at ${this.#model.now}`);
    if (this.trace.length > 15) this.trace.shift();
  }

  #anyone(): SimClient {
    return this.#random.pick(this.#clients);
  }

  #ask(): Delivery[] {
    const client = this.#anyone();
    const request = this.#choices.request(client, client.lab.user);
    const bytes = requestBytes(request, REALM, this.#random.chance(0.2));
    client.remember({ request, bytes });
    return this.#transmit(client, request, bytes);
  }

  #transmit(client: SimClient, request: SimRequest | null, bytes: Buffer): Delivery[] {
    this.#note(`client ${client.serial} sends ${request?.kind ?? bytes.toString('hex', 0, 60)}`);
    this.desk.sent(client, request, bytes);
    const expected = request === null ? this.#expectRaw(client, bytes) : [];
    client.lab.send(bytes);
    return expected;
  }

  // Damaged bytes may still be ChannelData, and then mean what they say.
  #expectRaw(client: SimClient, bytes: Buffer): Delivery[] {
    const [first = 0] = bytes;
    if (first < 0x40 || first > 0x4f || bytes.length < 4 || bytes.readUInt16BE(2) > bytes.length - 4) return [];
    const { channel, payload } = decodeChannelData(bytes);
    return this.#model.channelled(client.serial, channel, payload.toString('latin1'));
  }

  // One of a client's earlier messages, from itself or from somebody else.
  #repeat(): Delivery[] {
    const sent = this.#anyone().sent.at(-1 - this.#random.int(3));
    if (sent === undefined) return [];
    const owner = this.#clients.find((client) => client.sent.includes(sent)) as SimClient; // it is where it comes from
    const client = this.#random.chance(0.8) ? owner : this.#anyone();
    if (this.desk.isAmbiguous(client, sent.bytes, false)) return [];
    return this.#transmit(client, sent.request, sent.bytes);
  }

  #damage(): Delivery[] {
    const client = this.#anyone();
    const sent = client.sent.at(-1);
    const request = sent !== undefined && this.#random.chance(0.7) && !this.desk.isAmbiguous(client, sent.bytes, true);
    const whole = request ? sent.bytes : this.#channelBytes(client);
    return this.#transmit(client, null, this.#choices.damaged(whole));
  }

  #babble(): Delivery[] {
    return this.#transmit(this.#anyone(), null, this.#choices.garbage());
  }

  #newPayload(): string {
    const length = this.#random.weighted([
      [1, 0],
      [20, this.#random.int(60)],
      [1, 1200],
    ]);
    return length === 0 ? '' : `${this.#payload++}.`.padEnd(length, 'x');
  }

  #send(): Delivery[] {
    const client = this.#anyone();
    const permitted = [...(this.#model.allocations.get(client.serial)?.permissions.keys() ?? [])];
    const known = permitted.length > 0 && this.#random.chance(0.6);
    const peer = known ? { ip: this.#random.pick(permitted), port: HOST_PORTS[0] } : this.#choices.peer();
    const payload = this.#newPayload();
    const bad = this.#random.chance(0.05) ? this.#random.pick(['no data', 'no peer', 'unknown', 'fragment']) : '';
    const attrs = [
      ...(bad === 'no peer' ? [] : [xorPeerAddress(peer.ip, peer.port)]),
      ...(bad === 'no data' ? [] : [data(payload)]),
      ...(bad === 'unknown' ? ([[0x7f01, '00']] as const) : []),
      ...(bad === 'fragment' ? [dontFragment()] : []),
    ];
    this.#note(`client ${client.serial} sends data to ${textOf(peer)} ${bad}`);
    const expected = bad === '' ? this.#model.sent(client.serial, peer, payload) : [];
    client.lab.send(message({ type: 0x0016, tid: this.#random.bytes(12), attrs }));
    return expected;
  }

  #channelBytes(client: SimClient): Buffer {
    const bound = [...(this.#model.allocations.get(client.serial)?.channels.keys() ?? [])];
    const number = bound.length > 0 && this.#random.chance(0.9) ? this.#random.pick(bound) : 0x4000;
    return channelData(number, this.#newPayload(), { pad: client.stream });
  }

  #sendChannel(): Delivery[] {
    return this.#transmit(this.#anyone(), null, this.#channelBytes(this.#anyone()));
  }

  #hostSends(): Delivery[] {
    const relays = [...this.#model.allocations.values()].flatMap((it) => it.relays);
    if (relays.length === 0) return [];
    const { address, family } = this.#random.pick(relays);
    const host = this.#random.pick(this.#hosts.filter((it) => it.address.ip.family === family));
    const payload = this.#newPayload();
    this.#note(`host ${host.address.text} sends to ${address}`);
    const expected = this.#model.arrived(host.address.text, address, payload);
    host.send(address, payload);
    return expected;
  }

  #wait(): Delivery[] {
    const random = this.#random;
    const milliseconds = random.weighted<() => number>([
      [60, () => random.int(2000)],
      [30, () => random.int(20_000)],
      [9, () => random.int(200_000)],
      [0.5, () => random.int(4_000_000)],
    ])();
    const ticks = random.chance(0.85);
    this.#note(`${milliseconds} ms pass${ticks ? '' : ' without a tick'}`);
    this.#pass(milliseconds, ticks);
    return [];
  }

  #pass(milliseconds: number, ticks: boolean): void {
    const { clock, engine } = this.#lab;
    clock.monotonic += milliseconds;
    clock.wall += milliseconds;
    this.#model.now = clock.monotonic;
    this.#model.wall = clock.wall;
    if (!ticks) return;
    engine.tick();
    this.#model.lastTick = clock.monotonic;
  }

  async #release(): Promise<Delivery[]> {
    const { gate } = this.#surroundings;
    this.#note('something that was waited for is there');
    gate.release(this.#random.int(gate.waiting));
    await settle();
    return [];
  }

  #hangUp(): Delivery[] {
    const index = this.#random.int(CLIENTS / 2) * 2 + 1;
    const client = this.#clients[index] as SimClient; // the odd ones are streams
    this.#note(`client ${client.serial} hangs up`);
    this.#model.gone(client.serial);
    this.desk.gone(client);
    client.lab.close();
    this.#ghosts.push(client);
    this.#clients[index] = this.#connect(index);
    return [];
  }

  // Compares what has arrived anywhere with what was expected to.
  #check(expected: readonly Delivery[]): void {
    const arrived: Delivery[] = [];
    for (const host of this.#hosts) {
      for (const { from, payload } of host.received.splice(0)) {
        arrived.push(`peer ${host.address.text} from ${from} ${payload.toString('latin1')}`);
      }
    }
    for (const client of this.#clients) {
      for (const bytes of client.lab.take()) arrived.push(...this.#receive(client, bytes));
    }
    const stray = this.#lab.relays.lost.length;
    if (stray > 0) throw new Error(`${stray} datagrams went where no host is`);
    if (arrived.join('\n') !== expected.join('\n')) throw new Error(`arrived: ${arrived}; expected: ${expected}`);
    for (const delivery of arrived) this.#tally(delivery);
    this.#checkBooks();
  }

  #tally(delivery: Delivery): void {
    const [to = '', , how = '', , from = ''] = delivery.split(' ');
    const kind = to === 'peer' ? 'to a host' : how === 'channel' ? 'by channel' : 'by indication';
    const crossed = from !== '' && how === 'data' && isOwn(from) ? ' from another client' : '';
    this.deliveries.set(kind + crossed, (this.deliveries.get(kind + crossed) ?? 0) + 1);
  }

  #receive(client: SimClient, bytes: Buffer): Delivery[] {
    const [first = 0] = bytes;
    if (first >= 0x40) {
      const { channel, payload, rest } = decodeChannelData(bytes);
      const padding = client.stream ? (4 - (payload.length % 4)) % 4 : 0;
      if (rest.length !== padding) throw new Error(`${rest.length} bytes of padding`);
      return [`client ${client.serial} channel ${channel} ${payload.toString('latin1')}`];
    }
    const answer = decode(bytes);
    if (answer.type === 0x0017) {
      const from = answer.xorAddress(attr.xorPeerAddress);
      if (answer.attrs.length !== 2) throw new Error('a Data indication with odd attributes');
      return [`client ${client.serial} data from ${from} ${answer.get(attr.data)?.toString('latin1')}`];
    }
    this.desk.answered(client, answer);
    const token = answer.get(attr.reservationToken);
    if (token !== undefined) this.#choices.tokens.push(token.toString('hex'));
    if (this.#choices.tokens.length > 10) this.#choices.tokens.shift();
    return [];
  }

  #checkBooks(): void {
    const [fault] = [...this.ledger.faults, ...this.#surroundings.faults];
    if (fault !== undefined) throw new Error(fault);
    const { live, over } = this.#model.count();
    const { open } = this.ledger;
    if (open < live || open > live + over) throw new Error(`${open} allocations, but ${live} live and ${over} over`);
    const rightful = this.ledger.relays + this.#model.countReserved() + 2 * this.#surroundings.gate.waiting;
    const { size } = this.#lab.relays.sockets;
    if (size > rightful) throw new Error(`${size} sockets are open, ${rightful} at most should be`);
    if (this.#surroundings.quotaHeld < open) throw new Error('less quota is held than there are allocations');
  }

  /** Lets everything under way happen, then all lifetimes pass (or the engine close): nothing may be left. */
  async finish(how: 'expire' | 'close'): Promise<void> {
    const { gate } = this.#surroundings;
    const { engine, relays } = this.#lab;
    this.#note(`the end: ${how}`);
    if (how === 'close') {
      this.desk.closing = true;
      for (const client of this.#clients) this.#model.gone(client.serial);
      this.#model.reservations.clear();
      engine.close();
    }
    while (gate.waiting > 0) this.#check(await this.#release());
    this.desk.quiet();
    for (let second = 0; how === 'expire' && second < 3602; second++) this.#pass(1000, true);
    this.#check([]);
    const left = {
      allocations: engine.allocations.size + this.ledger.open,
      reservations: engine.reservations.size,
      sockets: relays.sockets.size,
      quota: this.#surroundings.quotaHeld,
      endpoints: this.#clients.filter((client) => !client.stream && client.lab.retained).length,
      ghosts: this.#ghosts.filter((client) => client.lab.received.length > 0).length,
    };
    for (const [what, count] of Object.entries(left))
      if (count !== 0) throw new Error(`${count} ${what} left at the end`);
  }
}
