// The host's own addresses as peers: its listeners, what else listens there, and the way around by an address that a NAT
// shows. What a relay socket sends is seen by a capture on the host, loopback included.

import { createServer } from 'node:net';
import { type Test, test } from 'tap';
import type { Capture, Packet } from '../support/capture.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { patiently, RawClient } from '../support/raw-client.ts';
import { attr, message } from '../support/wire.ts';
import { additionalAddressFamily, requestedTransport } from '../support/wire-attributes.ts';
import { HOST, Stage } from './stage.ts';

const stage = await Stage.build();
const skip = stage === null && 'network namespaces take root';
const built = stage as Stage;

/** Further addresses of the host, and one that only a NAT before it has. */
const SECOND = '12.1.1.1';
const PRIVATE = '10.9.9.9';
const SECOND_IPV6 = '2a05:8888::1';
const EXTERNAL = '13.1.1.1';
const OWN = [HOST.ipv4, SECOND, PRIVATE, HOST.ipv6, SECOND_IPV6, '127.0.0.1', '::1', '0.0.0.0', '::'] as const;

const LISTENERS = [3478, 5349] as const;
/** SSH, HTTPS, metrics, Node's inspector, anything. */
const SERVICES = [22, 443, 9090, 9229, 31_337] as const;

if (stage !== null) {
  stage.host.ip(
    ...[SECOND, PRIVATE].map((ip) => `address add ${ip}/32 dev host0`),
    `address add ${SECOND_IPV6}/128 dev host0 nodad`,
  );
}

/** Services on all addresses of the host, over UDP and TCP; what they hear over UDP. */
async function openServices(t: Test): Promise<string[]> {
  const heard: string[] = [];
  for (const port of SERVICES) {
    const udp = await built.host.inside(() => DatagramPeer.open('::', port));
    udp.socket.on('message', (bytes) => heard.push(`${port}: ${bytes}`));
    const tcp = createServer((socket) => heard.push(`${port}: TCP`) && socket.destroy());
    await built.host.inside(() => new Promise((resolve) => tcp.listen(port, '::', () => resolve(null))));
    t.teardown(() => [udp.close(), tcp.close()]);
  }
  return heard;
}

/** Names an address and port by every way; whether a channel was given. */
async function tryPeer(client: RawClient, ip: string, port: number, channel = 0x4abc): Promise<boolean> {
  await client.permit(ip);
  client.sendTo(ip, port, 'TURN to the inside');
  client.sendTo(ip, port, message({ type: 0x0003, attrs: [requestedTransport()] }));
  const { errorCode } = await client.bind(channel, ip, port);
  client.sendChannel(channel, 'TURN to the inside');
  return errorCode === undefined;
}

/** What relay sockets sent. */
function relayedPackets(capture: Capture, port: number): Packet[] {
  return capture.read().filter(({ sourcePort }) => sourcePort === port);
}

/** The policy is on trial here, not the brake on scans (S39). */
const NO_BRAKE = { TURND_LIMITS__NEW_PEERS_PER_SECOND: '0' } as const;

const SETTINGS = [
  ['default settings', []],
  ['everything allowed', ['--allow-peer', '0.0.0.0/0', '--allow-peer', '::/0']],
  ['loopback allowed', ['--allow-peer', '127.0.0.0/8', '--allow-peer', '::1/128', '--allow-peer', '10.0.0.0/8']],
  ['behind a NAT', ['--relay-address', PRIVATE, '--external-address', EXTERNAL]],
] as const;

for (const [name, flags] of SETTINGS) {
  const isBehindNat = name === 'behind a NAT';
  test(`S33, S35, S59: neither listeners nor services of the host are peers (${name})`, { skip }, async (t) => {
    await built.startWith(t, NO_BRAKE, ...flags);
    const heard = await openServices(t);
    const capture = await built.captureHost(t);
    const client = await built.client(t);
    const { port } = await client.allocated(isBehindNat ? [] : [additionalAddressFamily()]);
    const given: string[] = [];
    for (const ip of isBehindNat ? [...OWN, EXTERNAL] : OWN) {
      for (const service of [...LISTENERS, ...SERVICES]) {
        if (await tryPeer(client, ip, service)) given.push(`${ip}:${service}`);
      }
    }
    t.equal((await client.permit('127.0.0.1')).errorCode, 403, 'nor is loopback ever permitted');
    await client.binding();
    t.same(given, [], 'no channel is given');
    t.same(relayedPackets(capture, port), [], 'nothing leaves the relay socket');
    t.same(heard, [], 'no service hears anything');
    t.equal(client.unread, 0, 'nothing comes back');
  });
}

test('S35 an own address that the operator opens by itself: its services hear, its listeners do not', {
  skip,
}, async (t) => {
  await built.start(t, '--allow-peer', `${SECOND}/32`);
  const service = await built.host.inside(() => DatagramPeer.open(SECOND, 9090));
  t.teardown(() => service.close());
  const capture = await built.captureHost(t);
  const client = await built.client(t);
  const { port } = await client.allocated();
  t.equal(await tryPeer(client, SECOND, 9090), true);
  t.equal((await patiently('the service', service.next())).bytes.toString(), 'TURN to the inside');
  for (const way of ['an Allocate by Send', 'by channel']) t.ok(await patiently(way, service.next()), way);
  t.not(relayedPackets(capture, port).length, 0, 'the capture sees what goes over loopback');
  t.equal(await tryPeer(client, SECOND, 3478, 0x4abd), false);
  await client.binding();
  t.same(relayedPackets(capture, port), []);
});

test('S33 a packet that goes around comes out once', { skip }, async (t) => {
  await built.start(t, '--relay-address', PRIVATE, '--external-address', EXTERNAL);
  const capture = await built.captureHost(t);
  const [one, two] = [await built.client(t), await built.client(t)];
  const [first, second] = [await one.allocated(), await two.allocated()];
  // To the very own relay, and in a circle of two: each thinks that the other is its peer.
  await one.bind(0x4001, EXTERNAL, first.port);
  await one.bind(0x4002, EXTERNAL, second.port);
  await two.bind(0x4001, EXTERNAL, first.port);
  for (const channel of [0x4001, 0x4002]) {
    const text = `around by ${channel}`;
    one.sendChannel(channel, text);
    const receiver = channel === 0x4001 ? one : two;
    t.equal((await receiver.nextData()).toString(), text);
    for (const client of [one, two]) await client.binding();
    const out = capture.read().filter(({ payload, sourcePort }) => sourcePort === 3478 && payload.includes(text));
    t.equal(out.length, 1, 'one packet in, one packet out');
  }
});

test('S33 no allocation is made for a client at a live relayed address: two of them would be a loop', {
  skip,
}, async (t) => {
  await built.start(t, '--relay-address', PRIVATE, '--external-address', EXTERNAL);
  const client = await built.client(t);
  const relayed = await client.allocated();
  t.equal(relayed.ip, EXTERNAL);
  const forge = async (port: number): Promise<number | undefined> => {
    const socket = await DatagramPeer.open(EXTERNAL, port);
    const forger = await RawClient.open({ host: HOST.ipv4, port: 3478, socket });
    const answer = await forger.allocate();
    t.equal(answer.has(attr.xorRelayedAddress), answer.errorCode === undefined);
    forger.close();
    return answer.errorCode;
  };
  t.equal(await forge(relayed.port), 403);
  t.equal(await forge(relayed.port === 50_000 ? 50_001 : 50_000), undefined, 'whoever shares the address is served');
});
