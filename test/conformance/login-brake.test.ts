// The brake on trying out passwords, at the engine: over every transport, without an oracle, and without locking anybody
// out (SECURITY.md S20).

import { test } from 'tap';
import { BudgetMemory } from '../../src/limits/budget-memory.ts';
import { SourceLoginBrake } from '../../src/limits/login-brake.ts';
import { SourceReplyBudget } from '../../src/limits/reply-budget.ts';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { type Credentials, type Env, NoCredential } from '../../src/turn/env.ts';
import { Gate } from '../support/gate.ts';
import { Lab, LabClock, type LabOptions, labCredentials, settle } from '../support/lab.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { negotiated, RFC8489 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { decode } from '../support/wire.ts';
import { lifetime, requestedTransport, userhash, username } from '../support/wire-attributes.ts';

const ATTACKER = '198.51.100.7:4000';
const RATES = { unauthenticatedRepliesPerSecond: 10, bindingRepliesPerSecond: 100 };

// A lab with the brake and the budget of a server, on its own clock.
function guarded(options: LabOptions = {}): { lab: Lab; clock: LabClock } {
  const clock = new LabClock();
  const memory = BudgetMemory.ofOneProcess({ fill: (target) => target.fill(0x5a) });
  const env: Partial<Env> = {
    clock,
    brake: new SourceLoginBrake(10, clock, memory),
    budget: new SourceReplyBudget(RATES, clock, memory),
    ...options.env,
  };
  return { lab: new Lab({ ...options, env }), clock };
}

const ALLOCATE = [requestedTransport()] as const;

// Sends a guess of the password that is wrong.
function guess(client: LabClient): void {
  client.send(client.signed(REQUEST.allocate, ALLOCATE, { key: Buffer.alloc(16, 1) }));
}

for (const transport of ['udp', 'tcp', 'tls'] as const) {
  test(`S20 a thousand guesses a second over ${transport}: at most ten answers a second after the first ten`, async (t) => {
    const { lab, clock } = guarded();
    const client = lab.client({ transport, address: ATTACKER });
    await client.challenge();
    for (let elapsed = 0; elapsed < 5000; elapsed++) {
      guess(client);
      clock.monotonic++;
    }
    const answers = client.take().map((bytes) => decode(bytes).errorCode);
    t.ok(answers.length >= 50 && answers.length <= 61, `${answers.length} answers in five seconds`);
    t.ok(answers.every((code) => code === 401));
    const dropped = lab.engine.counters.dropped[DropReason.BRAKED] as number;
    t.ok(dropped >= 4900, `${dropped} were not even verified`);
    t.equal(lab.observer.events.filter((event) => event === 'auth failed alice braked').length, 1, 'said once');
  });

  test(`S20 the right password does not show either while the brake holds (${transport})`, async (t) => {
    const { lab, clock } = guarded();
    const client = lab.client({ transport, address: ATTACKER });
    await client.challenge();
    for (let tries = 0; tries < 50; tries++) guess(client);
    client.take();
    t.equal(await client.exchange(client.signed(REQUEST.allocate, ALLOCATE)), null, 'neither success nor error');
    t.same(holdings(lab), NOTHING);
    clock.monotonic += 200;
    t.equal((await client.exchange(client.signed(REQUEST.allocate, ALLOCATE)))?.type, 0x0103, 'it lets go');
  });
}

test('S20 the user elsewhere succeeds every time while somebody guesses', async (t) => {
  const { lab, clock } = guarded();
  const attacker = lab.client({ address: ATTACKER, transport: 'tcp' });
  await attacker.challenge();
  let succeeded = 0;
  for (let round = 0; round < 100; round++) {
    for (let tries = 0; tries < 20; tries++) guess(attacker);
    const client = lab.client({ address: `203.0.113.77:${5000 + round}`, transport: round % 2 === 0 ? 'tcp' : 'udp' });
    if ((await client.allocate()).type === 0x0103) succeeded++;
    clock.monotonic += 200;
  }
  t.equal(succeeded, 100);
});

test('S20 the owner of an allocation is never held up on its five-tuple, though others behind its address guess', async (t) => {
  const { lab } = guarded({ settings: RFC8489 });
  const owner = lab.client({ address: '198.51.100.7:4444' });
  await owner.allocated();
  const attacker = lab.client({ address: ATTACKER, transport: 'tcp' });
  await attacker.challenge();
  for (let tries = 0; tries < 1000; tries++) guess(attacker);
  t.equal((await owner.request(REQUEST.refresh, [lifetime(600)])).type, 0x0104);
  t.equal((await owner.permit('93.184.216.34')).type, 0x0108);
  t.equal((await owner.bind(0x4000, '93.184.216.34:5000')).type, 0x0109);
  const hidden = negotiated(owner, { type: REQUEST.refresh, attrs: [], identity: [userhash('alice', 'example.org')] });
  t.equal((await owner.exchange(hidden))?.type, 0x0104);
  t.equal((await owner.request(REQUEST.refresh, [lifetime(0)])).type, 0x0104);
  t.equal(
    await owner.exchange(owner.signed(REQUEST.allocate, ALLOCATE)),
    null,
    'as a newcomer he waits with the others',
  );
});

