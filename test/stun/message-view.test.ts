import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'tap';
import { Attribute, slotOf } from '../../src/stun/attributes.ts';
import { ABSENT, MAX_UNKNOWN_LISTED, MessageView, ParseStatus, parseMessage } from '../../src/stun/message-view.ts';
import { anyDatagram, anyMessage, brokenMessage } from '../support/arbitraries.ts';
import { BEFORE, parseAmidst, parsed, statusOf } from '../support/parsing.ts';
import { readVectors, vectorNamed } from '../support/vectors.ts';
import { attr, decode, message } from '../support/wire.ts';
import { lifetime, software, username, xorPeerAddress } from '../support/wire-attributes.ts';

const C = '2112a442';
const T = '0102030405060708090a0b0c';
const key = Buffer.from('key');

/** Everything that a view says of a message, independent of where the message lies. */
function facts(view: MessageView) {
  const relative = (offset: number) => (offset === ABSENT ? ABSENT : offset - view.start);
  return {
    type: view.type,
    method: view.method,
    messageClass: view.messageClass,
    unknown: [...view.unknown.subarray(0, view.unknownCount)],
    integrity: relative(view.integrityOffset),
    sha256: relative(view.integritySha256Offset),
    fingerprint: relative(view.fingerprintOffset),
    effectiveEnd: relative(view.effectiveEnd),
    offsets: Object.values(Attribute).map((type) => relative(view.find(type))),
    repeats: Object.values(Attribute).map((type) => allOf(view, type).map(relative)),
  };
}

function allOf(view: MessageView, type: Attribute): number[] {
  const offsets: number[] = [];
  for (let at = view.find(type); at !== ABSENT; at = view.findNext(type, at)) offsets.push(at);
  return offsets;
}

function valueAt(view: MessageView, offset: number): Buffer {
  return view.buffer.subarray(offset, offset + view.lengthAt(offset));
}

for (const vector of readVectors().filter(({ kind }) => kind === 'stun')) {
  test(`${vector.name} is indexed as the ruler reads it`, async (t) => {
    const bytes = Buffer.from(vector.hex ?? '', 'hex');
    if (vector.checks?.lengthFieldOk === false) {
      t.equal(statusOf(bytes), ParseStatus.BAD_LENGTH);
      return;
    }
    const view = parsed(bytes);
    const ruler = decode(bytes);
    t.match(view, { type: ruler.type, method: ruler.method, messageClass: ruler.cls, start: BEFORE });
    t.equal(view.end, BEFORE + bytes.length);
    for (const type of Object.values(Attribute)) {
      t.equal(view.has(type), ruler.has(type), `0x${type.toString(16)}`);
      if (ruler.has(type)) t.strictSame(valueAt(view, view.find(type)), ruler.get(type));
    }
    const expected = ruler.types.filter((type) => type < 0x8000 && slotOf(type) < 0);
    t.strictSame([...view.unknown.subarray(0, view.unknownCount)], expected);
    t.equal(view.fingerprintOffset !== ABSENT, vector.checks?.fingerprint === true);
  });
}

test('BAD-01 less than a header is no message', async (t) => {
  const whole = message({ type: 1 });
  for (let length = 0; length < 20; length++) t.equal(statusOf(whole.subarray(0, length)), ParseStatus.TOO_SHORT);
});

test('STUN-03 BAD-02 a length beyond the datagram is refused', async (t) => {
  t.equal(statusOf(`0001 0004 ${C} ${T}`), ParseStatus.BAD_LENGTH);
});

test('STUN-03 BAD-03 bytes after the message are refused', async (t) => {
  t.equal(statusOf(`0001 0000 ${C} ${T} 80220000`), ParseStatus.BAD_LENGTH);
});

test('STUN-03 BAD-04 a length that is no multiple of 4 is refused', async (t) => {
  t.equal(statusOf(`0001 0003 ${C} ${T} 802200`), ParseStatus.BAD_LENGTH);
  for (const length of [1, 2, 5, 6, 7])
    t.equal(statusOf(Buffer.concat([message({ type: 1, length }), Buffer.alloc(length)])), ParseStatus.BAD_LENGTH);
});

