import fc from 'fast-check';
import { type Test, test } from 'tap';
import { Attribute } from '../../src/stun/attributes.ts';
import { PasswordAlgorithm } from '../../src/stun/keys.ts';
import { ABSENT, type MessageView, ParseStatus } from '../../src/stun/message-view.ts';
import {
  copyBytes,
  copyReservationToken,
  copyText,
  MALFORMED,
  readAddressFamily,
  readChangeRequest,
  readChannelNumber,
  readErrorCode,
  readEvenPort,
  readLifetime,
  readPasswordAlgorithm,
  readRequestedTransport,
  readXorAddress,
  valueEquals,
} from '../../src/stun/readers.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { anyDatagram } from '../support/arbitraries.ts';
import { parseAmidst, parsed } from '../support/parsing.ts';
import { readVectors, type Vector, vectorNamed } from '../support/vectors.ts';
import { type AttributeInput, attr, decode, message } from '../support/wire.ts';
import { xorPeerAddress } from '../support/wire-attributes.ts';

/** A message with these attributes, parsed amid bytes that would be noticed. */
const view = (...attrs: AttributeInput[]): MessageView => parsed(message({ type: 3, attrs }));

/** Every address of this type as text. */
function addresses(of: MessageView, type: Attribute): string[] {
  const found: string[] = [];
  const words = new TransportWords();
  for (let at = of.find(type); at !== ABSENT; at = of.findNext(type, at))
    found.push(readXorAddress(of, at, words) ? words.copyAddress().text : 'malformed');
  return found;
}

