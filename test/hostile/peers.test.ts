// A client with good credentials tries to reach what is not its business: every special address, in every writing, by every
// way there is to name a peer. A capture on the host says whether a packet went that way.

import { type Test, test } from 'tap';
import type { Capture } from '../support/capture.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { patiently, type RawClient, type RawTransport } from '../support/raw-client.ts';
import { channelData } from '../support/wire.ts';
import { additionalAddressFamily } from '../support/wire-attributes.ts';
import { canonical, encoded, forbidden, NEIGHBOURS, scanned } from './special-addresses.ts';
import { HOST, Stage } from './stage.ts';

const stage = await Stage.build();
const skip = stage === null && 'network namespaces take root';
const built = stage as Stage;

/** Where something listens outside, at whatever address. */
const CANARY_PORT = 9999;
const SECRET = 'to-the-canary';

/** New peers of one allocation: fewer than a scan makes. */
const PEERS_EACH = 12;

const UNUSED_CHANNEL = 0x4fff;

const OPEN_TO_ALL = ['--allow-peer', '0.0.0.0/0', '--allow-peer', '::/0'] as const;

/** The policy is on trial here, not the brake on scans (S39). */
const NO_BRAKE = { TURND_LIMITS__NEW_PEERS_PER_SECOND: '0' } as const;

async function both(t: Test, transport: RawTransport = 'udp', port = 3478): Promise<RawClient> {
  const client = await built.client(t, transport, port);
  await client.allocated([additionalAddressFamily()]);
  return client;
}

/** Listens at every address there is, outside. */
async function openCanary(t: Test): Promise<DatagramPeer> {
  const canary = await DatagramPeer.open('::', CANARY_PORT);
  t.teardown(() => canary.close());
  return canary;
}

/** Tries an address by every way; the error codes of the two requests. */
async function tryPeer(client: RawClient, ip: string, channel: number): Promise<string> {
  const permission = await client.permit(ip);
  const binding = await client.bind(channel, ip, CANARY_PORT);
  client.sendTo(ip, CANARY_PORT, SECRET);
  client.send(channelData(channel, SECRET, { pad: client.isStream }));
  return `${permission.errorCode ?? 'granted'} ${binding.errorCode ?? 'granted'}`;
}

/** What the host has let go to one of these addresses, or has sent with the payload for the canaries. */
function leaks(capture: Capture, targets: ReadonlySet<string>): string[] {
  return capture
    .read()
    .filter(({ target, targetPort, payload }) => isLeak(target, targetPort, payload, targets))
    .map(({ source, target, targetPort }) => `${source} to ${target} port ${targetPort}`);
}

// Neighbour discovery is multicast, and nothing that a client asks for.
function isLeak(target: string, port: number, payload: Buffer, targets: ReadonlySet<string>): boolean {
  const isSecret = payload.includes(SECRET) && port !== 3478 && port !== 5349;
  return isSecret || (port === CANARY_PORT && targets.has(target));
}

async function refusesAll(t: Test, capture: Capture, client: RawClient, ips: readonly string[]): Promise<void> {
  const targets = new Set(ips.map(canonical));
  const wrong: string[] = [];
  for (const ip of ips) {
    const codes = await tryPeer(client, ip, UNUSED_CHANNEL);
    if (codes !== '403 403') wrong.push(`${ip}: ${codes}`);
  }
  await client.binding();
  t.same(wrong, [], `${ips.length} addresses are refused over ${client.transport}`);
  t.same(leaks(capture, targets), [], 'and nothing went there');
  t.equal(client.unread, 0, 'nor did anything come back');
}

test('S27, S28: no special address is a peer, in whatever writing', { skip }, async (t) => {
  await built.startWith(t, NO_BRAKE);
  const capture = await built.captureHost(t);
  const client = await both(t);
  await refusesAll(t, capture, client, forbidden());
  await refusesAll(
    t,
    capture,
    client,
    encoded().map(({ ip }) => ip),
  );
  await refusesAll(t, capture, client, scanned(4, Math.random));
  for (const [transport, port] of [
    ['tcp', 3478],
    ['tls', 5349],
  ] as const) {
    await refusesAll(t, capture, await both(t, transport, port), [
      ...forbidden().slice(0, 40),
      '::1',
      '::ffff:127.0.0.1',
    ]);
  }
});

test('S27 what lies beside the special ranges is a peer, and hears', { skip }, async (t) => {
  await built.start(t);
  const canary = await openCanary(t);
  for (let at = 0; at < NEIGHBOURS.length; at += PEERS_EACH) {
    const client = await both(t);
    for (const ip of NEIGHBOURS.slice(at, at + PEERS_EACH)) {
      t.equal((await client.permit(ip)).errorCode, undefined, ip);
      client.sendTo(ip, CANARY_PORT, ip);
      const heard = await patiently(ip, canary.next());
      t.equal(heard.bytes.toString(), ip);
    }
  }
});

test('S31 an allow rule for everything opens the soft ranges, and none of the hard ones', { skip }, async (t) => {
  await built.startWith(t, NO_BRAKE, ...OPEN_TO_ALL);
  const capture = await built.captureHost(t);
  const client = await both(t);
  const isHard = (ip: string): boolean => /^(0|127|169\.254|22[4-9]|23\d|24\d|25\d)\./.test(ip) || isHardIpv6(ip);
  const hard = [...forbidden(), ...encoded().map(({ ip }) => ip)].filter(isHard);
  t.ok(hard.length > 100);
  await refusesAll(t, capture, client, hard);
});

/** ::/96, mapped, translated, Teredo, 6to4, link-local, site-local, multicast. */
function isHardIpv6(ip: string): boolean {
  if (!ip.includes(':')) return false;
  return /^(::|2001:0?:|2001::|2002:|fe[89a-f]|ff)/.test(canonical(ip));
}

test('S31 what is opened by name can be reached: the canaries do hear', { skip }, async (t) => {
  await built.start(t, '--allow-peer', '10.1.0.0/16', '--allow-peer', 'fd00:ec2::/32');
  const canary = await openCanary(t);
  const capture = await built.captureHost(t);
  const client = await both(t);
  for (const ip of ['10.1.2.3', 'fd00:ec2::254']) {
    t.equal(await tryPeer(client, ip, ip.includes(':') ? 0x4001 : 0x4002), 'granted granted');
    for (const way of ['Send', 'channel']) {
      t.equal((await patiently(ip, canary.next())).bytes.toString(), SECRET, way);
    }
    t.not(leaks(capture, new Set([ip])).length, 0, 'and the capture does see it');
  }
  await refusesAll(t, capture, client, ['10.0.255.255', '10.2.0.0', 'fd00:ec1:ffff::1', 'fd00:ec3::']);
});

test('S38 a peer without permission is not heard, however near its address is', { skip }, async (t) => {
  await built.start(t);
  const client = await built.client(t);
  const relayed = await client.allocated();
  await client.permit('9.9.9.9');
  for (const ip of ['9.9.9.8', '9.9.9.10', '9.9.8.9', '8.8.8.8', '9.9.9.9']) {
    const peer = await DatagramPeer.open(ip);
    t.teardown(() => peer.close());
    await peer.send(Buffer.from(ip), relayed.port, HOST.ipv4);
  }
  // One relay socket keeps the order: had the others passed, they would be first.
  t.equal((await client.nextData()).toString(), '9.9.9.9');
  await client.binding();
  t.equal(client.unread, 0);
});
