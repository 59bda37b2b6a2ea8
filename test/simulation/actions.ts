// What happens to the simulated world, one random thing per step.

import { channelData, message } from '../support/wire.ts';
import { data, dontFragment, xorPeerAddress } from '../support/wire-attributes.ts';
import { HOST_PORTS } from './choices.ts';
import { familyOf, HOSTS, isOwn, textOf } from './model-state.ts';
import { requestBytes } from './requests.ts';
import type { SimClient } from './sim-client.ts';
import type { World } from './world.ts';

const HOUR = 3_600_000;
// Requests of a client that wait at once: who has more has given up the first.
const MAX_OPEN = 3;

/** Does things. */
export class Actions {
  readonly #world: World;
  #payload = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Does one thing and lets a moment pass. Throws what is wrong. */
  async step(): Promise<void> {
    const { random, climate } = this.#world;
    const thousandth = (probability: number): number => probability * 100;
    const act = random.weighted<() => unknown>([
      [34, () => this.#ask()],
      [8, () => this.#send()],
      [16, () => this.#sendChannel()],
      [16, () => this.#hostSends()],
      [4, () => this.#wait()],
      [4, () => this.#repeat()],
      [4, () => this.#damage()],
      [3, () => this.#babble()],
      [0.8, () => this.#hangUp()],
      [0.8, () => this.#useAtTheEnd()],
      [0.5, () => this.#changeWeather()],
      [0.2, () => this.#calmDown()],
      [thousandth(climate.clockFaults), () => this.#disturbClock()],
      [thousandth(climate.storeFaults), () => this.#world.note(this.#world.book.change())],
      [thousandth(climate.kills), () => this.#kill()],
    ]);
    await act();
    await this.#world.pass(random.chance(0.7) ? 0 : random.int(60));
  }

  #anyone(): SimClient {
    return this.#world.random.pick(this.#world.clients);
  }

  #ask(): void {
    this.#askFor(this.#anyone());
  }

  #askFor(client: SimClient): void {
    const request = this.#world.choices.request(client);
    const bytes = requestBytes(request, this.#world.random.chance(0.2));
    const [oldest] = client.open.keys();
    if (client.open.size >= MAX_OPEN && oldest !== undefined) client.open.delete(oldest);
    this.#world.note(`client ${client.serial} asks for ${request.kind}`);
    this.#world.ask(client, { bytes, request, expect: null });
  }

  // One of a client's earlier messages, from itself or from somebody else.
  #repeat(): void {
    const { random } = this.#world;
    const owner = this.#anyone();
    const packet = owner.sent.at(-1 - random.int(3));
    if (packet === undefined) return;
    const client = random.chance(0.8) ? owner : this.#anyone();
    this.#world.note(`client ${client.serial} repeats ${packet.request?.kind} of client ${owner.serial}`);
    this.#world.transmit(client, packet);
  }

  #damage(): void {
    const { random, choices } = this.#world;
    const client = this.#anyone();
    const sent = random.chance(0.7) ? client.sent.at(-1) : undefined;
    this.#raw(client, choices.damaged(sent?.bytes ?? this.#channelBytes(client)));
  }

  #babble(): void {
    this.#raw(this.#anyone(), this.#world.choices.garbage());
  }

  #sendChannel(): void {
    const client = this.#anyone();
    this.#raw(client, this.#channelBytes(this.#world.random.chance(0.9) ? client : this.#anyone()));
  }

  #raw(client: SimClient, bytes: Buffer): void {
    this.#world.note(`client ${client.serial} sends ${bytes.toString('hex', 0, 40)}`);
    this.#world.transmit(client, { bytes, request: null, expect: null });
  }

  #channelBytes(client: SimClient): Buffer {
    const { random, model } = this.#world;
    const bound = [...(model.allocations.get(client.serial)?.channels.keys() ?? [])];
    const number = bound.length > 0 && random.chance(0.9) ? random.pick(bound) : 0x4000;
    return channelData(number, this.#newPayload(), { pad: client.stream });
  }

  #newPayload(): string {
    const { random } = this.#world;
    const length = random.weighted([
      [1, 0],
      [20, random.int(60)],
      [1, 1200],
    ]);
    return length === 0 ? '' : `${this.#payload++}.`.padEnd(length, 'x');
  }

  #send(): void {
    const { random, model, choices } = this.#world;
    const client = this.#anyone();
    const permitted = [...(model.allocations.get(client.serial)?.permissions.keys() ?? [])];
    const known = permitted.length > 0 && random.chance(0.6);
    const peer = known ? choices.peerAt(random.pick(permitted)) : choices.peer();
    const payload = this.#newPayload();
    const bad = random.chance(0.05) ? random.pick(['no data', 'no peer', 'unknown', 'fragment']) : '';
    const attrs = [
      ...(bad === 'no peer' ? [] : [xorPeerAddress(peer.ip, peer.port)]),
      ...(bad === 'no data' ? [] : [data(payload)]),
      ...(bad === 'unknown' ? ([[0x7f01, '00']] as const) : []),
      ...(bad === 'fragment' ? [dontFragment()] : []),
    ];
    this.#world.note(`client ${client.serial} sends data to ${textOf(peer)} ${bad}`);
    const bytes = message({ type: 0x0016, tid: random.bytes(12), attrs });
    const expect = () => (bad === '' ? model.sent(client.serial, peer, payload) : []);
    this.#world.transmit(client, { bytes, request: null, expect });
  }

  #hostSends(): void {
    const { random, choices } = this.#world;
    const relay = choices.relay();
    if (relay === null) return;
    const ip = random.pick(HOSTS.filter((each) => familyOf(each) === relay.family));
    const from = textOf({ ip, port: random.pick(HOST_PORTS) });
    this.#fromHost(from, relay.address);
  }

  #fromHost(from: string, relayed: string): void {
    if (isOwn(from)) return;
    this.#world.note(`host ${from} sends to ${relayed}`);
    this.#world.hostSends(from, relayed, this.#newPayload());
  }

  async #wait(): Promise<void> {
    const { random } = this.#world;
    const milliseconds = random.weighted<() => number>([
      [60, () => random.int(2000)],
      [30, () => random.int(20_000)],
      [9, () => random.int(200_000)],
      [0.3, () => random.int(4_000_000)],
    ])();
    this.#world.note(`${milliseconds} ms pass`);
    await this.#world.pass(milliseconds);
  }

  // Uses whatever ends next, in the last moment or in the first in which it is over (R29).
  async #useAtTheEnd(): Promise<void> {
    const world = this.#world;
    const { random, model } = world;
    const uses = model.allLive().flatMap(({ serial, relays, permissions, channels }) => {
      const client = world.clients.find((each) => each.serial === serial);
      const byChannel = [...channels].map(([number, { deadline }]) => ({
        deadline,
        use: () => client && this.#raw(client, channelData(number, this.#newPayload(), { pad: client.stream })),
      }));
      const byHost = [...permissions].flatMap(([ip, deadline]) => {
        const relay = relays.find(({ family }) => family === familyOf(ip));
        const from = textOf({ ip, port: HOST_PORTS[0] });
        return relay === undefined ? [] : [{ deadline, use: () => this.#fromHost(from, relay.address) }];
      });
      const byRefresh = relays.map(({ deadline }) => ({ deadline, use: () => client && this.#askFor(client) }));
      return [...byChannel, ...byHost, ...byRefresh].filter(({ deadline }) => deadline > model.now + 1000);
    });
    const first = uses.reduce<(typeof uses)[number] | null>(
      (best, each) => (best === null || each.deadline < best.deadline ? each : best),
      null,
    );
    if (first === null) return;
    world.note('something is used when it ends');
    await world.pass(first.deadline - model.now + random.pick([-900, -1, 0, 1, 1999]));
    first.use();
  }

  #hangUp(): void {
    const { clients, random } = this.#world;
    const client = random.pick(clients.filter(({ stream }) => stream));
    this.#world.note(`client ${client.serial} hangs up`);
    this.#world.hangUp(client);
  }

  #changeWeather(): void {
    const { network, note } = this.#world;
    network.isCalm = !network.isCalm;
    note.call(this.#world, network.isCalm ? 'the network is calm' : 'the network is bad');
  }

  async #calmDown(): Promise<void> {
    this.#world.note('everything comes to rest');
    await this.#world.calmDown();
  }

  // After a sleep, what is over is over at the next use: before any timer has run.
  #disturbClock(): void {
    const { random, timeline } = this.#world;
    const kind = random.pick(['jump', 'slew', 'sleep'] as const);
    this.#world.note(`the clock: ${kind}`);
    if (kind === 'jump') timeline.jump(random.pick([-HOUR, HOUR, random.int(2 * HOUR) - HOUR]));
    else if (kind === 'slew') timeline.slew(random.next() - 0.5);
    else {
      timeline.leap(random.pick([10_000, 301_000, 601_000, random.int(2 * HOUR)]));
      for (let uses = 0; uses < 4; uses++)
        random.pick([() => this.#ask(), () => this.#sendChannel(), () => this.#send(), () => this.#hostSends()])();
    }
  }

  #kill(): void {
    const { random, workers } = this.#world;
    const index = random.int(workers.length);
    this.#world.note(`worker ${index + 1} is killed`);
    this.#world.kill(index);
  }
}