/** An address as the vectors write it, with the port that they leave out when it does not matter. */
function withPort(address: string, port: number): string {
  if (/^\[.*\]:\d+$|^[\d.]+:\d+$/.test(address)) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function checkTexts(t: Test, of: MessageView, vector: Vector): void {
  const challenge = of.has(Attribute.USERNAME) || of.has(Attribute.USERHASH) || of.has(Attribute.NONCE);
  if (!challenge) return;
  if (of.has(Attribute.USERNAME)) t.equal(copyText(of, Attribute.USERNAME), vector.username);
  if (vector.userhash !== undefined) t.equal(copyBytes(of, Attribute.USERHASH)?.toString('hex'), vector.userhash);
  if (vector.credential === 'short-term') return;
  t.equal(copyText(of, Attribute.REALM), vector.realm);
  t.equal(copyText(of, Attribute.NONCE), vector.nonce);
}

function checkAddresses(t: Test, of: MessageView, { mappedAddress, mappedPort, relayed, peers }: Vector): void {
  if (mappedAddress !== undefined)
    t.strictSame(addresses(of, Attribute.XOR_MAPPED_ADDRESS), [withPort(mappedAddress, mappedPort ?? 0)]);
  if (relayed !== undefined) t.strictSame(addresses(of, Attribute.XOR_RELAYED_ADDRESS), relayed);
  if (peers === undefined) return;
  const found = addresses(of, Attribute.XOR_PEER_ADDRESS);
  const ports = found.map((text) => Number(/\d+$/.exec(text)?.[0]));
  t.strictSame(
    found,
    peers.map((peer, index) => withPort(peer, ports[index] ?? 0)),
  );
}

for (const vector of readVectors().filter(({ kind, checks }) => kind === 'stun' && checks?.lengthFieldOk)) {
  test(`every named value of ${vector.name} is read`, async (t) => {
    const bytes = Buffer.from(vector.hex ?? '', 'hex');
    const of = parsed(bytes);
    const hex = (type: Attribute) => copyBytes(of, type)?.toString('hex');
    checkTexts(t, of, vector);
    checkAddresses(t, of, vector);
    if (vector.transactionId !== undefined)
      t.equal(of.buffer.toString('hex', of.start + 8, of.start + 20), vector.transactionId);
    if (vector.software !== undefined) t.equal(copyText(of, Attribute.SOFTWARE), vector.software);
    if (vector.lifetime !== undefined) t.equal(readLifetime(of), vector.lifetime);
    if (vector.data !== undefined) t.equal(copyText(of, Attribute.DATA), vector.data);
    if (vector.channel !== undefined) t.equal(readChannelNumber(of), Number(vector.channel));
    if (vector.priority !== undefined) t.equal(`0x${hex(Attribute.PRIORITY)}`, vector.priority);
    if (vector.iceControlled !== undefined) t.equal(`0x${hex(Attribute.ICE_CONTROLLED)}`, vector.iceControlled);
    if (vector.connectionId !== undefined) t.equal(`0x${hex(Attribute.CONNECTION_ID)}`, vector.connectionId);
    if (vector.passwordAlgorithms !== undefined) t.equal(hex(Attribute.PASSWORD_ALGORITHMS), '0002000000010000');
    if (of.has(Attribute.PASSWORD_ALGORITHM)) t.equal(readPasswordAlgorithm(of), PasswordAlgorithm.SHA_256);
    if (vector.changeRequest !== undefined) t.equal(readChangeRequest(of), 6);
    if (vector.icmp !== undefined) t.equal(hex(Attribute.ICMP), '0000030400000500');
    if (of.has(Attribute.REQUESTED_TRANSPORT)) t.equal(readRequestedTransport(of), 17);
    t.equal(readErrorCode(of), decode(bytes).errorCode ?? ABSENT);
    t.pass();
  });
}

test('STUN-10 the addresses of the vectors are unxored', async (t) => {
  for (const name of ['rfc5769-2.2-ipv4-response', 'rfc5769-2.3-ipv6-response', 'derived-binding-success-v6'])
    t.equal(addresses(parsed(Buffer.from(vectorNamed(name).hex, 'hex')), Attribute.XOR_MAPPED_ADDRESS).length, 1);
});

test('an absent attribute reads as absent', async (t) => {
  const none = view();
  t.equal(readLifetime(none), ABSENT);
  t.equal(readChannelNumber(none), ABSENT);
  t.equal(readRequestedTransport(none), ABSENT);
  t.equal(readAddressFamily(none, Attribute.REQUESTED_ADDRESS_FAMILY), ABSENT);
  t.equal(readAddressFamily(none, Attribute.ADDITIONAL_ADDRESS_FAMILY), ABSENT);
  t.equal(readEvenPort(none), ABSENT);
  t.equal(readChangeRequest(none), ABSENT);
  t.equal(readPasswordAlgorithm(none), ABSENT);
  t.equal(readErrorCode(none), ABSENT);
  t.equal(copyReservationToken(none), null);
  t.equal(copyBytes(none, Attribute.DATA), null);
  t.equal(copyText(none, Attribute.REALM), null);
  t.equal(valueEquals(none, Attribute.NONCE, Buffer.alloc(0)), false);
});

test('BAD-23 BAD-24 BAD-26 BAD-30 numbers of another length are malformed', async (t) => {
  for (const value of ['', '11', '1122', '112233', '1122334455', '1122334455667788']) {
    t.equal(readLifetime(view([attr.lifetime, value])), MALFORMED);
    t.equal(readChannelNumber(view([attr.channelNumber, value])), MALFORMED);
    t.equal(readRequestedTransport(view([attr.requestedTransport, value])), MALFORMED);
    t.equal(readChangeRequest(view([0x0003, value])), MALFORMED);
    for (const type of [Attribute.REQUESTED_ADDRESS_FAMILY, Attribute.ADDITIONAL_ADDRESS_FAMILY] as const)
      t.equal(readAddressFamily(view([type, value]), type), MALFORMED);
  }
});

test('numbers are read whole and reserved bits are ignored', async (t) => {
  t.equal(readLifetime(view([attr.lifetime, 'ffffffff'])), 0xffffffff);
  t.equal(readLifetime(view([attr.lifetime, '00000000'])), 0);
  t.equal(readChannelNumber(view([attr.channelNumber, '4fffabcd'])), 0x4fff);
  t.equal(readRequestedTransport(view([attr.requestedTransport, '11abcdef'])), 17);
  t.equal(readAddressFamily(view([attr.requestedAddressFamily, '02abcdef']), Attribute.REQUESTED_ADDRESS_FAMILY), 2);
  t.equal(readAddressFamily(view([attr.requestedAddressFamily, 'ff000000']), Attribute.REQUESTED_ADDRESS_FAMILY), 255);
  t.equal(readChangeRequest(view([0x0003, '80000006'])), 0x80000006);
});

test('BAD-25 EVEN-PORT is one byte, of which one bit counts', async (t) => {
  t.equal(readEvenPort(view([attr.evenPort, '80'])), 1);
  t.equal(readEvenPort(view([attr.evenPort, '7f'])), 0);
  t.equal(readEvenPort(view([attr.evenPort, 'ff'])), 1);
  for (const value of ['', '8000', '80000000']) t.equal(readEvenPort(view([attr.evenPort, value])), MALFORMED);
});

test('BAD-25 a RESERVATION-TOKEN is 8 bytes', async (t) => {
  t.equal(copyReservationToken(view([attr.reservationToken, '00112233445566ff'])), '00112233445566ff');
  for (const value of ['', '00112233', '00112233445566ff00'])
    t.equal(copyReservationToken(view([attr.reservationToken, value])), '');
});

test('BAD-27 addresses of a wrong family or length are malformed', async (t) => {
  const wrong = [
    '',
    '0001',
    '00011111',
    '0001111122222222333333334444444455555555',
    '000111112222222233333333',
    '0001111122222222'.slice(0, 14),
    '0002111122222222',
    '00021111222222223333333344444444555555',
    '0002111122222222333333334444444455555555aa',
    '0000111122222222',
    '0003111122222222',
    '0003111122222222333333334444444455555555',
  ];
  for (const value of wrong) {
    const of = view([attr.xorPeerAddress, value]);
    const words = new TransportWords();
    t.equal(readXorAddress(of, of.find(Attribute.XOR_PEER_ADDRESS), words), false, value);
    t.strictSame({ ...words }, { ...new TransportWords() }, 'and nothing is read');
  }
});

test('STUN-10 an address leaves nothing of the one before', async (t) => {
  const of = view(xorPeerAddress('1:2:3:4:5:6:7:8', 9), xorPeerAddress('192.0.2.1', 10));
  t.strictSame(addresses(of, Attribute.XOR_PEER_ADDRESS), ['[1:2:3:4:5:6:7:8]:9', '192.0.2.1:10']);
  const words = new TransportWords();
  const first = of.find(Attribute.XOR_PEER_ADDRESS);
  t.ok(readXorAddress(of, first, words));
  t.strictSame({ ...words }, { family: 6, w0: 0x10002, w1: 0x30004, w2: 0x50006, w3: 0x70008, port: 9 });
  t.ok(readXorAddress(of, of.findNext(Attribute.XOR_PEER_ADDRESS, first), words));
  t.strictSame({ ...words }, { family: 4, w0: 0, w1: 0, w2: 0, w3: 0xc0000201 | 0, port: 10 });
});

test('STUN-10 any address is read as the independent encoder wrote it', async (t) => {
  const ip = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(ip, fc.nat(0xffff), (text, port) => {
      const bytes = message({ type: 3, attrs: [xorPeerAddress(text, port)] });
      const words = new TransportWords();
      const of = parsed(bytes);
      if (!readXorAddress(of, of.find(Attribute.XOR_PEER_ADDRESS), words)) return false;
      // The URL parser and RFC 5952 print addresses that hold an IPv4 address differently.
      if (words.family === 6 && words.w0 === 0 && words.w1 === 0) return true;
      return words.copyAddress().text === decode(bytes).xorAddress(attr.xorPeerAddress);
    }),
  );
  t.pass();
});

