// Bad inputs (docs/conformance.md) of features that this server does not have: each is refused as unknown, ignored or
// dropped, and leaves nothing. What is said of them changes when the features come.

import { test } from 'tap';
import { FrameStatus, StreamFramer } from '../../src/stun/stream-framer.ts';
import { Lab } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { type AttributeInput, attr, message } from '../support/wire.ts';

const RESPONSE_PORT = 0x0027;
const PADDING = 0x0026;
const ACCESS_TOKEN = 0x001b;
const MOBILITY_TICKET = 0x8030;
const CONNECTION_ID = 0x002a;
const CONNECT = 0x000a;
const CONNECTION_BIND = 0x000b;

/** A ClientHello of DTLS 1.2 without cookie, as far as a server reads it before it knows it. */
function clientHello(fragment: Buffer): Buffer {
  const record = Buffer.from('16feff0000000000000000', 'hex');
  const length = Buffer.from([fragment.length >> 8, fragment.length & 0xff]);
  return Buffer.concat([record, length, fragment]);
}

test('BAD-40 DTLS without a DTLS listener gets silence: whole, fragmented and cut ClientHellos', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  // The fragment of 35 bytes that claims to be of 650,000 (CVE-2026-73214).
  const lying = Buffer.concat([Buffer.from('0109eb100000000000000023', 'hex'), Buffer.alloc(35)]);
  for (const fragment of [Buffer.from('01000000', 'hex'), lying, Buffer.alloc(1), Buffer.alloc(0)])
    t.equal(await client.exchange(clientHello(fragment)), null);
  t.same(holdings(lab), NOTHING);
});

test('BAD-41 RESPONSE-PORT and PADDING are unknown here, and the answer stays small', async (t) => {
  const client = new Lab().client();
  const attrs: AttributeInput[] = [
    [RESPONSE_PORT, '1f900000'],
    [PADDING, Buffer.alloc(65_000)],
  ];
  const answer = client.must(await client.exchange(message({ type: REQUEST.binding, attrs })));
  t.equal(answer.errorCode, 420);
  t.same(answer.unknownAttributes, [RESPONSE_PORT, PADDING]);
  t.ok(answer.bytes.length < 100);
});

test('BAD-42 Connect and ConnectionBind get silence, signed or not, twice or over a stream', async (t) => {
  const lab = new Lab();
  for (const client of [lab.client(), lab.client({ transport: 'tcp' })]) {
    await client.challenge();
    for (const id of ['', '00000000', 'ffffffff', '0000000000000001']) {
      for (const type of [CONNECT, CONNECTION_BIND]) {
        const request = client.signed(type, [[CONNECTION_ID, id]]);
        t.equal(await client.exchange(request), null);
        t.equal(await client.exchange(request), null);
      }
    }
  }
  t.same(holdings(lab), NOTHING);
});

test('BAD-43 ACCESS-TOKEN of any form: 401 to a stranger, 420 under integrity, while OAuth is off', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const tokens = ['', 'ffff', 'ffff00', '0004aabbccdd', '000c00000000000000000000000000', 'ff'.repeat(763)];
  for (const token of tokens) {
    const attrs: AttributeInput[] = [[ACCESS_TOKEN, token]];
    t.equal((await client.allocate(attrs)).errorCode, 420);
    t.equal((await client.exchange(message({ type: REQUEST.allocate, attrs })))?.errorCode, 401);
  }
  t.same(holdings(lab), NOTHING);
});

test('BAD-44 MOBILITY-TICKET of any form is ignored, and moves no allocation', async (t) => {
  const lab = new Lab();
  const owner = lab.client();
  await owner.allocated();
  const thief = lab.client({ user: 'bob' });
  for (const ticket of ['', '00', 'ab'.repeat(8), 'ff'.repeat(60_000)]) {
    const attrs: AttributeInput[] = [[MOBILITY_TICKET, ticket]];
    t.equal((await thief.request(REQUEST.refresh, attrs)).errorCode, 437);
    t.equal((await owner.request(REQUEST.refresh, attrs)).cls, 2);
    t.equal((await owner.request(REQUEST.refresh, attrs)).has(attr.errorCode), false);
  }
  t.equal(lab.engine.allocations.size, 1);
});

test('BAD-45 nothing behind a PROXY header is taken for a message, whatever its version', async (t) => {
  const headers = [
    Buffer.from('PROXY TCP4 192.0.2.1 203.0.113.1 1 3478\r\n'),
    Buffer.from('PROXY TCP4 ::1 01.2.3.4 65536 1\r\n'),
    Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`),
    Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'),
    Buffer.from('0d0a0d0a000d0a515549540a31ff000b', 'hex'),
  ];
  for (const header of headers) {
    const framer = new StreamFramer();
    framer.push(Buffer.concat([header, message({ type: REQUEST.binding })]));
    // The text is the beginning of ChannelData that never ends, the bytes of version 2 are none of anything.
    const isText = header[0] === 0x50;
    t.equal(framer.next(), isText ? FrameStatus.MORE : FrameStatus.FATAL, header.toString('hex').slice(0, 20));
  }
});