test('S20 an allocation of his own does not help who guesses', async (t) => {
  const { lab } = guarded();
  const client = lab.client({ address: ATTACKER, transport: 'tcp', user: 'bob' });
  await client.allocated();
  const other = lab.client({ address: ATTACKER });
  other.nonce = client.nonce;
  for (let tries = 0; tries < 100; tries++) {
    client.send(other.signed(REQUEST.refresh, [], { key: Buffer.alloc(16, 1) }));
  }
  t.equal(client.take().length, 10);
});

test('S20 guesses from forged sources lock nobody out: without a good nonce nothing is verified or counted', async (t) => {
  const { lab, clock } = guarded();
  const victim = lab.client({ address: ATTACKER });
  await victim.challenge();
  const forger = lab.client({ address: ATTACKER });
  for (const nonce of ['obMatJos2AAAAmade up', '']) {
    forger.nonce = nonce;
    for (let tries = 0; tries < 1000; tries++) guess(forger);
  }
  t.equal((await victim.allocate()).type, 0x0103);
  t.notOk(lab.observer.events.some((event) => event.startsWith('auth failed')));
  clock.monotonic += 5000;
  forger.take();
  for (const key of [Buffer.alloc(16, 1), forger.key]) {
    const answer = await forger.exchange(forger.signed(REQUEST.allocate, ALLOCATE, { key }));
    t.equal(answer?.errorCode, 438, 'nothing shows which password is right');
  }
});

test('S20 unknown, expired and known names are braked alike', async (t) => {
  const known = labCredentials();
  const credentials: Credentials = {
    find: (name, realm) => (name === 'late' ? NoCredential.EXPIRED : known.find(name, realm)),
    usernameOf: () => null,
  };
  for (const user of ['alice', 'nobody', 'late', '\ufffd', 'x'.repeat(763)]) {
    const { lab } = guarded({ env: { credentials } });
    const client = lab.client({ address: ATTACKER, transport: 'tcp', user });
    await client.challenge();
    for (let tries = 0; tries < 50; tries++) guess(client);
    t.same(
      client.take().map((bytes) => decode(bytes).errorCode),
      Array(10).fill(401),
      user.slice(0, 20),
    );
  }
});

test('S20 one user has one budget, by name and by hash', async (t) => {
  const { lab } = guarded({ settings: RFC8489 });
  const client = lab.client({ address: ATTACKER, transport: 'tcp' });
  await client.challenge();
  for (let tries = 0; tries < 50; tries++) {
    const identity = [tries % 2 === 0 ? username('alice') : userhash('alice', 'example.org')];
    client.send(negotiated(client, { identity, hash: 'md5' }));
  }
  t.equal(client.take().length, 10);
});

test('S20 guesses that wait for a slow store together are not all verified', async (t) => {
  const gate = new Gate();
  const known = labCredentials();
  const credentials: Credentials = {
    find: (name, realm) => gate.hold(known.find(name, realm)),
    usernameOf: () => null,
  };
  const { lab } = guarded({ env: { credentials } });
  const client = lab.client({ address: ATTACKER, transport: 'tcp' });
  await client.challenge();
  for (let tries = 0; tries < 40; tries++) guess(client);
  client.send(client.signed(REQUEST.allocate, ALLOCATE));
  t.equal(gate.waiting, 41);
  while (gate.waiting > 0) {
    gate.release();
    await settle();
  }
  t.same(
    client.take().map((bytes) => decode(bytes).errorCode),
    Array(10).fill(401),
    'the right one was the 41st',
  );
  t.same(holdings(lab), NOTHING);
  client.send(client.signed(REQUEST.allocate, ALLOCATE));
  t.equal(gate.waiting, 0, 'while the brake holds no store is asked');
});

test('S20 a store that does not answer is no failed login', async (t) => {
  const { lab } = guarded({ env: { credentials: { find: () => 'unavailable', usernameOf: () => null } } });
  const client = lab.client({ address: ATTACKER, transport: 'tcp' });
  await client.challenge();
  for (let tries = 0; tries < 50; tries++) guess(client);
  t.equal(client.take().length, 50);
});
