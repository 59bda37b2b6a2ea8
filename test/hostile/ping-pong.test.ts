// A packet between two servers with a forged source: whatever it is, one server may answer it, and nothing may follow.

import { randomBytes } from 'node:crypto';
import { test } from 'tap';
import { Capture } from '../support/capture.ts';
import { packetV4 } from '../support/ip-packet.ts';
import { findLibc } from '../support/linux-libc.ts';
import { RawClient } from '../support/raw-client.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';
import { channelData, message, typeOf } from '../support/wire.ts';
import { data, requestedTransport, xorPeerAddress } from '../support/wire-attributes.ts';
import { HOST, Stage } from './stage.ts';

const stage = await Stage.build();
const skip = stage === null && 'network namespaces take root';
const built = stage as Stage;
const { libc } = await findLibc();

const OTHER = '11.8.8.1';
const TURN = 3478;

/** What is sent, and how many packets it may cause in all. */
const SPARKS: readonly (readonly [what: string, bytes: Buffer, answers: number])[] = [
  ['a Binding request', message({ type: 0x0001 }), 1],
  ['a bare Allocate', message({ type: 0x0003, attrs: [requestedTransport()] }), 1],
  ['a Binding success response', message({ type: typeOf(1, 2) }), 0],
  ['a Binding error response', message({ type: typeOf(1, 3), attrs: [[0x0009, '00000401']] }), 0],
  ['an Allocate error response', message({ type: typeOf(3, 3), attrs: [[0x0009, '00000401']] }), 0],
  ['a Data indication', message({ type: 0x0017, attrs: [xorPeerAddress(OTHER, TURN), data('x')] }), 0],
  ['a Send indication', message({ type: 0x0016, attrs: [xorPeerAddress(OTHER, TURN), data('x')] }), 0],
  ['a request of an unknown method', message({ type: typeOf(0x7ff, 0) }), 0],
  ['ChannelData', channelData(0x4000, 'x'), 0],
  ['no magic cookie', message({ type: 0x0001, cookie: 0x01020304 }), 0],
  ['garbage', randomBytes(100), 0],
  ['nothing', Buffer.alloc(0), 0],
];

test('S10 two servers that a forged source sets on each other fall silent', { skip }, async (t) => {
  const { outside } = built;
  const other = outside.make();
  outside.ip(
    `link add out1 type veth peer name host0 netns ${other.path}`,
    'link set out1 up',
    'address add 11.8.8.2/24 dev out1',
  );
  other.ip('link set host0 up', `address add ${OTHER}/24 dev host0`, 'route add default via 11.8.8.2');
  outside.exec('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  await built.start(t);
  const directory = temporaryDirectory(t);
  const flags = ['--user', 'alice:secret-of-alice', '--state-dir', `${directory}/state`, '--external-address', 'none'];
  await other.inside(() => startTurndWith(t, [...flags, '--log-format', 'json'], { cwd: directory }));
  const capture = Capture.open(libc);
  const raw = RawSocket.ip(libc, 4);
  t.teardown(() => [capture.close(), raw?.close()]);
  const probes = [
    await RawClient.open({ host: HOST.ipv4, port: TURN }),
    await RawClient.open({ host: OTHER, port: TURN }),
  ];
  t.teardown(() => probes.map((probe) => probe.close()));
  for (const [what, payload, answers] of SPARKS) {
    capture.read();
    const packet = { source: OTHER, target: HOST.ipv4, sourcePort: TURN, targetPort: TURN, payload };
    raw?.send(packetV4(packet), HOST.ipv4, 0);
    // Over and over again there and back: whatever one server sends the other has been handled by then.
    for (let round = 0; round < 4; round++) for (const probe of probes) await probe.binding();
    const between = capture
      .read()
      .filter(({ outgoing, sourcePort, targetPort }) => outgoing && sourcePort === TURN && targetPort === TURN);
    t.equal(between.length, 1 + answers, what);
  }
});
