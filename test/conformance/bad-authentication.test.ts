// Hostile credentials: integrity, names and nonces of every wrong form and length. Refused or unused, never a crash, and
// nothing made.

import { test } from 'tap';
import { type Credentials, NoCredential } from '../../src/turn/env.ts';
import { Lab, REALM } from '../support/lab.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { negotiate, RFC8489 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { type AttributeInput, attr, message } from '../support/wire.ts';
import { longTermKey, nonce, realm, requestedTransport, username } from '../support/wire-attributes.ts';

// The code that answers an Allocate with these attributes, signed with `key`.
async function codeFor(
  client: LabClient,
  attrs: readonly AttributeInput[],
  key: Buffer | undefined = client.key,
): Promise<number | undefined> {
  if (client.nonce === '') await client.challenge();
  const all = [requestedTransport(), ...attrs];
  const answer = await client.exchange(message({ type: REQUEST.allocate, attrs: all, ...(key && { key }) }));
  return client.must(answer).errorCode;
}

test('BAD-14 MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 of a wrong length are never accepted', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  const client = lab.client();
  for (const length of [0, 4, 19, 21, 32]) {
    await client.challenge();
    const attrs: AttributeInput[] = [...client.credentials(), [attr.messageIntegrity, Buffer.alloc(length)]];
    t.equal(await codeFor(client, attrs, undefined), 401, `MESSAGE-INTEGRITY of ${length}`);
  }
  for (const length of [0, 12, 18, 31, 33, 36]) {
    const attrs: AttributeInput[] = [...client.credentials(), [attr.messageIntegritySha256, Buffer.alloc(length)]];
    t.equal(await codeFor(client, attrs, undefined), 401, `MESSAGE-INTEGRITY-SHA256 of ${length}`);
  }
  for (const sha256Length of [4, 12, 18]) {
    t.equal((await negotiate(client, { more: { sha256Length } })).errorCode, 401, `right for ${sha256Length} bytes`);
  }
  t.same(holdings(lab), NOTHING);
});

test('BAD-14 an empty integrity at the very end of the longest message is wrong, and no fault', async (t) => {
  for (const type of [attr.messageIntegrity, attr.messageIntegritySha256]) {
    const lab = new Lab();
    const client = lab.client({ transport: 'tcp' });
    await client.challenge();
    const rest = message({ type: REQUEST.allocate, attrs: [...client.credentials(), [type, '']] }).length - 20;
    const filler: AttributeInput = [attr.software, Buffer.alloc(0xfffc - rest - 4)];
    const attrs = [filler, ...client.credentials(), [type, ''] as const];
    const answer = await client.exchange(message({ type: REQUEST.allocate, attrs }));
    t.equal(client.must(answer).errorCode, 401);
    t.same(lab.observer.failures, []);
  }
});

test('BAD-18 of two USERNAMEs, REALMs or NONCEs the first is used', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  const [user, home, fresh] = [username('alice'), realm(REALM), nonce(client.nonce)];
  const stale = nonce('obMatJos2AAAAmade up');
  t.equal(await codeFor(client, [username('bob'), user, home, fresh]), 401);
  t.equal(await codeFor(client, [user, home, stale, fresh]), 438);
  t.same(holdings(lab), NOTHING);
  const repeated = [user, username('bob'), home, realm('elsewhere'), fresh, stale];
  t.equal(await codeFor(client, repeated), undefined);
  t.equal(client.allocation?.credential?.username, 'alice');
});

test('BAD-18 of two MESSAGE-INTEGRITYs the first is used', async (t) => {
  const lab = new Lab();
  const [good, bad] = [lab.client(), lab.client()];
  const garbage: AttributeInput = [attr.messageIntegrity, Buffer.alloc(20, 0x5a)];
  await bad.challenge();
  t.equal(await codeFor(bad, [...bad.credentials(), garbage]), 401);
  t.same(holdings(lab), NOTHING);
  t.equal((await good.allocate([], { after: [garbage] })).type, 0x0103);
});

const HOSTILE = [
  '__proto__',
  'constructor',
  "' OR 1=1--",
  '%s%n%x',
  '\r\nDEL x',
  'alice"',
  'ali\0ce',
  '*)(uid=*',
  '\u001b[31malice',
  'alice\u2028',
  'ALICE',
  ' alice',
  'alice ',
  '\ufeffalice',
];

test('BAD-19 hostile names are looked up by their exact bytes, and are nobody', async (t) => {
  const asked: string[] = [];
  const credentials: Credentials = {
    find: (name) => {
      asked.push(name);
      return NoCredential.UNKNOWN_USER;
    },
    usernameOf: () => null,
  };
  const lab = new Lab({ env: { credentials } });
  const client = lab.client();
  await client.challenge();
  for (const name of HOSTILE) {
    t.equal(await codeFor(client, [username(name), realm(REALM), nonce(client.nonce)]), 401);
  }
  t.same(asked, HOSTILE);
});

test("BAD-19 hostile names do not open a user's door", async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  for (const name of HOSTILE) {
    t.equal(await codeFor(client, [username(name), realm(REALM), nonce(client.nonce)]), 401);
  }
  t.same(holdings(lab), NOTHING);
});

test('BAD-19 names that are empty, too long or not UTF-8 are nobody', async (t) => {
  const lab = new Lab();
  const client = lab.client({ transport: 'tcp' });
  await client.challenge();
  const names = [0, 509, 763, 764, 65_000].map((length) => Buffer.alloc(length, 0x61));
  names.push(Buffer.from('616c696365ff', 'hex'), Buffer.from('c0af', 'hex'), Buffer.from('eda080', 'hex'));
  for (const name of names) {
    const key = longTermKey(name.toString('utf8'), REALM, 's3cret-Pass');
    const code = await codeFor(client, [username(name), realm(REALM), nonce(client.nonce)], key);
    t.equal(code, 401, `${name.length} bytes`);
  }
  t.same(holdings(lab), NOTHING);
});

test('BAD-20 a NONCE of any other length, or with a garbage tail: 438', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  const fresh = client.nonce;
  const bad = ['', 'x'.repeat(764), 'x'.repeat(2000), `${fresh}x`, fresh.slice(0, -1), `x${fresh}`];
  bad.push(
    `${fresh.slice(0, 13)}${'z'.repeat(11)}`,
    `${fresh.slice(0, 14)}\u0000${fresh.slice(15)}`,
    fresh.toLowerCase(),
  );
  for (const text of bad) {
    t.equal(await codeFor(client, [username('alice'), realm(REALM), nonce(text)]), 438, JSON.stringify(text));
  }
  t.same(holdings(lab), NOTHING);
});

test('BAD-47 a signed request replayed from another source: no effect', async (t) => {
  const lab = new Lab();
  const [client, thief] = [lab.client(), lab.client()];
  await client.allocated();
  const bytes = client.signed(REQUEST.refresh, []);
  t.equal(thief.must(await thief.exchange(bytes)).errorCode, 438);
  t.same(holdings(lab), { allocations: 1, relaySockets: 1, quota: 1 });
});
