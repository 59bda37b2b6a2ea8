// What a client believes, and what it answers to a challenge (RFC 8489 §9.2.5), against a server that a test plays. The
// server's messages come from test/support/wire.ts, not from the writer under test.

import { test } from 'tap';
import { nonceFeatures } from '../../src/client/challenge.ts';
import type { ClientError } from '../../src/client/client-error.ts';
import { TurnClient } from '../../src/client/turn-client.ts';
import { type Answers, errorCode, FakePath, respond } from '../support/fake-path.ts';
import { vectorNamed } from '../support/vectors.ts';
import { VirtualTimers } from '../support/virtual-timers.ts';
import { attr, type Decoded, type MessageInput } from '../support/wire.ts';
import {
  lifetime,
  longTermKey,
  nonce,
  passwordAlgorithms,
  realm,
  userhash,
  xorRelayedAddress,
} from '../support/wire-attributes.ts';

const REALM = 'example.org';
const CREDENTIAL = { username: 'alice', password: 's3cret' };
const MD5 = longTermKey('alice', REALM, 's3cret');
const SHA256 = longTermKey('alice', REALM, 's3cret', 'sha256');
const PLAIN_NONCE = 'f//499k954d6OL34oL9FSTvy64sA';
const ALGORITHMS_NONCE = `${vectorNamed('nonce-cookie-passwordAlgorithms').cookie}xyz`;

const granted: MessageInput['attrs'] = [xorRelayedAddress('198.51.100.5', 50_000), lifetime(600)];

function challenge(request: Decoded, code: number, attrs: MessageInput['attrs'] = []): Buffer {
  return respond(request, 3, { attrs: [[attr.errorCode, errorCode(code)], realm(REALM), ...attrs] });
}

/** Allocates against `answers` and tells the outcome, how long it took, and what was asked. */
async function allocate(
  answers: Answers,
  kind: 'udp' | 'tcp' = 'udp',
  credential: typeof CREDENTIAL | null = CREDENTIAL,
) {
  const timers = new VirtualTimers();
  const path = new FakePath(answers, kind);
  const client = new TurnClient(path, { credential, timers });
  const outcome = client.allocate({ lifetime: 600 }).then(
    ({ relayed }) => ({ relayed: relayed.text, at: timers.now() }),
    (error: ClientError) => ({ fault: error.fault, errorCode: error.errorCode, realm: error.realm, at: timers.now() }),
  );
  await timers.pass(60_000);
  return { outcome: await outcome, requests: path.requests };
}

const isFirst = (request: Decoded): boolean => !request.has(attr.nonce);

test('CLI-07 a 401 is answered with USERNAME, REALM, NONCE and MESSAGE-INTEGRITY under the MD5 key', async (t) => {
  const { outcome, requests } = await allocate((request) =>
    isFirst(request)
      ? [challenge(request, 401, [nonce(PLAIN_NONCE)])]
      : [respond(request, 2, { attrs: granted, key: MD5 })],
  );
  t.match(outcome, { relayed: '198.51.100.5:50000' });
  const [first, second] = requests;
  t.strictSame(first?.types, [attr.requestedTransport, attr.lifetime, attr.fingerprint]);
  t.equal(second?.text(attr.username), 'alice');
  t.equal(second?.text(attr.nonce), PLAIN_NONCE);
  t.ok(second?.integrityOk(MD5));
  t.notOk(second?.has(attr.passwordAlgorithm));
  t.ok(second?.fingerprintOk());
  t.notSame(second?.tid, first?.tid, 'a new transaction');
});

test('CLI-07 over UDP wrong and missing integrity are as if nothing had come, and the right answer still counts', async (t) => {
  const { outcome, requests } = await allocate((request, count) => {
    if (isFirst(request)) return [challenge(request, 401, [nonce(PLAIN_NONCE)])];
    const forged = respond(request, 2, { attrs: [xorRelayedAddress('203.0.113.66', 666)], key: Buffer.alloc(16) });
    const unsigned = respond(request, 3, { attrs: [[attr.errorCode, errorCode(400)]] });
    return count < 4 ? [forged, unsigned] : [respond(request, 2, { attrs: granted, key: MD5 })];
  });
  t.match(outcome, { relayed: '198.51.100.5:50000', at: 1500 });
  t.equal(requests.length, 4);
});

test('CLI-07 over UDP nothing but forged answers: integrity in place of a timeout', async (t) => {
  const { outcome } = await allocate((request) =>
    isFirst(request)
      ? [challenge(request, 401, [nonce(PLAIN_NONCE)])]
      : [respond(request, 2, { attrs: granted, key: SHA256 })],
  );
  t.match(outcome, { fault: 'integrity', at: 39_500 });
});

test('CLI-07 over a stream a forged answer ends the transaction at once', async (t) => {
  const { outcome } = await allocate(
    (request) =>
      isFirst(request)
        ? [challenge(request, 401, [nonce(PLAIN_NONCE)])]
        : [respond(request, 3, { attrs: [[attr.errorCode, errorCode(486)]] })],
    'tcp',
  );
  t.match(outcome, { fault: 'integrity', errorCode: 486, at: 0 });
});

test('CLI-07 SHA-256 is chosen where both are offered, whatever their order, and the list goes back as it came', async (t) => {
  for (const offered of [passwordAlgorithms(2, 1), passwordAlgorithms(1, 2)]) {
    const { outcome, requests } = await allocate((request) =>
      isFirst(request)
        ? [challenge(request, 401, [nonce(ALGORITHMS_NONCE), offered])]
        : [respond(request, 2, { attrs: granted, key: SHA256, integrity: 'sha256' })],
    );
    t.match(outcome, { relayed: '198.51.100.5:50000' });
    const second = requests[1];
    t.ok(second?.integrityOk(SHA256, 'sha256'));
    t.notOk(second?.has(attr.messageIntegrity));
    t.equal(second?.uint32(attr.passwordAlgorithm), 0x00020000);
    t.strictSame(second?.get(0x8002), offered[1]);
  }
});