test('STUN-02 BAD-05 another cookie is refused', async (t) => {
  t.equal(statusOf(`0001 0000 2112a443 ${T}`), ParseStatus.NO_COOKIE);
  t.equal(statusOf(vectorNamed('rfc3489-classic-binding-request').hex), ParseStatus.NO_COOKIE);
  t.equal(statusOf(vectorNamed('rfc3489-classic-binding-response').hex), ParseStatus.NO_COOKIE);
  for (let bit = 0; bit < 32; bit++)
    t.equal(statusOf(message({ type: 1, cookie: (0x2112a442 ^ (1 << bit)) >>> 0 })), ParseStatus.NO_COOKIE);
});

test('STUN-01 BAD-06 the top two bits must be zero', async (t) => {
  for (const type of ['4001', '8001', 'c001', 'ffff'])
    t.equal(statusOf(`${type} 0000 ${C} ${T}`), ParseStatus.NOT_STUN);
  t.equal(statusOf(`3fff 0000 ${C} ${T}`), ParseStatus.OK);
});

test('BAD-10 an attribute that overruns the message is refused', async (t) => {
  t.equal(statusOf(`0001 0008 ${C} ${T} 0006 00ff 41414141`), ParseStatus.BAD_ATTRIBUTE);
  t.equal(statusOf(`0001 0008 ${C} ${T} 0006 0005 41414141`), ParseStatus.BAD_ATTRIBUTE);
  t.equal(statusOf(`0001 0008 ${C} ${T} 0006 ffff 41414141`), ParseStatus.BAD_ATTRIBUTE);
});

test('BAD-11 an attribute header without its value is refused', async (t) => {
  t.equal(statusOf(`0001 0004 ${C} ${T} 8022 0004`), ParseStatus.BAD_ATTRIBUTE);
  t.equal(statusOf(`0001 0004 ${C} ${T} 8022 0001`), ParseStatus.BAD_ATTRIBUTE);
});

test('STUN-23 STUN-24 BAD-12 a wrong FINGERPRINT is refused', async (t) => {
  t.equal(statusOf(`0001 0008 ${C} ${T} 8028 0004 00000000`), ParseStatus.BAD_FINGERPRINT);
  const good = Buffer.from(vectorNamed('derived-binding-request-fingerprint').hex, 'hex');
  t.equal(statusOf(good), ParseStatus.OK);
  for (let bit = 0; bit < 8 * 28; bit++) {
    const flipped = Buffer.from(good);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    // Four bits of FINGERPRINT's type and more make it another attribute: then there is none, which is allowed.
    const isAnother = bit >> 3 === 20 || bit >> 3 === 21;
    t.equal(statusOf(flipped) === ParseStatus.OK, isAnother, `bit ${bit}`);
  }
});

test('BAD-13 a FINGERPRINT of another length is refused', async (t) => {
  const empty = message({ type: 1, attrs: [[attr.fingerprint, '']] });
  const three = message({ type: 1, attrs: [[attr.fingerprint, 'bc98d4']] });
  const eight = message({ type: 1, attrs: [[attr.fingerprint, 'bc98d4cb00000000']] });
  const claimsThree = message({ type: 1, fingerprint: true });
  claimsThree[23] = 3;
  for (const bytes of [empty, three, eight, claimsThree]) t.equal(statusOf(bytes), ParseStatus.BAD_FINGERPRINT);
});

test('BAD-13 a FINGERPRINT that is right but not last is refused', async (t) => {
  const bytes = message({ type: 1, attrs: [[attr.fingerprint, '00000000'], software('x')] });
  bytes.writeUInt32BE((crc32(bytes.subarray(0, 20)) ^ 0x5354554e) >>> 0, 24);
  t.equal(statusOf(bytes), ParseStatus.BAD_FINGERPRINT);
});

test('BAD-13 what follows FINGERPRINT makes the message invalid', async (t) => {
  const good = message({ type: 1, tid: T, fingerprint: true });
  for (const extra of [software('x'), [attr.fingerprint, '00000000'] as const]) {
    const claimsMore = message({ type: 1, tid: T, attrs: [[attr.fingerprint, good.subarray(24)], extra] });
    t.equal(statusOf(claimsMore), ParseStatus.BAD_FINGERPRINT);
  }
  const twice = message({ type: 1, tid: T, attrs: [[attr.fingerprint, good.subarray(24)]], fingerprint: true });
  t.equal(statusOf(twice), ParseStatus.BAD_FINGERPRINT);
});