test('BAD-19 texts are read as UTF-8 without trailing NULs', async (t) => {
  const text = (hex: string) => copyText(view([attr.username, hex]), Attribute.USERNAME);
  t.equal(text('616c696365'), 'alice');
  t.equal(text('616c69636500'), 'alice');
  t.equal(text('616c6963650000000000'), 'alice');
  t.equal(text('61006200'), 'a\0b');
  t.equal(text(''), '');
  t.equal(text('0000'), '');
  t.equal(text('61ff62'), 'a\ufffdb');
  t.equal(text('22610d0a27'), '"a\r\n\'');
});

test('a copy does not change with the buffer', async (t) => {
  const of = view([attr.data, '010203']);
  const copy = copyBytes(of, Attribute.DATA);
  of.buffer.fill(0);
  t.equal(copy?.toString('hex'), '010203');
});

test('a value equals only the same bytes', async (t) => {
  const equals = (hex: string, other: string) =>
    valueEquals(view([attr.passwordAlgorithms, hex]), Attribute.PASSWORD_ALGORITHMS, Buffer.from(other, 'hex'));
  t.ok(equals('0002000000010000', '0002000000010000'));
  t.notOk(equals('0002000000010000', '0001000000020000'));
  t.notOk(equals('00020000', '0002000000010000'));
  t.notOk(equals('0002000000010000', '00020000'));
  t.ok(equals('', ''));
  t.notOk(equals('', '00'));
  t.notOk(equals('00', ''));
});

