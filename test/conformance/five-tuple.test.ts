// TURN-31 where five-tuples are told apart: one client socket that talks to two real UDP listeners of one server.

import { test } from 'tap';
import { PlaneCounters } from '../../src/planes/plane-counters.ts';
import { UdpListener } from '../../src/planes/portable/udp-listener.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { Lab, REALM, transportAddress } from '../support/lab.ts';
import { codeOf } from '../support/lab-checks.ts';
import { REQUEST } from '../support/lab-client.ts';
import { type AttributeInput, attr, type Decoded, decode, message } from '../support/wire.ts';
import { lifetime, longTermKey, nonce, realm, requestedTransport, username } from '../support/wire-attributes.ts';

const KEY = longTermKey('alice', REALM, 's3cret-Pass');

test('TURN-31 one client socket has an allocation of its own at each address of the server', async (t) => {
  const lab = new Lab();
  const counters = new PlaneCounters().clients;
  const bind = transportAddress('127.0.0.1:0');
  const report = (fault: unknown): void => {
    t.fail(String(fault));
  };
  const open = () => UdpListener.open({ bind, handler: lab.engine, counters, report });
  const [one, two] = [await open(), await open()];
  const client = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => {
    for (const each of [one, two, client]) each.close();
  });

  const exchange = async (listener: UdpListener, bytes: Buffer): Promise<Decoded> => {
    await client.send(bytes, listener.local.port, '127.0.0.1');
    const heard = await client.next();
    t.equal(heard.port, listener.local.port, 'the answer comes from where it was asked');
    return decode(heard.bytes);
  };
  const challenge = await exchange(one, message({ type: REQUEST.allocate }));
  const request = (listener: UdpListener, type: number, ...attrs: readonly AttributeInput[]) => {
    const credentials = [username('alice'), realm(REALM), nonce(challenge.text(attr.nonce) ?? '')];
    return exchange(listener, message({ type, attrs: [...attrs, ...credentials], key: KEY }));
  };

  const first = await request(one, REQUEST.allocate, requestedTransport());
  const second = await request(two, REQUEST.allocate, requestedTransport());
  t.same([codeOf(first), codeOf(second)], [0, 0]);
  t.not(second.xorAddress(attr.xorRelayedAddress), first.xorAddress(attr.xorRelayedAddress));
  t.equal(codeOf(await request(one, REQUEST.allocate, requestedTransport())), 437);
  t.equal(codeOf(await request(one, REQUEST.refresh, lifetime(0))), 0);
  t.equal(codeOf(await request(one, REQUEST.refresh)), 437);
  t.equal(codeOf(await request(two, REQUEST.refresh)), 0, 'the other lives on');
  two.close();
  t.equal(lab.engine.allocations.size, 0, 'until its listener closes');
});
