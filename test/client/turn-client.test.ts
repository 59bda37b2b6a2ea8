// Permissions, channels and data of a client, and what keeps them alive, against a server that a test plays.

import { test } from 'tap';
import type { ClientError } from '../../src/client/client-error.ts';
import { KeepAlive } from '../../src/client/keep-alive.ts';
import { TurnClient } from '../../src/client/turn-client.ts';
import { type Answers, address, errorCode, FakePath, respond } from '../support/fake-path.ts';
import { vectorNamed } from '../support/vectors.ts';
import { VirtualTimers } from '../support/virtual-timers.ts';
import { attr, decode, message } from '../support/wire.ts';
import { data, lifetime, xorMappedAddress, xorPeerAddress, xorRelayedAddress } from '../support/wire-attributes.ts';

const PEER = address('203.0.113.1', 5000);
const OTHER = address('203.0.113.2', 5000);
const MINUTE = 60_000;

const agree: Answers = (request) => [
  respond(request, 2, {
    attrs: [xorRelayedAddress('198.51.100.5', 50_000), xorMappedAddress('198.51.100.9', 4000), lifetime(600)],
  }),
];

function connect(answers: Answers = agree, kind: 'udp' | 'tcp' = 'udp') {
  const timers = new VirtualTimers();
  const path = new FakePath(answers, kind);
  return { timers, path, client: new TurnClient(path, { credential: null, timers }) };
}

test('CLI-10 number and peer rest five minutes after a binding has expired; the same pair does not', async (t) => {
  const { timers, client, path } = connect();
  const channel = await client.bindChannel(PEER);
  t.equal(channel, 0x4000);
  t.equal(await client.bindChannel(OTHER), 0x4001, 'another peer gets another number');
  const asked = path.sent.length;
  // Ten minutes of life, five of rest.
  await timers.pass(15 * MINUTE - 1);
  await t.rejects(client.bindChannel(OTHER, channel), { fault: 'wait', waitMs: 1, message: /cannot be bound anew/ });
  await t.rejects(client.bindChannel(PEER, 0x4005), { fault: 'wait', waitMs: 1, message: /203\.0\.113\.1/ });
  t.equal(path.sent.length, asked, 'nothing was asked');
  await timers.pass(1);
  t.equal(await client.bindChannel(OTHER, channel), channel);
  t.equal(await client.bindChannel(PEER), 0x4001, 'a number that has rested is used again');
});

test('CLI-10 the same pair can be renewed at any time, and a binding that may have been made counts', async (t) => {
  const { timers, client } = connect();
  const channel = await client.bindChannel(PEER);
  await timers.pass(12 * MINUTE);
  t.equal(await client.bindChannel(PEER), channel);
  const refused = connect((request) => [respond(request, 3, { attrs: [[attr.errorCode, errorCode(403)]] })]);
  await t.rejects(refused.client.bindChannel(PEER), {
    errorCode: 403,
    message: /ChannelBind to 203.0.113.1:5000: refused/,
  });
  await t.rejects(refused.client.bindChannel(OTHER, 0x4000), { fault: 'wait', message: /channel 0x4000/ });
});

test('data goes out in a Send indication, and on a channel once one is bound', async (t) => {
  const { client, path } = connect();
  client.send(PEER, Buffer.from('hello'));
  const sent = decode(path.sent[0] ?? Buffer.alloc(0));
  t.equal(sent.type, 0x0016);
  t.equal(sent.xorAddress(attr.xorPeerAddress), '203.0.113.1:5000');
  t.equal(sent.text(attr.data), 'hello');
  await client.bindChannel(PEER);
  client.send(PEER, Buffer.from('hello'));
  t.equal(path.sent[2]?.toString('hex'), '4000000568656c6c6f');
  client.send(OTHER, Buffer.from('x'));
  t.equal(decode(path.sent[3] ?? Buffer.alloc(0)).type, 0x0016);
});

test('ChannelData is padded on streams and only there', async (t) => {
  const { client, path } = connect(agree, 'tcp');
  await client.bindChannel(PEER);
  client.send(PEER, Buffer.from('hello'));
  t.equal(path.sent[1]?.toString('hex'), '4000000568656c6c6f000000');
});

test('data from peers comes out with its peer; what belongs to nobody does not', async (t) => {
  const { client, path } = connect();
  const heard: string[] = [];
  client.onPeerData = (peer, bytes, channel) => heard.push(`${peer.text} ${bytes.toString()} ${channel}`);
  path.deliver(message({ type: 0x0017, attrs: [xorPeerAddress('203.0.113.1', 5000), data('one')] }));
  await client.bindChannel(PEER);
  path.deliver(Buffer.from('4000000374776f', 'hex'));
  path.deliver(Buffer.from('4001000374776f', 'hex'));
  path.deliver(Buffer.from('4000000974776f', 'hex'));
  path.deliver(message({ type: 0x0017, attrs: [data('no peer')] }));
  path.deliver(Buffer.from('noise'));
  path.deliver(Buffer.alloc(0));
  t.strictSame(heard, ['203.0.113.1:5000 one null', '203.0.113.1:5000 two 16384']);
});

test('foreign bytes of a Data indication are understood', async (t) => {
  const { client, path } = connect();
  const vector = vectorNamed('derived-data-indication-v4');
  const heard: string[] = [];
  client.onPeerData = (peer, bytes) => heard.push(peer.text, bytes.toString('hex'));
  path.deliver(Buffer.from(vector.hex, 'hex'));
  t.equal(heard[0], vector.peers?.[0]);
  t.equal(heard.length, 2);
});

test('a mapped address that is not xored is understood; none is nonsense', async (t) => {
  const old = connect((request) => [respond(request, 2, { attrs: [[attr.mappedAddress, '000110e1c6336409']] })]);
  t.equal((await old.client.binding()).mapped.text, '198.51.100.9:4321');
  const none = connect((request) => [respond(request, 2)]);
  await t.rejects(none.client.binding(), { fault: 'protocol', message: /no mapped address/ });
});

test('everything is renewed in time: allocation, permissions, channels', async (t) => {
  const { timers, path, client } = connect();
  await client.allocate();
  await client.createPermission(PEER.ip);
  await client.bindChannel(PEER);
  const before = path.requests.length;
  const failures: ClientError[] = [];
  const keeper = new KeepAlive(client, (error) => failures.push(error));
  await timers.pass(19 * MINUTE);
  const renewed = path.requests.slice(before).map(({ method }) => method);
  const count = (method: number) => renewed.filter((one) => one === method).length;
  t.strictSame([count(4), count(8), count(9)], [2, 4, 2]);
  t.same(failures, []);
  keeper.stop();
  const after = path.sent.length;
  await timers.pass(60 * MINUTE);
  t.equal(path.sent.length, after, 'a stopped keeper is silent');
});

test('what cannot be renewed is told, and tried again', async (t) => {
  const { timers, client } = connect((request, count) =>
    count === 1 ? agree(request, count) : [respond(request, 3, { attrs: [[attr.errorCode, errorCode(437)]] })],
  );
  await client.allocate();
  const failures: number[] = [];
  const keeper = new KeepAlive(client, (error) => failures.push(error.errorCode));
  await timers.pass(30 * MINUTE);
  t.strictSame(failures, [437, 437, 437]);
  keeper.stop();
});
