// Allocations of a real server: five-tuples, reservations, external addresses, expiry, credentials.

import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { findFreeBlock } from '../support/free-ports.ts';
import { RawClient, type RawClientOptions, type RawTransport, REQUEST } from '../support/raw-client.ts';
import { bareFlags, startLabTurnd, startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';
import { attr, message } from '../support/wire.ts';
import { evenPort, lifetime, requestedTransport, reservationToken } from '../support/wire-attributes.ts';

const TRANSPORTS: readonly RawTransport[] = ['udp', 'tcp', 'tls'];
const STREAMS = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];

async function open(t: Test, options: RawClientOptions): Promise<RawClient> {
  const client = await RawClient.open(options);
  t.teardown(() => client.close());
  return client;
}

async function openPeer(t: Test): Promise<DatagramPeer> {
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  return peer;
}

test('TRN-01 an allocation relays over UDP, TCP and TLS', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  const peer = await openPeer(t);
  for (const transport of TRANSPORTS) {
    const client = await open(t, { transport, port: await server.port(transport) });
    const relayed = await client.allocated();
    await client.bind(0x4000, '127.0.0.1', peer.port);
    client.sendChannel(0x4000, `to the peer over ${transport}`);
    const heard = await peer.next();
    t.equal(heard.bytes.toString(), `to the peer over ${transport}`);
    t.equal(heard.port, relayed.port, 'from the relayed address');
    await peer.send(Buffer.from('back'), relayed.port, '127.0.0.1');
    t.equal((await client.nextData()).toString(), 'back');
  }
});

test('TURN-104 two clients of one server reach each other over every pair of transports', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  for (const one of TRANSPORTS) {
    for (const other of TRANSPORTS) {
      const a = await open(t, { transport: one, port: await server.port(one) });
      const b = await open(t, { transport: other, port: await server.port(other) });
      const relayedA = await a.allocated();
      const relayedB = await b.allocated();
      await a.bind(0x4001, relayedB.ip, relayedB.port);
      await b.bind(0x4002, relayedA.ip, relayedA.port);
      a.sendChannel(0x4001, `${one} to ${other}`);
      t.equal((await b.nextData()).toString(), `${one} to ${other}`);
      b.sendChannel(0x4002, 'and back');
      t.equal((await a.nextData()).toString(), 'and back');
    }
  }
});

test('TRN-20 a client whose address has changed is a new five-tuple, and its allocation stays', async (t) => {
  const server = await startLabTurnd(t);
  const port = await server.port('udp');
  const before = await open(t, { port });
  const after = await open(t, { port });
  await before.allocated();
  t.equal((await after.request(REQUEST.refresh, [lifetime(600)])).errorCode, 437);
  t.equal((await before.request(REQUEST.refresh, [lifetime(600)])).cls, 2, 'the old five-tuple is untouched');
});

test('TURN-10 a reservation is redeemed over TCP: port N+1 of the same address', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  const first = await open(t, { port: await server.port('udp') });
  const answer = await first.allocate([evenPort(true)]);
  const token = answer.get(attr.reservationToken) ?? Buffer.alloc(0);
  t.equal(token.length, 8);
  const [ip, port] = (answer.xorAddress(attr.xorRelayedAddress) ?? '').split(':');
  const second = await open(t, { transport: 'tcp', port: await server.port('tcp') });
  t.same(await second.allocated([reservationToken(token)]), { ip, port: Number(port) + 1 });
  const third = await open(t, { transport: 'tls', port: await server.port('tls') });
  t.equal((await third.allocate([reservationToken(token)])).errorCode, 508, 'a token is good once');
});

test('TURN-31 one client socket has an allocation of its own at each server port', async (t) => {
  const server = await startLabTurnd(t, ['--listen', 'udp://127.0.0.1:0', '--listen', 'udp://127.0.0.2:0']);
  const ports = ((await server.ready()).listeners ?? []).map(({ port }) => port);
  t.equal(ports.length, 3);
  const socket = await DatagramPeer.open('0.0.0.0');
  t.teardown(() => socket.close());
  const one = await RawClient.open({ port: ports[0] ?? 0, socket });
  const other = await RawClient.open({ port: ports[1] ?? 0, socket });
  const third = await RawClient.open({ port: ports[2] ?? 0, host: '127.0.0.2', socket });
  const relayed = [await one.allocated(), await other.allocated(), await third.allocated()];
  t.equal(new Set(relayed.map(({ port }) => port)).size, 3);
  await one.request(REQUEST.refresh, [lifetime(0)]);
  t.equal((await one.request(REQUEST.refresh, [lifetime(600)])).errorCode, 437);
  t.equal((await other.request(REQUEST.refresh, [lifetime(600)])).cls, 2, 'the other one stays');
});