test('CLI-07 with SHA-256 negotiated an answer under MESSAGE-INTEGRITY does not count', async (t) => {
  const { outcome } = await allocate((request) =>
    isFirst(request)
      ? [challenge(request, 401, [nonce(ALGORITHMS_NONCE), passwordAlgorithms(2, 1)])]
      : [respond(request, 2, { attrs: granted, key: SHA256 })],
  );
  t.match(outcome, { fault: 'integrity' });
});

test('CLI-07 only MD5 offered: the MD5 key, named in PASSWORD-ALGORITHM', async (t) => {
  const { outcome, requests } = await allocate((request) =>
    isFirst(request)
      ? [challenge(request, 401, [nonce(ALGORITHMS_NONCE), passwordAlgorithms(1)])]
      : [respond(request, 2, { attrs: granted, key: MD5, integrity: 'sha256' })],
  );
  t.match(outcome, { relayed: '198.51.100.5:50000' });
  t.equal(requests[1]?.uint32(attr.passwordAlgorithm), 0x00010000);
});

test('CLI-07 bit without PASSWORD-ALGORITHMS, in either reading of the bits: stop', async (t) => {
  for (const name of ['nonce-cookie-passwordAlgorithms', 'nonce-cookie-passwordAlgorithms-MSB-reading']) {
    const { outcome, requests } = await allocate((request) => [
      challenge(request, 401, [nonce(`${vectorNamed(name).cookie}xyz`)]),
    ]);
    t.match(outcome, { fault: 'bid-down' }, name);
    t.equal(requests.length, 1, 'nothing that shows the password goes out');
  }
});

test('CLI-07 only unknown algorithms: stop', async (t) => {
  const { outcome, requests } = await allocate((request) => [
    challenge(request, 401, [nonce(ALGORITHMS_NONCE), passwordAlgorithms(9)]),
  ]);
  t.match([outcome, requests.length], [{ fault: 'bid-down' }, 1]);
});

test('the anonymity bit asks for USERHASH in place of USERNAME', async (t) => {
  const cookie = vectorNamed('nonce-cookie-usernameAnonymity').cookie;
  const { requests } = await allocate((request) =>
    isFirst(request)
      ? [challenge(request, 401, [nonce(`${cookie}xyz`)])]
      : [respond(request, 2, { attrs: granted, key: MD5 })],
  );
  t.notOk(requests[1]?.has(attr.username));
  t.strictSame(requests[1]?.get(attr.userhash), userhash('alice', REALM)[1]);
});

test('a stale nonce is replaced; one that is always stale ends in 438', async (t) => {
  let fresh = 0;
  const once = await allocate((request) => {
    if (isFirst(request)) return [challenge(request, 401, [nonce('one')])];
    if (request.text(attr.nonce) === 'one') return [challenge(request, 438, [nonce('two')])];
    return [respond(request, 2, { attrs: granted, key: MD5 })];
  });
  t.match(once.outcome, { relayed: '198.51.100.5:50000' });
  t.equal(once.requests[2]?.text(attr.nonce), 'two');
  const always = await allocate((request) => [
    challenge(request, isFirst(request) ? 401 : 438, [nonce(`n${fresh++}`)]),
  ]);
  t.match(always.outcome, { fault: 'rejected', errorCode: 438 });
  t.equal(always.requests.length, 5);
});

test('a second 401 of the same realm says that the credential is wrong, and names the realm', async (t) => {
  const { outcome, requests } = await allocate((request) => [challenge(request, 401, [nonce(PLAIN_NONCE)])]);
  t.match(outcome, { fault: 'rejected', errorCode: 401, realm: REALM });
  t.equal(requests.length, 2);
  const without = await allocate((request) => [challenge(request, 401, [nonce(PLAIN_NONCE)])], 'udp', null);
  t.match([without.outcome, without.requests.length], [{ errorCode: 401, realm: REALM }, 1]);
});

test('a challenge without REALM or NONCE is nonsense', async (t) => {
  const { outcome } = await allocate((request) => [
    respond(request, 3, { attrs: [[attr.errorCode, errorCode(401)], nonce('x')] }),
  ]);
  t.match(outcome, { fault: 'protocol' });
});

test('a challenge that is too long to be echoed is refused, whatever it holds', async (t) => {
  const long = 'x'.repeat(4000);
  const attacks: MessageInput['attrs'][] = [
    [realm(long), nonce('x')],
    [realm(REALM), nonce(long)],
    [realm(REALM), nonce('x'), passwordAlgorithms(...Array<number>(900).fill(2))],
  ];
  for (const attrs of attacks) {
    const { outcome } = await allocate(
      (request) => [respond(request, 3, { attrs: [[attr.errorCode, errorCode(401)], ...(attrs ?? [])] })],
      'tcp',
    );
    t.match(outcome, { fault: 'protocol' });
  }
});

test('the feature bits of nonces', async (t) => {
  t.equal(nonceFeatures(vectorNamed('nonce-cookie-both').cookie ?? ''), 3);
  t.equal(nonceFeatures(vectorNamed('nonce-cookie-none').cookie ?? ''), 0);
  for (const text of ['', 'obMatJos2', 'obMatJos2AA', 'xbMatJos2AAAB']) t.equal(nonceFeatures(text), 0, text);
});
