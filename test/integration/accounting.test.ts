// The books of a running server: whatever was sent to it was answered, relayed or dropped for a reason, to the packet, by
// what its own status says and by what both sides have heard.

import { join } from 'node:path';
import { t as root, test } from 'tap';
import { ControlClient } from '../../src/control/control-client.ts';
import { type SideTraffic, type Traffic, trafficOf } from '../../src/control/traffic.ts';
import type { CounterTree } from '../../src/workers/counter-tree.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { RawClient, type RawTransport } from '../support/raw-client.ts';
import { labFlags, startTurndWith, type Teardown, temporaryDirectory } from '../support/turnd-process.ts';
import { channelData, message } from '../support/wire.ts';
import { requestedTransport } from '../support/wire-attributes.ts';

root.setTimeout(120_000);

/** Of each allocation; ten may come at once. */
const RATE = { TURND_LIMITS__PACKETS_PER_SECOND_PER_ALLOCATION: '20' };
const CHANNEL = 0x4000;
const GOOD = 4;
const LARGEST_DATAGRAM = 65_507;
const TRIES = 300;

/** A server, whoever speaks to it, and how much they have sent and heard. */
class Scene {
  sentByClients = 0;
  sentByPeers = 0;
  heardByPeers = 0;
  readonly clients: RawClient[] = [];
  readonly #t: Teardown;
  readonly #port: (transport: RawTransport) => Promise<number>;
  readonly control: ControlClient;

  private constructor(t: Teardown, port: (transport: RawTransport) => Promise<number>, control: ControlClient) {
    this.#t = t;
    this.#port = port;
    this.control = control;
  }

  static async open(t: Teardown): Promise<Scene> {
    const directory = temporaryDirectory(t);
    const server = await startTurndWith(t, labFlags(directory, '--listen', 'tcp://127.0.0.1:0'), { env: RATE });
    const control = await ControlClient.open({ path: join(directory, 'state', 'turnd.sock'), timeout: 30_000 });
    return new Scene(t, (transport) => server.port(transport), control);
  }

