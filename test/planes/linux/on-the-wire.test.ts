// What stands in the IP headers of relayed datagrams, as a capture on loopback shows it. Datagrams come as packets made by
// hand, whose fields are unlike those that a socket would choose.

import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type Test, test } from 'tap';
import { PortRequest } from '../../../src/turn/env.ts';
import { type IpPacket, type IpPacketInput, packetV4, packetV6 } from '../../support/ip-packet.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { ipAddress, LinuxServer, LOOPBACK } from '../../support/linux-plane.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { RawSocket } from '../../support/raw-socket.ts';
import { channelData, message } from '../../support/wire.ts';
import { data, dontFragment, requestedAddressFamily, xorPeerAddress } from '../../support/wire-attributes.ts';

const { libc, skip: missing } = await findLibc();

const CHANNEL = 0x4000;
const PATIENCE_MS = 10_000;

function rightsMissing(): string | false {
  if (missing !== false) return missing;
  const capture = RawSocket.capture(libc);
  if (capture === null) return 'a capture takes rights (CAP_NET_RAW)';
  capture.close();
  return false;
}

const skip = rightsMissing();

interface Bench {
  readonly server: LinuxServer;
  readonly client: RawClient;
  readonly peer: RawSocket;
  readonly relayPort: number;
  /** Puts a packet of the client's, or the peer's, on the wire. @returns the packet that leaves the server for it */
  fromClient(fields: Partial<IpPacketInput>, payload: Buffer): Promise<IpPacket>;
  fromPeer(fields: Partial<IpPacketInput>, payload: Buffer): Promise<IpPacket>;
}

/** A client and a peer of these families, with a channel between them. */
async function bench(t: Test, clientFamily: 4 | 6, peerFamily: 4 | 6): Promise<Bench> {
  const server = new LinuxServer(t, libc, { listen: LOOPBACK[clientFamily] });
  const client = await server.client(t, LOOPBACK[clientFamily]);
  const { port: relayPort } = await client.allocated([requestedAddressFamily(peerFamily)]);
  const peer = RawSocket.udp(libc, LOOPBACK[peerFamily]);
  await client.bind(CHANNEL, LOOPBACK[peerFamily], peer.port);
  const capture = RawSocket.capture(libc);
  const raws = { 4: RawSocket.ip(libc, 4), 6: RawSocket.ip(libc, 6) };
  if (capture === null || raws[4] === null || raws[6] === null) throw new Error('no rights');
  t.teardown(() => {
    for (const socket of [peer, capture, raws[4], raws[6]]) socket?.close();
  });
  const clientPort = client.datagrams?.port ?? 0;
  const cross = async (family: 4 | 6, input: IpPacketInput, out: readonly [number, number]): Promise<IpPacket> => {
    const packet = family === 6 ? packetV6(input) : packetV4(input);
    raws[family]?.send(packet, LOOPBACK[family], 0);
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end) {
      const left = capture.packets(out[0]).find((one) => one.sourcePort === out[0] && one.targetPort === out[1]);
      if (left !== undefined) return left;
      await setImmediate();
    }
    throw new Error('nothing left the server');
  };
  return {
    server,
    client,
    peer,
    relayPort,
    fromClient: (fields, payload) =>
      cross(clientFamily, { ...fields, sourcePort: clientPort, targetPort: server.port, payload }, [
        relayPort,
        peer.port,
      ]),
    fromPeer: (fields, payload) =>
      cross(peerFamily, { ...fields, sourcePort: peer.port, targetPort: relayPort, payload }, [
        server.port,
        clientPort,
      ]),
  };
}

const PAYLOAD = Buffer.from('media');
const BY_CHANNEL = channelData(CHANNEL, PAYLOAD);

function bySend(made: Bench, family: 4 | 6, isWhole: boolean): Buffer {
  const more = isWhole ? [dontFragment()] : [];
  return message({ type: 0x0016, attrs: [xorPeerAddress(LOOPBACK[family], made.peer.port), ...more, data(PAYLOAD)] });
}

const DEFAULT_TTL = Number(skip === false ? readFileSync('/proc/sys/net/ipv4/ip_default_ttl', 'utf8') : 64);
const DEFAULT_HOPS = Number(skip === false ? readFileSync('/proc/sys/net/ipv6/conf/lo/hop_limit', 'utf8') : 64);

const PAIRS = [
  [4, 4],
  [4, 6],
  [6, 4],
  [6, 6],
] as const;

