// STUN base (RFC 8489 §5, §6.3): what is a message at all, what kind, and what is not answered.

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Lab } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { attr, message } from '../support/wire.ts';
import { data, requestedTransport, xorPeerAddress } from '../support/wire-attributes.ts';

const TID = '0102030405060708090a0b01';
const PEER = '93.184.216.34:5000';

test('STUN-01 datagrams whose first byte is none of ours get silence', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  for (const first of [0x04, 0x10, 0x13, 0x50, 0x7f, 0x80, 0xc0, 0xff]) {
    const bytes = message({ type: REQUEST.binding });
    bytes[0] = first;
    t.equal(await client.exchange(bytes), null, `first byte ${first.toString(16)}`);
  }
  t.equal(lab.engine.counters.dropped[DropReason.NOT_OURS], 8);
});

test('STUN-01 a DTLS record that reaches the engine gets silence', async (t) => {
  const client = new Lab().client();
  for (const first of [20, 22, 63]) {
    const bytes = message({ type: REQUEST.binding });
    bytes[0] = first;
    t.equal(await client.exchange(bytes), null);
  }
});

test('STUN-02 a message with any bit of the magic cookie flipped gets silence', async (t) => {
  const client = new Lab().client();
  for (let bit = 0; bit < 32; bit++) {
    const cookie = (0x2112a442 ^ (1 << bit)) >>> 0;
    t.equal(await client.exchange(message({ type: REQUEST.binding, cookie })), null, cookie.toString(16));
  }
});

test('STUN-03 a length field that contradicts the datagram gets silence', async (t) => {
  const client = new Lab().client();
  const attrs = [[attr.software, '61626364']] as const;
  for (const off of [4, -4, 1, -1, 2, -8, 65_524]) {
    t.equal(await client.exchange(message({ type: REQUEST.binding, attrs, length: 8 + off })), null, `length ${off}`);
  }
  const trailing = Buffer.concat([message({ type: REQUEST.binding }), Buffer.alloc(3)]);
  trailing.writeUInt16BE(3, 2);
  t.equal(await client.exchange(trailing), null, 'no multiple of 4');
});

test('STUN-04 every request is answered with its method in class 2 or 3', async (t) => {
  const lab = new Lab();
  const [client, stranger] = [lab.client(), lab.client()];
  const success = [
    client.must(await client.exchange(message({ type: 0x0001 }))).type,
    (await client.allocate()).type,
    (await client.permit(PEER)).type,
    (await client.bind(0x4000, PEER)).type,
    (await client.request(REQUEST.refresh, [])).type,
  ];
  t.same(success, [0x0101, 0x0103, 0x0108, 0x0109, 0x0104]);
  const errors = [];
  for (const type of [0x0003, 0x0004, 0x0008, 0x0009]) {
    errors.push(stranger.must(await stranger.exchange(message({ type }))).type);
  }
  t.same(errors, [0x0113, 0x0114, 0x0118, 0x0119]);
});

test('STUN-05 an unknown method, or a class that its method does not have, gets silence', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  for (const type of [0x000d, 0x0013, 0x0006, 0x0007, 0x0002, 0x0200, 0x02ef]) {
    t.equal(await client.exchange(message({ type })), null, `bare ${type.toString(16)}`);
    t.equal(await client.exchange(client.signed(type, [requestedTransport()])), null, `signed ${type.toString(16)}`);
  }
  t.equal(lab.engine.counters.dropped[DropReason.UNEXPECTED], 14);
  t.same(holdings(lab), NOTHING);
});

test('STUN-06 responses that nobody asked for get silence', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  for (const type of [0x0101, 0x0111, 0x0103, 0x0113, 0x0104, 0x0118]) {
    t.equal(await client.exchange(message({ type })), null, type.toString(16));
  }
  t.equal(lab.engine.counters.dropped[DropReason.UNEXPECTED], 6);
});

test('STUN-07 the transaction ID comes back unchanged in success and error', async (t) => {
  const client = new Lab().client();
  for (const type of [REQUEST.binding, REQUEST.allocate, REQUEST.refresh]) {
    for (const tid of [TID, '000000000000000000000000', 'ffffffffffffffffffffffff']) {
      const answer = client.must(await client.exchange(message({ type, tid })));
      t.equal(answer.tid.toString('hex'), tid);
    }
  }
});

test('STUN-13 no indication is answered, valid or not', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated();
  const bare = [0x0011, 0x0013, 0x0014, 0x0016, 0x0017, 0x0018, 0x0019, 0x001c, 0x001d];
  for (const type of bare) t.equal(await client.exchange(message({ type })), null, type.toString(16));
  const bad = [
    message({ type: 0x0016, attrs: [xorPeerAddress('93.184.216.34', 5000)] }),
    message({ type: 0x0016, attrs: [data('no peer')] }),
    message({ type: 0x0016, attrs: [[attr.xorPeerAddress, '0003'], data('half a peer')] }),
    message({ type: 0x0011, attrs: [[0x7777, '']] }),
  ];
  for (const bytes of bad) t.equal(await client.exchange(bytes), null);
  t.same(lab.relays.lost, []);
});

test('STUN-13 a Binding indication is accepted: it is no fault', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  t.equal(await client.exchange(message({ type: 0x0011 })), null);
  t.equal(
    lab.engine.counters.dropped.reduce((sum, count) => sum + count, 0),
    0,
  );
});

test('BAD-05 a cookie that is off by one bit gets no XOR-MAPPED-ADDRESS, and nothing else', async (t) => {
  const client = new Lab().client();
  t.equal(await client.exchange(Buffer.from(`000100002112a443${TID}`, 'hex')), null);
});

test('BAD-06 first bytes outside of STUN and ChannelData get silence', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const rest = `0100002112a442${TID}`;
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const firsts = [...range(0x04, 0x13), ...range(0x50, 0x81), ...range(0xc0, 0xff)];
  for (const first of firsts) {
    t.equal(await client.exchange(Buffer.from(first.toString(16).padStart(2, '0') + rest, 'hex')), null);
  }
  t.equal(lab.engine.counters.dropped[DropReason.NOT_OURS], firsts.length);
});

test('BAD-07 Binding success and Allocate error sent to the server get silence', async (t) => {
  const client = new Lab().client();
  for (const type of ['0101', '0113']) {
    t.equal(await client.exchange(Buffer.from(`${type}00002112a442${TID}`, 'hex')), null);
  }
});

test('BAD-08 unknown and reserved methods and GOOG-PING get silence', async (t) => {
  const client = new Lab().client();
  for (const type of ['000d', '0002', '0200']) {
    t.equal(await client.exchange(Buffer.from(`${type}00002112a442${TID}`, 'hex')), null);
  }
});

test('BAD-09 methods in a class that no client may send get silence', async (t) => {
  const client = new Lab().client();
  await client.allocated();
  for (const type of ['0013', '0006', '0017', '001c']) {
    t.equal(await client.exchange(Buffer.from(`${type}00002112a442${TID}`, 'hex')), null);
  }
});