test('TURN-33 the external address is shown with the real port, and reaches another client', async (t) => {
  const server = await startLabTurnd(t, ['--external-address', '203.0.113.9']);
  const port = await server.port('udp');
  const a = await open(t, { port });
  const b = await open(t, { port });
  const shownA = await a.allocated();
  const shownB = await b.allocated();
  t.same([shownA.ip, shownB.ip], ['203.0.113.9', '203.0.113.9']);
  const peer = await openPeer(t);
  await a.permit('127.0.0.1');
  a.sendTo('127.0.0.1', peer.port, 'whence?');
  t.equal((await peer.next()).port, shownA.port, 'the port is the one that is bound');
  await a.bind(0x4001, shownB.ip, shownB.port);
  await b.bind(0x4001, shownA.ip, shownA.port);
  a.sendChannel(0x4001, 'by the address that is shown');
  t.equal((await b.nextData()).toString(), 'by the address that is shown');
});

test('TURN-33 private addresses are shown as the public ones they are paired with', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turnd.yaml');
  const pairs = '[{private: 192.0.2.77, public: 203.0.113.8}, {private: 127.0.0.1, public: 203.0.113.9}]';
  writeFileSync(file, `relay: {address: 127.0.0.1, external-address: ${pairs}}\nlisten: ['udp://127.0.0.1:0']\n`);
  const flags = ['--config', file, '--state-dir', join(directory, 'state'), '--user', 'alice:secret-of-alice'];
  const server = await startTurndWith(t, flags);
  const client = await open(t, { port: await server.port('udp') });
  t.equal((await client.allocated()).ip, '203.0.113.9');
});

test('TURN-34 an allocation that has expired is gone with its port, and a new one can be made', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turnd.yaml');
  const only = await findFreeBlock('127.0.0.1', 1);
  writeFileSync(file, `limits: {default-lifetime: 1, max-lifetime: 1}\nrelay: {ports: ${only}-${only}}\n`);
  const flags = [...bareFlags(directory), '--config', file, '--user', 'alice:secret-of-alice'];
  const server = await startTurndWith(t, [...flags, '--listen', 'udp://127.0.0.1:0']);
  const client = await open(t, { port: await server.port('udp') });
  t.equal((await client.allocate()).uint32(attr.lifetime), 1);
  const end = await server.logged('the end of the allocation', ({ reason }) => reason === 'expired');
  t.same([end['user'], end['relayed']], ['alice', [`127.0.0.1:${only}`]]);
  t.equal((await client.request(REQUEST.refresh, [lifetime(1)])).errorCode, 437);
  const holder = await DatagramPeer.open('127.0.0.1', only);
  holder.close();
  t.equal((await client.allocated()).port, only, 'the only port has come back');
});

test('AUTH-33 a socket that asks thirty times without credentials gets about ten answers', async (t) => {
  const server = await startLabTurnd(t);
  const port = await server.port('udp');
  const stranger = await open(t, { port });
  for (let sent = 0; sent < 30; sent++)
    stranger.send(message({ type: REQUEST.allocate, attrs: [requestedTransport()] }));
  // Binding has a budget of its own, and datagrams of one socket are handled in their order.
  await stranger.binding();
  const answers = stranger.unread;
  t.ok(answers >= 10 && answers <= 13, `${answers} answers to 30 requests in a row`);
});

test('two REST secrets, and a static user beside them, are good at once', async (t) => {
  const server = await startLabTurnd(t, ['--secret', 'first-secret', '--secret', 'second-secret']);
  const port = await server.port('udp');
  const user = `${Math.floor(Date.now() / 1000) + 600}:bob`;
  for (const secret of ['first-secret', 'second-secret']) {
    const password = createHmac('sha1', secret).update(user).digest('base64');
    const client = await open(t, { port, user, password });
    t.equal((await client.allocate()).cls, 2, `credentials of the ${secret}`);
  }
  t.equal((await (await open(t, { port })).allocate()).cls, 2, 'alice');
  const password = createHmac('sha1', 'third-secret').update(user).digest('base64');
  t.equal((await (await open(t, { port, user, password })).allocate()).errorCode, 401);
});
