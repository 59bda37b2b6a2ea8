// What can be guessed is warned about; what a random generator made is not.

import { createHash } from 'node:crypto';
import { test } from 'tap';
import {
  estimateBits,
  isWeakPassword,
  isWeakSecret,
  WEAK_PASSWORD,
  WEAK_SECRET,
} from '../../src/config/secret-strength.ts';

/** Bytes that look random and are the same in each run. */
function bytes(count: number, seed: number): Buffer {
  return createHash('shake256', { outputLength: count }).update(String(seed)).digest();
}

const SEEDS = Array.from({ length: 500 }, (_, index) => index);

test('S55 what openssl rand and turnctl make is no weak secret', async (t) => {
  const weak = (make: (seed: number) => string): number => SEEDS.filter((seed) => isWeakSecret(make(seed))).length;
  t.equal(
    weak((seed) => bytes(32, seed).toString('hex')),
    0,
  );
  t.equal(
    weak((seed) => bytes(32, seed).toString('base64')),
    0,
  );
  t.equal(
    weak((seed) => bytes(24, seed).toString('base64url')),
    0,
  );
  t.equal(
    weak((seed) => bytes(16, seed).toString('base64')),
    0,
  );
  t.ok(weak((seed) => bytes(16, seed).toString('hex')) <= 5, '128 bits to the bit');
  t.equal(
    weak((seed) => bytes(15, seed).toString('hex')),
    SEEDS.length,
    '120 bits',
  );
});

test('S55 what turnctl makes is no weak password', async (t) => {
  t.same(
    SEEDS.filter((seed) => isWeakPassword(bytes(18, seed).toString('base64url'), 'alice')),
    [],
  );
});

test('S55 words, names, repetition and rows count for little', async (t) => {
  for (const text of [
    ...['', ' ', 'password', 'Password123', 'a-very-long-secret', 'north', 'your-static-auth-secret-here'],
    ...['a'.repeat(300), 'abcdefghijklmnopqrstuvwxyz0123456789', '0123456789abcdef'.repeat(4), 'xyz'.repeat(50)],
  ]) {
    t.ok(isWeakSecret(text), text);
    t.ok(isWeakPassword(text, 'alice'), text);
  }
  t.ok(isWeakPassword('alice-Alice-alice-1', 'alice'));
  t.notOk(isWeakPassword('jq7vtm2wkzp5xh', 'alice'));
  t.ok(isWeakSecret('jq7vtm2wkzp5xh'), 'a shared secret needs more');
});

test('long text is judged as fast as short text', async (t) => {
  t.ok(estimateBits(bytes(500_000, 1).toString('hex')) >= 1000);
  t.ok(isWeakSecret('ab'.repeat(1_000_000)));
});

test('S55 the warnings say how to make a good one, and no number but the aim', async (t) => {
  t.match(WEAK_SECRET, /openssl rand -hex 32.*turnctl secret rotate/);
  t.match(WEAK_PASSWORD, /openssl rand -base64 18.*turnctl user passwd --generate/);
});