test('BAD-38 64 KB of empty attributes parse', async (t) => {
  const bytes = Buffer.concat([message({ type: 1, length: 0xfffc }), Buffer.alloc(0xfffc)]);
  for (let at = 20; at < bytes.length; at += 4) bytes.writeUInt32BE(0x80220000, at);
  const view = parsed(bytes);
  t.equal(view.find(Attribute.SOFTWARE), BEFORE + 24, 'the first counts');
  t.equal(allOf(view, Attribute.SOFTWARE).length, 16383);
});

test('STUN-14 unknown comprehension-required types are listed once each, in their order', async (t) => {
  const attrs = [0x7778, 0x7777, 0x7778, 0x0040, 0x7fff, 0x8040, 0xc057, 0xffff].map((type) => [type, ''] as const);
  const view = parsed(message({ type: 1, attrs }));
  t.strictSame([...view.unknown.subarray(0, view.unknownCount)], [0x7778, 0x7777, 0x0040, 0x7fff]);
});

test('BAD-17 no more unknown types are listed than there is room for', async (t) => {
  const attrs = Array.from({ length: 100 }, (_, index) => [0x7000 + index, ''] as const);
  const view = parsed(message({ type: 1, attrs }));
  t.equal(view.unknownCount, MAX_UNKNOWN_LISTED);
  t.equal(view.unknown[MAX_UNKNOWN_LISTED - 1], 0x7000 + MAX_UNKNOWN_LISTED - 1);
});

test('STUN-19 what follows MESSAGE-INTEGRITY is ignored', async (t) => {
  const after = [[0x7777, ''] as const, lifetime(7), software('late')];
  const view = parsed(message({ type: 3, attrs: [username('a')], key, after, fingerprint: true }));
  t.equal(view.unknownCount, 0);
  t.equal(view.find(Attribute.LIFETIME), ABSENT);
  t.equal(view.find(Attribute.SOFTWARE), ABSENT);
  t.equal(view.effectiveEnd, view.integrityOffset);
  t.not(view.fingerprintOffset, ABSENT);
  const late = message({ type: 3, attrs: [lifetime(1)], key, after });
  t.strictSame(allOf(parsed(late), Attribute.LIFETIME).length, 1, 'nor does it repeat an earlier one');
});

test('STUN-19 MESSAGE-INTEGRITY-SHA256 after MESSAGE-INTEGRITY counts', async (t) => {
  const bytes = message({ type: 3, key, integrity: 'both', fingerprint: true });
  const view = parsed(bytes);
  t.equal(view.integrityOffset, BEFORE + 20);
  t.equal(view.integritySha256Offset, BEFORE + 44);
  t.equal(view.effectiveEnd, BEFORE + 20);
  t.equal(view.find(Attribute.MESSAGE_INTEGRITY), BEFORE + 24);
  t.equal(view.find(Attribute.MESSAGE_INTEGRITY_SHA256), BEFORE + 48);
  t.equal(view.find(Attribute.FINGERPRINT), BEFORE + 84);
});

test('STUN-19 MESSAGE-INTEGRITY after MESSAGE-INTEGRITY-SHA256 is ignored', async (t) => {
  const late = [[attr.messageIntegrity, Buffer.alloc(20)] as const, [0x7777, ''] as const];
  const view = parsed(message({ type: 3, key, integrity: 'sha256', after: late }));
  t.equal(view.integrityOffset, ABSENT);
  t.equal(view.integritySha256Offset, BEFORE + 20);
  t.equal(view.effectiveEnd, BEFORE + 20);
  t.equal(view.unknownCount, 0);
});

test('BAD-18 the first of two integrity attributes counts', async (t) => {
  const second = [attr.messageIntegrity, Buffer.alloc(20, 1)] as const;
  t.equal(parsed(message({ type: 3, key, after: [second] })).integrityOffset, BEFORE + 20);
  const third = [attr.messageIntegritySha256, Buffer.alloc(32, 1)] as const;
  t.equal(parsed(message({ type: 3, key, integrity: 'sha256', after: [third] })).integritySha256Offset, BEFORE + 20);
});