for (const [from, to] of PAIRS) {
  const hopsTo = (family: 4 | 6): number => (family === 6 ? DEFAULT_HOPS : DEFAULT_TTL);

  test(`TURN-92, TURN-93: TTL and Hop Limit are the system’s own (IPv${from} client, IPv${to} peer)`, {
    skip,
  }, async (t) => {
    const made = await bench(t, from, to);
    for (const hops of [1, 2, 99]) {
      t.equal((await made.fromClient({ hops }, BY_CHANNEL)).hops, hopsTo(to));
      t.equal((await made.fromPeer({ hops }, PAYLOAD)).hops, hopsTo(from));
    }
  });

  test(`TURN-92, TURN-94, TURN-95: DSCP and ECN are copied (IPv${from} client, IPv${to} peer)`, { skip }, async (t) => {
    const made = await bench(t, from, to);
    for (const trafficClass of [0, 0xb8, 0x01, 0x02, 0x8b, 0]) {
      const what = trafficClass.toString(16);
      t.equal((await made.fromClient({ trafficClass }, BY_CHANNEL)).trafficClass, trafficClass, `${what} by channel`);
      t.equal(
        (await made.fromClient({ trafficClass }, bySend(made, to, false))).trafficClass,
        trafficClass,
        `${what} by Send`,
      );
      t.equal((await made.fromPeer({ trafficClass }, PAYLOAD)).trafficClass, trafficClass, `${what} from the peer`);
    }
  });

  test(`TURN-92, TURN-98: neither flow label nor options are copied (IPv${from} client, IPv${to} peer)`, {
    skip,
  }, async (t) => {
    const made = await bench(t, from, to);
    const outward = await made.fromClient({ flowLabel: 0xabcde }, BY_CHANNEL);
    const inward = await made.fromPeer({ flowLabel: 0xabcde }, PAYLOAD);
    t.same([outward.version, inward.version], [to, from]);
    t.not(outward.flowLabel, 0xabcde);
    t.not(inward.flowLabel, 0xabcde);
    t.same([outward.options, inward.options], [0, 0]);
  });

  const isSet = from === 4 && to === 4;
  const number = isSet ? 'TURN-96' : 'TURN-97';
  test(`${number} DF is ${isSet ? 'set for' : 'no matter of'} Send with DONT-FRAGMENT (IPv${from} client, IPv${to} peer)`, {
    skip,
  }, async (t) => {
    const made = await bench(t, from, to);
    t.equal((await made.fromClient({}, bySend(made, to, true))).dontFragment, isSet);
    t.equal((await made.fromClient({}, bySend(made, to, false))).dontFragment, false, 'and for that one alone');
  });

  test(`TURN-96 DF is 0 whatever came, in both directions (IPv${from} client, IPv${to} peer)`, { skip }, async (t) => {
    const made = await bench(t, from, to);
    for (const isThere of [true, false]) {
      t.equal((await made.fromClient({ dontFragment: isThere }, BY_CHANNEL)).dontFragment, false);
      t.equal((await made.fromClient({ dontFragment: isThere }, bySend(made, to, false))).dontFragment, false);
      t.equal((await made.fromPeer({ dontFragment: isThere }, PAYLOAD)).dontFragment, false);
    }
  });
}

test('TURN-95 a response has a traffic class of its own: 0', { skip }, async (t) => {
  const made = await bench(t, 4, 4);
  const clientPort = made.client.datagrams?.port ?? 0;
  const raw = RawSocket.ip(libc, 4);
  const capture = RawSocket.capture(libc);
  t.teardown(() => {
    raw?.close();
    capture?.close();
  });
  const binding = message({ type: 0x0001 });
  const input = { sourcePort: clientPort, targetPort: made.server.port, payload: binding, trafficClass: 0xba };
  raw?.send(packetV4(input), '127.0.0.1', 0);
  await made.client.next();
  const answer = capture?.packets(made.server.port).find(({ targetPort }) => targetPort === clientPort);
  t.equal(answer?.trafficClass, 0);
});

test('TURN-92 an IPv4 client at an IPv6 socket gets what any IPv4 client gets', { skip }, async (t) => {
  const server = new LinuxServer(t, libc, { listen: '::' });
  const client = await server.client(t);
  const { port: relayPort } = await client.allocated();
  const peer = RawSocket.udp(libc, '127.0.0.1');
  await client.bind(CHANNEL, '127.0.0.1', peer.port);
  const capture = RawSocket.capture(libc);
  const raw = RawSocket.ip(libc, 4);
  t.teardown(() => {
    for (const socket of [peer, capture, raw]) socket?.close();
  });
  const input = { sourcePort: peer.port, targetPort: relayPort, payload: PAYLOAD, trafficClass: 0xb9, hops: 9 };
  raw?.send(packetV4(input), '127.0.0.1', 0);
  t.same(await client.nextData(), PAYLOAD);
  const clientPort = client.datagrams?.port;
  const [packet] = (capture?.packets(server.port) ?? []).filter(({ targetPort }) => targetPort === clientPort);
  t.match(packet, { version: 4, dontFragment: false, trafficClass: 0xb9, hops: DEFAULT_TTL });
});

test('TURN-95 what no datagram was the reason for, as data from a stream, leaves with 0', { skip }, async (t) => {
  const made = await bench(t, 4, 4);
  const opened = made.server.relays.open(4, PortRequest.ANY);
  const capture = RawSocket.capture(libc);
  t.teardown(() => {
    opened?.socket.close();
    capture?.close();
  });
  t.equal((await made.fromClient({ trafficClass: 0xba }, BY_CHANNEL)).trafficClass, 0xba);
  const relay = opened?.socket;
  relay?.send(ipAddress('127.0.0.1'), made.peer.port, PAYLOAD, 0, PAYLOAD.length, false);
  let heard = made.peer.now();
  for (; heard?.port !== relay?.local.port; heard = made.peer.now()) await setImmediate();
  const packet = capture?.packets(made.peer.port).find(({ sourcePort }) => sourcePort === relay?.local.port);
  t.equal(packet?.trafficClass, 0);
});
