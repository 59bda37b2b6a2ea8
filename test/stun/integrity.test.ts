import { test } from 'tap';
import { Attribute } from '../../src/stun/attributes.ts';
import { checkIntegrity, hasIntegrity } from '../../src/stun/integrity.ts';
import { parsed } from '../support/parsing.ts';
import { readVectors, vectorNamed } from '../support/vectors.ts';
import { type AttributeInput, attr, message } from '../support/wire.ts';
import { lifetime, username } from '../support/wire-attributes.ts';

const { MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256 } = Attribute;
const key = Buffer.from('a key');
const attrs = [username('alice'), lifetime(600)];

const sha1Ok = (bytes: Buffer, by = key) => checkIntegrity(parsed(bytes), MESSAGE_INTEGRITY, by);
const sha256Ok = (bytes: Buffer, by = key) => checkIntegrity(parsed(bytes), MESSAGE_INTEGRITY_SHA256, by);

for (const vector of readVectors().filter(({ kind, checks }) => kind === 'stun' && checks?.lengthFieldOk)) {
  test(`AUTH-23 the integrity of ${vector.name} is judged right`, async (t) => {
    const bytes = Buffer.from(vector.hex ?? '', 'hex');
    const by = Buffer.from(vector.keyHex ?? '', 'hex');
    const truncated = vector.name.includes('truncated');
    const sha1 = vector.checks?.messageIntegrity === true;
    const sha256 = vector.checks?.messageIntegritySha256 === true && !truncated;
    t.equal(sha1Ok(bytes, by), sha1);
    t.equal(sha256Ok(bytes, by), sha256);
    t.equal(hasIntegrity(parsed(bytes)), sha1 || sha256 || truncated);
    const wrong = Buffer.from('wrong');
    t.notOk(sha1Ok(bytes, wrong) || sha256Ok(bytes, wrong));
  });
}

test('AUTH-24 a truncated MESSAGE-INTEGRITY-SHA256 is refused though its bytes are right', async (t) => {
  const { hex, keyHex } = vectorNamed('derived-allocate-mi256-truncated16-NEGATIVE');
  t.notOk(sha256Ok(Buffer.from(hex, 'hex'), Buffer.from(keyHex ?? '', 'hex')));
  for (const sha256Length of [0, 4, 12, 16, 18, 20, 28, 31])
    t.notOk(sha256Ok(message({ type: 3, attrs, key, integrity: 'sha256', sha256Length })), `${sha256Length}`);
  t.ok(sha256Ok(message({ type: 3, attrs, key, integrity: 'sha256' })));
});

test('BAD-14 a MESSAGE-INTEGRITY of a wrong length is refused', async (t) => {
  const right = parsedMac(message({ type: 3, tid: Buffer.alloc(12), attrs, key }));
  for (const length of [0, 19, 21, 32]) {
    const value = Buffer.concat([right, Buffer.alloc(12)]).subarray(0, length);
    t.notOk(sha1Ok(message({ type: 3, tid: Buffer.alloc(12), attrs: [...attrs, [attr.messageIntegrity, value]] })));
  }
  const asIs: AttributeInput = [attr.messageIntegrity, right];
  t.ok(sha1Ok(message({ type: 3, tid: Buffer.alloc(12), attrs: [...attrs, asIs] })), 'the right one is accepted');
});

function parsedMac(bytes: Buffer): Buffer {
  return bytes.subarray(-20);
}

test('BAD-14 a MESSAGE-INTEGRITY-SHA256 of 36 bytes is refused', async (t) => {
  const tid = Buffer.alloc(12);
  const right = message({ type: 3, tid, attrs, key, integrity: 'sha256' }).subarray(-32);
  const longer: AttributeInput = [attr.messageIntegritySha256, Buffer.concat([right, Buffer.alloc(4)])];
  t.notOk(sha256Ok(message({ type: 3, tid, attrs: [...attrs, longer] })));
});

test('an absent attribute is wrong under any key', async (t) => {
  t.notOk(sha1Ok(message({ type: 3, attrs })));
  t.notOk(sha256Ok(message({ type: 3, attrs })));
  t.notOk(sha256Ok(message({ type: 3, attrs, key })), 'the other one does not stand in');
  t.notOk(sha1Ok(message({ type: 3, attrs, key, integrity: 'sha256' })));
  t.notOk(hasIntegrity(parsed(message({ type: 3, attrs }))));
});

test('every bit up to the HMAC counts', async (t) => {
  for (const integrity of ['sha1', 'sha256'] as const) {
    const good = message({ type: 3, tid: Buffer.alloc(12), attrs: [username('abcd')], key, integrity });
    const check = integrity === 'sha1' ? sha1Ok : sha256Ok;
    t.ok(check(good));
    let survived = 0;
    for (let bit = 0; bit < good.length * 8; bit++) {
      const byte = bit >> 3;
      // Flips of lengths, the cookie and the attribute's own header make another message, or none.
      if ((byte >= 2 && byte < 8) || (byte >= 22 && byte < 24) || (byte >= 28 && byte < 32)) continue;
      if (byte === 0 && bit < 8 && 0x80 >> (bit & 7) >= 0x40) continue;
      const flipped = Buffer.from(good);
      flipped[byte] = (flipped[byte] ?? 0) ^ (0x80 >> (bit & 7));
      if (check(flipped)) survived++;
    }
    t.equal(survived, 0, integrity);
  }
});

test('AUTH-23 what follows the attribute is not covered', async (t) => {
  const after: AttributeInput[] = [[0x7777, 'aabbccdd']];
  t.ok(sha1Ok(message({ type: 3, attrs, key, after, fingerprint: true })));
  t.ok(sha256Ok(message({ type: 3, attrs, key, integrity: 'sha256', after, fingerprint: true })));
});

test('AUTH-16 each of two integrity attributes is checked by itself', async (t) => {
  const both = message({ type: 3, attrs, key, integrity: 'both' });
  t.ok(sha1Ok(both) && sha256Ok(both));
  const badSha1 = message({
    type: 3,
    attrs: [...attrs, [attr.messageIntegrity, Buffer.alloc(20)]],
    key,
    integrity: 'sha256',
  });
  t.notOk(sha1Ok(badSha1));
  t.ok(sha256Ok(badSha1));
});

test('checking leaves the bytes as they were', async (t) => {
  const view = parsed(message({ type: 3, attrs, key, fingerprint: true }));
  const before = Buffer.from(view.buffer);
  t.ok(checkIntegrity(view, MESSAGE_INTEGRITY, key));
  t.ok(before.equals(view.buffer));
});