test('an empty value at the very end of a buffer can be compared', async (t) => {
  const bytes = message({ type: 3, attrs: [[attr.passwordAlgorithms, '']] });
  const { view: of } = parseAmidst(bytes);
  of.buffer = of.buffer.subarray(0, of.end);
  t.ok(valueEquals(of, Attribute.PASSWORD_ALGORITHMS, Buffer.alloc(0)));
});

test('BAD-21 AUTH-12 a PASSWORD-ALGORITHM that is unknown or has parameters is malformed', async (t) => {
  const algorithm = (hex: string) => readPasswordAlgorithm(view([attr.passwordAlgorithm, hex]));
  t.equal(algorithm('00010000'), PasswordAlgorithm.MD5);
  t.equal(algorithm('00020000'), PasswordAlgorithm.SHA_256);
  for (const hex of [
    '',
    '0002',
    '000200',
    '0002ffff',
    '00020001aa000000',
    '0002000000',
    '00000000',
    '00030000',
    'ffff0000',
  ])
    t.equal(algorithm(hex), MALFORMED, hex);
});

test('STUN-27 error codes are 300 to 699', async (t) => {
  const code = (hex: string) => readErrorCode(view([attr.errorCode, hex]));
  t.equal(code('00000300'), 300);
  t.equal(code('00000401'), 401);
  t.equal(code('00000663'), 699);
  t.equal(code('fffffc01'), 401, 'the 21 reserved bits are ignored');
  for (const hex of ['', '000004', '00000200', '00000701', '00000464', '000004ff']) t.equal(code(hex), MALFORMED, hex);
});

test('no reader throws on what has been parsed, nor reads beyond it', async (t) => {
  fc.assert(
    fc.property(anyDatagram, (bytes) => {
      const one = parseAmidst(bytes, 0x00);
      const other = parseAmidst(bytes, 0xff);
      if (one.status !== ParseStatus.OK) return true;
      return JSON.stringify(readAll(one.view)) === JSON.stringify(readAll(other.view));
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

function readAll(of: MessageView) {
  const types = Object.values(Attribute);
  return {
    numbers: [
      readLifetime(of),
      readChannelNumber(of),
      readRequestedTransport(of),
      readAddressFamily(of, Attribute.REQUESTED_ADDRESS_FAMILY),
      readAddressFamily(of, Attribute.ADDITIONAL_ADDRESS_FAMILY),
      readEvenPort(of),
      readChangeRequest(of),
      readPasswordAlgorithm(of),
      readErrorCode(of),
    ],
    token: copyReservationToken(of),
    addresses: types.map((type) => addresses(of, type)),
    texts: types.map((type) => copyText(of, type)),
    values: types.map((type) => copyBytes(of, type)?.toString('hex')),
    equal: types.map((type) => valueEquals(of, type, copyBytes(of, type) ?? Buffer.alloc(1))),
  };
}
