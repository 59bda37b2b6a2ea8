// Nobody may learn from an answer, or from the time that it takes, which users there are (SECURITY.md S18, S19).

import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { performance } from 'node:perf_hooks';
import { type Test, test } from 'tap';
import { SourcedCredentials } from '../../src/auth/credentials.ts';
import { RestSecrets } from '../../src/auth/rest-secrets.ts';
import { StaticUsers } from '../../src/auth/static-users.ts';
import type { Credentials } from '../../src/turn/env.ts';
import { Lab, LabClock, REALM } from '../support/lab.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { chosen, RFC8489, SHA256 } from '../support/rfc8489.ts';
import { type AttributeInput, decode, type MessageInput, message } from '../support/wire.ts';
import { longTermKey, nonce, realm, requestedTransport, userhash, username } from '../support/wire-attributes.ts';

const clock = new LabClock();
const NOW = Math.floor(clock.wall / 1000);

// As a server has them: static users first, then shared secrets.
function sources(secrets: readonly string[]): Credentials {
  const users = [
    { name: 'alice', password: 's3cret-Pass' },
    { name: 'mia', key: '0123456789abcdef0123456789abcdef' },
  ];
  return new SourcedCredentials([
    new StaticUsers({ realm: REALM, allocationsPerUser: 0 }, users),
    new RestSecrets({ separator: ':', allocationsPerRestUser: 0 }, secrets, clock),
  ]);
}

// Who is refused, and why. A user that was disabled is one that the sources do not know (any more).
const CLASSES = {
  'wrong password': 'alice',
  'wrong password, MD5 key alone': 'mia',
  'unknown user': 'clara',
  'expired name': `${NOW - 60}:alice`,
  'no name at all': '\ufffd',
} as const;

interface Form {
  readonly name: string;
  readonly integrity: NonNullable<MessageInput['integrity']>;
  readonly algorithms: readonly AttributeInput[];
  readonly hidden: boolean;
}

const FORMS: readonly Form[] = [
  { name: 'MESSAGE-INTEGRITY', integrity: 'sha1', algorithms: [], hidden: false },
  { name: 'MESSAGE-INTEGRITY-SHA256', integrity: 'sha256', algorithms: chosen(SHA256), hidden: false },
  { name: 'both', integrity: 'both', algorithms: chosen(SHA256), hidden: false },
  { name: 'USERHASH', integrity: 'sha256', algorithms: chosen(SHA256), hidden: true },
];

function attempt(client: LabClient, user: string, { integrity, algorithms, hidden }: Form): Buffer {
  const identity = hidden ? userhash(user, REALM) : username(user);
  const attrs = [requestedTransport(), identity, realm(REALM), nonce(client.nonce), ...algorithms];
  const key = longTermKey(user, REALM, 'wrong');
  return message({ type: REQUEST.allocate, attrs, key, integrity, tid: '0102030405060708090a0b0c' });
}

const NAMES = Object.entries(CLASSES);

for (const transport of ['udp', 'tcp', 'tls'] as const) {
  for (const form of FORMS) {
    test(`S18 whoever is refused gets the same bytes (${transport}, ${form.name})`, async (t) => {
      const lab = new Lab({ settings: RFC8489, env: { credentials: sources(['a-shared-secret-1']) } });
      const answers: Buffer[] = [];
      for (const [, user] of NAMES) {
        const client = lab.client({ transport, address: '198.51.100.7:4000' });
        await client.challenge();
        answers.push(client.must(await client.exchange(attempt(client, user, form))).bytes);
      }
      t.equal(decode(answers[0] ?? Buffer.alloc(0)).errorCode, 401);
      for (const [at, answer] of answers.entries()) t.same(answer, answers[0], `${NAMES[at]?.[0]}`);
    });
  }
}

// Counts the digests that node:crypto makes; two are an HMAC.
function countDigests(t: Test): () => number {
  const one = t.capture(crypto, 'hash', crypto.hash);
  const many = t.capture(crypto, 'createHash', crypto.createHash);
  const macs = t.capture(crypto, 'createHmac', crypto.createHmac);
  syncBuiltinESMExports();
  t.teardown(() => {
    for (const each of [one, many, macs]) each.restore();
    syncBuiltinESMExports();
  });
  return () => one().length + many().length + macs().length;
}