  async client(transport: RawTransport): Promise<RawClient> {
    const client = await RawClient.open({ transport, port: await this.#port(transport) });
    this.#t.teardown(() => client.close());
    this.clients.push(client);
    const send = client.send.bind(client);
    client.send = (bytes) => {
      this.sentByClients++;
      send(bytes);
    };
    return client;
  }

  async peer(address: string): Promise<DatagramPeer> {
    const peer = await DatagramPeer.open(address);
    this.#t.teardown(() => peer.close());
    peer.socket.on('message', () => this.heardByPeers++);
    return peer;
  }

  /** So many datagrams of this length to a relayed port. */
  async hail(peer: DatagramPeer, port: number, count: number, length = 1): Promise<void> {
    for (let sent = 0; sent < count; sent++) await peer.send(Buffer.alloc(length), port, '127.0.0.1');
    this.sentByPeers += count;
  }

  /** Data only: who waits for no answers does not count. */
  get heardByClients(): number {
    return this.clients.filter(({ realm }) => realm !== '').reduce((sum, { unread }) => sum + unread, 0);
  }

  /** What the server says once it has seen everything, and everything that it has relayed was heard. */
  async books(crossing: number): Promise<{ readonly traffic: Traffic; readonly counters: CounterTree }> {
    for (let tries = 0; ; tries++) {
      const { counters } = await this.control.status();
      const traffic = trafficOf(counters);
      const isThere =
        traffic.fromClients.received === this.sentByClients &&
        traffic.fromPeers.received === this.sentByPeers + crossing &&
        traffic.fromClients.relayed === this.heardByPeers + crossing &&
        traffic.fromPeers.relayed === this.heardByClients;
      if (isThere || tries === TRIES) return { traffic, counters };
    }
  }
}

/** What is left of a side's books: nothing, if they are right. */
function rest({ received, answered, keepAlives, relayed, dropped }: SideTraffic): number {
  return received - answered - keepAlives - relayed - Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');

test('R30 received = answered + relayed + dropped by reason, both ways, to the packet, after a mixed load', async (t) => {
  const scene = await Scene.open(t);
  const [near, far] = [await scene.peer('127.0.0.1'), await scene.peer('127.0.0.2')];
  const callers = [await scene.client('udp'), await scene.client('tcp')];
  const [udp, tcp] = callers as [RawClient, RawClient];
  const [hasty, big, own] = [await scene.client('udp'), await scene.client('udp'), await scene.client('udp')];
  const stranger = await scene.client('udp');
  const ports = new Map<RawClient, number>();
  for (const client of [udp, tcp, hasty, big, own]) {
    ports.set(client, (await client.allocated()).port);
    t.notOk((await client.bind(CHANNEL, '127.0.0.1', near.port)).errorCode);
  }
  const portOf = (client: RawClient): number => ports.get(client) as number;

  for (const caller of callers) {
    for (let packet = 0; packet < GOOD; packet++) caller.sendChannel(CHANNEL, 'good');
    await scene.hail(near, portOf(caller), GOOD);
    caller.sendTo('203.0.113.9', 9, 'nobody has permitted this');
    caller.sendChannel(CHANNEL + 1, 'a channel that is not bound');
    caller.send(message({ type: 0x0011 }));
    await scene.hail(far, portOf(caller), 3);
  }
  for (const bytes of [bytesOf('ff00'), bytesOf('000300ff2112a442'), channelData(CHANNEL, 'cut').subarray(0, 6)]) {
    udp.send(bytes);
  }
  udp.send(message({ type: 0x0103 }));
  stranger.sendChannel(CHANNEL, 'of no allocation');
  for (let packet = 0; packet < 60; packet++) hasty.sendChannel(CHANNEL, 'too fast');
  await scene.hail(near, portOf(hasty), 60);
  tcp.sendChannel(CHANNEL, Buffer.alloc(LARGEST_DATAGRAM + 1));
  await scene.hail(near, portOf(big), 2, LARGEST_DATAGRAM);
  for (let packet = 0; packet < 3; packet++) own.sendTo('127.0.0.1', portOf(big), 'from relay to relay');
  for (const client of [...callers, hasty, big, own]) await client.binding();
  for (let asked = 0; asked < 40; asked++) {
    stranger.send(message({ type: 0x0003, attrs: [requestedTransport()] }));
  }
  const { traffic, counters } = await scene.books(3);
  const { fromClients, fromPeers } = traffic;
  t.comment(JSON.stringify(traffic));
  t.equal(fromClients.received, scene.sentByClients);
  t.equal(fromPeers.received, scene.sentByPeers + 3);
  t.equal(rest(fromClients), 0, 'nothing from clients is unaccounted for');
  t.equal(rest(fromPeers), 0, 'nothing from peers is unaccounted for');
  t.match(fromClients.dropped, {
    'not-ours': 1,
    malformed: 1,
    'bad-channel-data': 1,
    unexpected: 1,
    'no-allocation': 1,
    'no-permission-to-peer': 2,
    'unbound-channel': 2,
  });
  for (const reason of ['over-rate', 'over-budget']) t.ok((fromClients.dropped[reason] ?? 0) >= 20, reason);
  t.equal((fromClients.dropped['datagram-too-big'] ?? 0) + (fromClients.dropped['send-EMSGSIZE'] ?? 0), 1);
  t.equal(fromClients.keepAlives, 2);
  t.match(fromPeers.dropped, { 'no-permission-from-peer': 6 });
  t.ok((fromPeers.dropped['over-rate-to-client'] ?? 0) >= 20);
  t.equal((fromPeers.dropped['datagram-too-big'] ?? 0) + (fromPeers.dropped['send-EMSGSIZE'] ?? 0), 2);
  t.equal(fromClients.relayed, scene.heardByPeers + 3, 'peers have heard what was relayed to them');
  t.equal(fromPeers.relayed, scene.heardByClients, 'and clients too');
  t.equal(planeBalance(counters), 0, 'and what the engine gave to a plane or stream is what that took');
});

/** What the engine has sent to clients, less what planes and streams have been given for them. */
function planeBalance(counters: CounterTree): number {
  const { engine, plane, streams } = counters as unknown as {
    readonly engine: Readonly<Record<'packetsToClient' | 'errorsToClient' | 'responses', number>>;
    readonly plane: {
      readonly clients: Readonly<Record<'packetsOut' | 'droppedTooBig' | 'droppedQueueFull', number>>;
    };
    readonly streams: Readonly<Record<'messagesOut' | 'droppedMessages', number>>;
  };
  const { packetsOut, droppedTooBig, droppedQueueFull } = plane.clients;
  const given = packetsOut + droppedTooBig + droppedQueueFull + streams.messagesOut + streams.droppedMessages;
  return engine.packetsToClient + engine.errorsToClient + engine.responses - given;
}