test('STUN-20 the first of two counts, and the next is found', async (t) => {
  const attrs = [xorPeerAddress('192.0.2.1', 1), software('abc'), xorPeerAddress('192.0.2.2', 2), lifetime(1)];
  const view = parsed(message({ type: 8, attrs, key, after: [xorPeerAddress('192.0.2.3', 3)], fingerprint: true }));
  t.strictSame(allOf(view, Attribute.XOR_PEER_ADDRESS), [BEFORE + 24, BEFORE + 44]);
  t.strictSame(allOf(view, Attribute.SOFTWARE), [BEFORE + 36]);
});

test('STUN-21 padding of any value is accepted', async (t) => {
  const view = parsed(message({ type: 1, attrs: [software('abc'), lifetime(1)], padding: 0xff }));
  t.equal(view.lengthAt(view.find(Attribute.SOFTWARE)), 3);
  t.equal(view.find(Attribute.LIFETIME), BEFORE + 32);
});

test('a view keeps nothing of the message before', async (t) => {
  const view = new MessageView();
  const attrs = [[0x7777, ''] as const, ...Object.values(attr).map((type) => [type, ''] as const)];
  const rich = message({
    type: 0x0113,
    attrs: attrs.filter(([type]) => type !== attr.fingerprint),
    key,
    integrity: 'both',
  });
  t.equal(parseMessage(rich, 0, rich.length, view), ParseStatus.OK);
  const signed = message({ type: 0x0113, key, integrity: 'both', fingerprint: true });
  t.equal(parseMessage(signed, 0, signed.length, view), ParseStatus.OK);
  const poor = message({ type: 0x0001 });
  t.equal(parseMessage(poor, 0, poor.length, view), ParseStatus.OK);
  const fresh = new MessageView();
  parseMessage(poor, 0, poor.length, fresh);
  t.strictSame(facts(view), facts(fresh));
});

test('a parse never throws, and what it says does not depend on the bytes around', async (t) => {
  fc.assert(
    fc.property(anyDatagram, (bytes) => {
      const one = parseAmidst(bytes, 0x00);
      const other = parseAmidst(bytes, 0xff);
      // Here reading beyond the end would throw.
      const alone = new MessageView();
      const status = parseMessage(bytes, 0, bytes.length, alone);
      if (one.status !== other.status || one.status !== status) return false;
      if (status !== ParseStatus.OK) return true;
      const expected = JSON.stringify(facts(one.view));
      return expected === JSON.stringify(facts(other.view)) && expected === JSON.stringify(facts(alone));
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('a parse leaves the bytes as they were', async (t) => {
  fc.assert(
    fc.property(anyDatagram, (bytes) => {
      const before = Buffer.from(bytes);
      parseMessage(bytes, 0, bytes.length, new MessageView());
      return before.equals(bytes);
    }),
  );
  t.pass();
});

test('what parses is what the ruler can read', async (t) => {
  let accepted = 0;
  fc.assert(
    fc.property(brokenMessage, (bytes) => {
      const { status } = parseAmidst(bytes);
      if (status === ParseStatus.OK) accepted++;
      if (status === ParseStatus.OK) return decode(bytes).cookie === 0x2112a442;
      if (status === ParseStatus.NO_COOKIE || status === ParseStatus.BAD_FINGERPRINT) return true;
      return rulerRefuses(bytes);
    }),
    { numRuns: 3000 },
  );
  t.ok(accepted > 100, `${accepted} accepted`);
});

function rulerRefuses(bytes: Buffer): boolean {
  try {
    decode(bytes);
    return false;
  } catch {
    return true;
  }
}

test('every attribute of any message is found where the ruler finds it', async (t) => {
  fc.assert(
    fc.property(anyMessage, (parts) => {
      const view = parsed(message(parts));
      const signedAt = parts.attrs.findIndex(([type]) => type === 0x0008 || type === 0x001c);
      const counting = signedAt < 0 ? parts.attrs : parts.attrs.slice(0, signedAt);
      return counting.every(([type]) => {
        if (slotOf(type) < 0) return type >= 0x8000 || view.unknown.includes(type);
        const expected = counting.filter(([other]) => other === type).map(([, value]) => value.toString('hex'));
        const found = allOf(view, type as Attribute).map((offset) => valueAt(view, offset).toString('hex'));
        return JSON.stringify(found) === JSON.stringify(expected);
      });
    }),
    { numRuns: 1000 },
  );
  t.pass();
});