for (const form of FORMS) {
  test(`S18 whoever is refused costs the same work (${form.name})`, async (t) => {
    const lab = new Lab({
      settings: RFC8489,
      env: { credentials: sources(['a-shared-secret-1', 'another-secret-2']) },
    });
    const client = lab.client();
    await client.challenge();
    const requests = NAMES.map(([, user]) => attempt(client, user, form));
    const count = countDigests(t);
    const costs = requests.map((bytes) => {
      count();
      client.send(bytes);
      return count();
    });
    t.ok((costs[0] as number) >= 6, 'an HMAC for the nonce, one over the message, one for the next nonce');
    t.same(costs, Array(costs.length).fill(costs[0]));
  });
}

// What a name under shared secrets costs tells how many secrets there are, not whether anybody has it: every name of that
// form that has not expired is somebody's, and costs the same.
test('S18 every name of the form of time-limited ones costs the same work', async (t) => {
  const lab = new Lab({ settings: RFC8489, env: { credentials: sources(['a-shared-secret-1', 'another-secret-2']) } });
  const client = lab.client();
  await client.challenge();
  const names = [`${NOW + 60}:alice`, `${NOW + 60}:clara`, `${NOW + 99}:zoe`];
  const [plain] = FORMS;
  if (plain === undefined) throw new Error('no form');
  const requests = names.map((user) => attempt(client, user, plain));
  const count = countDigests(t);
  const costs = requests.map((bytes) => {
    count();
    client.send(bytes);
    return count();
  });
  t.same(costs, Array(3).fill(costs[0]));
});

const ROUNDS = 600;
const BATCH = 8;

/**
 * How much longer `left` takes than `right`, as a part of the time that `right` takes: batches in turn, of which the quick
 * ones count, for what makes a batch slow comes from elsewhere.
 */
function difference(left: () => void, right: () => void): number {
  const times = [new Float64Array(ROUNDS), new Float64Array(ROUNDS)] as const;
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const act = side === 0 ? left : right;
      const start = performance.now();
      for (let times = 0; times < BATCH; times++) act();
      (times[side as 0 | 1] as Float64Array)[round] = performance.now() - start;
    }
  }
  const [a, b] = times.map((each) => each.sort()[Math.floor(ROUNDS / 10)] as number);
  return ((a as number) - (b as number)) / (b as number);
}

/** The smallest of several measurements, by size: noise is never the same twice, a leak is. */
function persistent(left: () => void, right: () => void): number {
  const found = [0, 1, 2, 3].map(() => difference(left, right));
  return Math.min(...found.map(Math.abs));
}

test('S18, S19: refusals take the same time, whoever is named and wherever the integrity is wrong first', async (t) => {
  const lab = new Lab({ settings: RFC8489, env: { credentials: sources(['a-shared-secret-1']) } });
  const client = lab.client({ transport: 'tcp' });
  await client.challenge();
  const [plain] = FORMS;
  if (plain === undefined) throw new Error('no form');
  const send = (bytes: Buffer) => () => {
    client.send(bytes);
    client.received.length = 0;
    lab.observer.events.length = 0;
  };
  const of = (user: string) => send(attempt(client, user, plain));
  const wrongAt = (at: number) => {
    const bytes = client.signed(REQUEST.refresh, []);
    bytes[bytes.length - 20 + at] = (bytes[bytes.length - 20 + at] as number) ^ 0xff;
    return send(bytes);
  };
  const leak = (act: () => void) => () => {
    act();
    crypto.createHmac('sha1', 'key').update('a message of one more block').digest();
  };
  difference(of('alice'), of('clara')); // warms up
  const same = persistent(of('clara'), of('chloe'));
  const leaking = persistent(leak(of('clara')), of('chloe'));
  t.ok(leaking > 0.05, `one more HMAC is noticed: ${percent(leaking)}`);
  const bound = Math.max(leaking / 2, 2 * same);
  for (const [name, user] of NAMES.slice(0, 4)) {
    if (user.length > 5) continue; // longer messages take longer, and the client knows how long his is
    const found = persistent(of(user), of('chloe'.slice(0, user.length)));
    t.ok(found < bound, `${name}: ${percent(found)}, identical: ${percent(same)}`);
  }
  const position = persistent(wrongAt(0), wrongAt(19));
  t.ok(position < bound, `first or last byte: ${percent(position)}`);
});

function percent(part: number): string {
  return `${(part * 100).toFixed(2)} %`;
}
