import { test } from 'tap';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { NonceIssuer } from '../../src/turn/nonce.ts';
import { transportAddress } from '../support/lab.ts';

const KEY = Buffer.alloc(32, 9);
const LIFETIME = 600;
// A lifetime has 40 slots: a nonce may be refused that much late, or come from a clock that much ahead.
const SLOT = (LIFETIME * 1000) / 40;
const SLOT_DIGITS = 85;
// At the start of a slot.
const NOW = Math.floor(Date.UTC(2026, 0, 1) / SLOT) * SLOT;

function client(text = '198.51.100.7:4000'): TransportWords {
  const words = new TransportWords();
  words.set(transportAddress(text));
  return words;
}

const issuer = new NonceIssuer(KEY, LIFETIME, 0);

test('a nonce is 24 characters: cookie, features, slot and 64 bits of MAC', (t) => {
  t.match(issuer.issue(client(), NOW), /^obMatJos2AAAA[\x21\x23-\x5b\x5d-\x7e]{11}$/);
  t.end();
});

test('a nonce is accepted from the source that it was issued to', (t) => {
  t.ok(issuer.check(issuer.issue(client(), NOW), client(), NOW));
  t.end();
});

test('S15 nonces of 40,000 ports and of neighbouring addresses are all distinct', (t) => {
  const nonces = new Set<string>();
  const words = client();
  for (let port = 1; port <= 40_000; port++) {
    words.port = port;
    nonces.add(issuer.issue(words, NOW));
  }
  const others = ['198.51.100.8:1', '198.51.101.7:1', '[2001:db8::7]:1', '[2001:db8:0:1::7]:1', '[::c633:6407]:1'];
  for (const text of others) nonces.add(issuer.issue(client(text), NOW));
  t.equal(nonces.size, 40_005);
  t.end();
});

test('S15 a nonce is refused from another address, port or family', (t) => {
  const nonce = issuer.issue(client(), NOW);
  for (const text of ['198.51.100.7:4001', '198.51.100.8:4000', '[::c633:6407]:4000', '[2001:db8::7]:4000']) {
    t.notOk(issuer.check(nonce, client(text), NOW), text);
  }
  t.end();
});

test('S16 a nonce is accepted throughout its lifetime and refused a slot after it', (t) => {
  const end = LIFETIME * 1000;
  for (const offset of [0, SLOT - 1]) {
    const issued = NOW + offset;
    const nonce = issuer.issue(client(), issued);
    for (const age of [0, 1, end / 2, end - 1, end]) t.ok(issuer.check(nonce, client(), issued + age), `age ${age}`);
    for (const age of [end + SLOT, end + 2 * SLOT, 10 * end]) {
      t.notOk(issuer.check(nonce, client(), issued + age), `age ${age}`);
    }
  }
  t.notOk(issuer.check(issuer.issue(client(), NOW), client(), NOW + end + SLOT), 'the first moment after');
  t.end();
});

test('S16 a nonce from a clock one slot ahead is accepted, from further ahead refused', (t) => {
  t.ok(issuer.check(issuer.issue(client(), NOW + SLOT), client(), NOW));
  for (const slots of [2, 3, 40, 44, 45]) {
    t.notOk(issuer.check(issuer.issue(client(), NOW + slots * SLOT), client(), NOW), `${slots} slots ahead`);
  }
  t.end();
});

test('S16 a nonce is never accepted again when the slot digit comes round', (t) => {
  const nonce = issuer.issue(client(), NOW);
  for (let round = 1; round <= 5; round++) {
    for (let slot = -2; slot <= 41; slot++) {
      const at = NOW + (round * SLOT_DIGITS + slot) * SLOT;
      if (at > NOW + LIFETIME * 1000) t.notOk(issuer.check(nonce, client(), at), `round ${round}, slot ${slot}`);
    }
  }
  t.end();
});

test('a restart with the same key keeps nonces good, another key does not', (t) => {
  const nonce = issuer.issue(client(), NOW);
  t.ok(new NonceIssuer(Buffer.alloc(32, 9), LIFETIME, 0).check(nonce, client(), NOW));
  t.notOk(new NonceIssuer(Buffer.alloc(32, 8), LIFETIME, 0).check(nonce, client(), NOW));
  t.end();
});

test('a change of the announced features makes old nonces stale', (t) => {
  const nonce = issuer.issue(client(), NOW);
  t.notOk(new NonceIssuer(KEY, LIFETIME, 1).check(nonce, client(), NOW));
  t.notOk(new NonceIssuer(KEY, LIFETIME, 1).check(nonce.replace('AAAA', 'AAAB'), client(), NOW));
  t.end();
});

test('S16 a nonce that differs in any one character is refused', (t) => {
  const nonce = issuer.issue(client(), NOW);
  for (let at = 0; at < nonce.length; at++) {
    const code = nonce.charCodeAt(at);
    // The last is the character whose low byte is the same.
    for (const other of [code ^ 1, code ^ 2, code ^ 0x20, 0, 0x22, 0x7f, code + 0x100, code + 0x4e00]) {
      const tampered = nonce.slice(0, at) + String.fromCharCode(other) + nonce.slice(at + 1);
      t.notOk(issuer.check(tampered, client(), NOW), `character ${at} is ${other}`);
    }
  }
  t.end();
});

test('a nonce of another length is refused', (t) => {
  const nonce = issuer.issue(client(), NOW);
  for (const text of ['', nonce.slice(0, -1), nonce.slice(1), `${nonce} `, `${nonce}\0`, nonce.repeat(40)]) {
    t.notOk(issuer.check(text, client(), NOW), `${text.length} characters`);
  }
  t.end();
});

test('a clock before 1970 or at its start issues nonces that work and age', (t) => {
  for (const now of [0, -10 * SLOT]) {
    const nonce = issuer.issue(client(), now);
    t.ok(issuer.check(nonce, client(), now));
    t.notOk(issuer.check(nonce, client(), now + LIFETIME * 1000 + SLOT));
  }
  t.end();
});
