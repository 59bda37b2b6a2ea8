// Credential look-ups that take time: what is copied, what is looked up again, what happens meanwhile. And the owner of
// an allocation, who needs no look-up (draft-uberti-behave-turn-rest-00 §4.2).

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { type Credentials, NoCredential } from '../../src/turn/env.ts';
import { Transport } from '../../src/turn/transport.ts';
import { Lab, labCredentials, REALM, settle } from '../support/lab.ts';
import { type LabClient, peerAddress, REQUEST } from '../support/lab-client.ts';
import { negotiated, RFC8489 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { attr, decode } from '../support/wire.ts';
import { channelNumber, lifetime, requestedTransport, userhash } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';

type Found = Awaited<ReturnType<Credentials['find']>>;

/** Credentials whose look-ups wait until the test lets them finish. */
class SlowCredentials implements Credentials {
  readonly #known: Credentials = labCredentials();
  readonly #waiting: ((how: 'ok' | 'unavailable' | Error) => void)[] = [];

  find(username: string, realm: string): Promise<Found> {
    return this.#later(() => this.#known.find(username, realm), 'unavailable');
  }

  usernameOf(hash: Buffer, realm: string): Promise<string | null> {
    return this.#later(() => this.#known.usernameOf(hash, realm), null);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Finishes the look-up that has waited longest (or the one at this index). */
  async finish(how: 'ok' | 'unavailable' | Error = 'ok', index = 0): Promise<void> {
    this.#waiting.splice(index, 1)[0]?.(how);
    await settle();
  }

  #later<T>(answer: () => T | Promise<T>, unavailable: T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push((how) => {
        if (how instanceof Error) reject(how);
        else resolve(how === 'ok' ? answer() : unavailable);
      });
    });
  }
}

function slowLab(settings = {}) {
  const credentials = new SlowCredentials();
  return { credentials, lab: new Lab({ settings, env: { credentials } }) };
}

const ALLOCATE = [requestedTransport()] as const;

test('a look-up that takes time: message and five-tuple are copied, then the request is answered', async (t) => {
  const { lab, credentials } = slowLab();
  const client = lab.client();
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, [...ALLOCATE, lifetime(777)], { fingerprint: true }));
  await settle();
  t.same(client.take(), []);
  t.same(holdings(lab), NOTHING);
  t.notOk(client.retained);
  await credentials.finish();
  const [answer] = client.take().map(decode);
  t.equal(answer?.type, 0x0103);
  t.equal(answer?.uint32(attr.lifetime), 777);
  t.equal(answer?.xorAddress(attr.xorMappedAddress), client.address.text);
  t.ok(answer?.integrityOk(client.key));
  t.ok(answer?.fingerprintOk());
});

test('state is looked up again after a look-up: of two Allocates that waited, the second gets 437', async (t) => {
  const { lab, credentials } = slowLab();
  const client = lab.client();
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, ALLOCATE));
  client.send(client.signed(REQUEST.allocate, ALLOCATE));
  await credentials.finish('ok', 1);
  await credentials.finish('ok', 0);
  const [first, second] = client.take().map(decode);
  t.equal(first?.type, 0x0103);
  t.equal(second?.errorCode, 437);
  t.same(holdings(lab), { allocations: 1, relaySockets: 1, quota: 1 });
});

test('a retransmission while the first waits makes one allocation and the same answer', async (t) => {
  const { lab, credentials } = slowLab();
  const client = lab.client();
  await client.challenge();
  const bytes = client.signed(REQUEST.allocate, ALLOCATE);
  client.send(bytes);
  client.send(bytes);
  await credentials.finish();
  await credentials.finish();
  const [first, second] = client.take();
  t.equal(decode(first ?? Buffer.alloc(0)).type, 0x0103);
  t.same(first, second);
  t.same(holdings(lab), { allocations: 1, relaySockets: 1, quota: 1 });
});

test('a nonce counts as it was when the request came, however long the look-up takes', async (t) => {
  const { lab, credentials } = slowLab({ nonceLifetime: 40 });
  const client = lab.client();
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, ALLOCATE));
  await lab.advance(45);
  await credentials.finish();
  t.equal(decode(client.take()[0] ?? Buffer.alloc(0)).type, 0x0103);
});

test('a connection that closes meanwhile gets nothing, and nothing is made', async (t) => {
  const { lab, credentials } = slowLab();
  for (const password of ['s3cret-Pass', 'wrong']) {
    const client = lab.client({ transport: 'tcp', password });
    await client.challenge();
    client.send(client.signed(REQUEST.allocate, ALLOCATE));
    client.close();
    await credentials.finish();
    t.same(client.take(), []);
  }
  t.same(holdings(lab), NOTHING);
  t.equal(lab.engine.counters.dropped[DropReason.CLIENT_GONE], 2);
});

test('an engine that closes meanwhile makes nothing', async (t) => {
  const { lab, credentials } = slowLab();
  const client = lab.client();
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, ALLOCATE));
  lab.engine.close();
  await credentials.finish();
  t.same(client.take(), []);
  t.same(holdings(lab), NOTHING);
});

for (const how of ['unavailable', new Error('no such table')] as const) {
  test(`a store that ${how instanceof Error ? 'rejects' : 'is unavailable'}: 500 without challenge or integrity`, async (t) => {
    const { lab, credentials } = slowLab();
    const client = lab.client();
    await client.challenge();
    client.send(client.signed(REQUEST.allocate, ALLOCATE));
    await credentials.finish(how);
    const [answer] = client.take().map(decode);
    t.equal(answer?.errorCode, 500);
    t.same(answer?.types, [attr.errorCode]);
    t.ok(lab.observer.events.includes('auth failed alice unavailable'));
    t.same(holdings(lab), NOTHING);
  });
}

test('a store that throws: 500, and the next request is served', async (t) => {
  const credentials: Credentials = {
    find: (name, realm) => {
      if (name === 'bob') throw new Error('bug');
      return labCredentials().find(name, realm);
    },
    usernameOf: () => null,
  };
  const lab = new Lab({ env: { credentials } });
  t.equal((await lab.client({ user: 'bob' }).allocate()).errorCode, 500);
  t.equal((await lab.client().allocate()).type, 0x0103);
  t.equal(lab.observer.failures.length, 1);
});

test('a USERHASH whose owner must be looked up works the same', async (t) => {
  const { lab, credentials } = slowLab(RFC8489);
  const client = lab.client();
  await client.challenge();
  client.send(negotiated(client, { identity: [userhash('alice', REALM)] }));
  await credentials.finish();
  await credentials.finish();
  t.equal(decode(client.take()[0] ?? Buffer.alloc(0)).type, 0x0103);
});

// Clients of so many networks, with a nonce each.
async function clientsOf(lab: Lab, addresses: readonly string[]): Promise<LabClient[]> {
  const clients = addresses.map((address) => lab.client({ address }));
  for (const client of clients) await client.challenge();
  return clients;
}

test('at most 1000 requests wait; what is beyond is dropped, and room comes back', async (t) => {
  const { lab, credentials } = slowLab();
  const clients = await clientsOf(
    lab,
    Array.from({ length: 40 }, (_, index) => `198.51.${index}.7:4000`),
  );
  const ask = (client: LabClient) => client.send(client.signed(REQUEST.refresh, []));
  for (let round = 0; round < 26; round++) clients.forEach(ask);
  t.equal(lab.engine.counters.dropped[DropReason.OVERLOADED], 40);
  t.equal(credentials.waiting, 1000, 'and what is dropped has asked nobody');
  await credentials.finish();
  t.equal(clients[0]?.take().length, 1);
  clients.slice(0, 1).forEach(ask);
  t.equal(lab.engine.counters.dropped[DropReason.OVERLOADED], 40);
});

test('of one network at most 50 wait: who floods names against a slow store shuts nobody out', async (t) => {
  for (const [flood, elsewhere] of [
    [(index: number) => `198.51.100.${index % 256}:${5000 + index}`, '198.51.101.7:4000'],
    [(index: number) => `[2001:db8:7:${index.toString(16)}::1]:4000`, '[2001:db8:8::1]:4000'],
  ] as const) {
    const { lab, credentials } = slowLab();
    const addresses = Array.from({ length: 300 }, (_, index) => flood(index));
    for (const client of await clientsOf(lab, addresses)) client.send(client.signed(REQUEST.allocate, ALLOCATE));
    t.equal(credentials.waiting, 50);
    t.equal(lab.engine.counters.dropped[DropReason.OVERLOADED], 250);
    const [other] = await clientsOf(lab, [elsewhere]);
    other?.send(other.signed(REQUEST.allocate, ALLOCATE));
    t.equal(credentials.waiting, 51);
    for (let left = 51; left > 0; left--) await credentials.finish();
    t.equal(other?.take().length, 1);
    const [again] = await clientsOf(lab, [addresses[299] as string]);
    again?.send(again.signed(REQUEST.allocate, ALLOCATE));
    t.equal(credentials.waiting, 1, 'the places have come back');
  }
});

test('who may not wait is told 500 over a stream, where nobody asks again, and nothing over UDP', async (t) => {
  const { lab, credentials } = slowLab();
  const flood = Array.from({ length: 50 }, (_, index) => `198.51.100.7:${5000 + index}`);
  for (const client of await clientsOf(lab, flood)) client.send(client.signed(REQUEST.allocate, ALLOCATE));
  for (const [transport, code] of [
    [Transport.TCP, 500],
    [Transport.TLS, 500],
    [Transport.UDP, undefined],
  ] as const) {
    const late = lab.client({ address: `198.51.100.8:${6000 + transport}`, transport });
    await late.challenge();
    late.send(late.signed(REQUEST.allocate, ALLOCATE));
    const [answer] = late.take();
    t.equal(answer && decode(answer).errorCode, code);
  }
  t.equal(lab.engine.counters.dropped[DropReason.OVERLOADED], 1, 'what is answered is no drop');
  t.equal(credentials.waiting, 50, 'nothing was asked for them');
});

test('a request without a nonce that is good for its source asks no store, whoever it names', async (t) => {
  const { lab, credentials } = slowLab();
  const [client, thief] = await clientsOf(lab, ['198.51.100.7:4000', '198.51.100.7:4001']);
  for (const nonce of [client?.nonce ?? '', 'obMatJos2AAAAmade up', '']) {
    if (thief === undefined) throw new Error('no client');
    thief.nonce = nonce;
    t.equal((await thief.exchange(thief.signed(REQUEST.allocate, ALLOCATE)))?.errorCode, 438);
  }
  t.equal(credentials.waiting, 0);
});

test('the owner of an allocation is served while others of its network fill the waiting room', async (t) => {
  const { lab, credentials } = slowLab();
  const [owner, other] = await clientsOf(lab, ['198.51.100.7:4000', '198.51.100.8:4000']);
  owner?.send(owner.signed(REQUEST.allocate, ALLOCATE));
  await credentials.finish();
  for (let round = 0; round < 60; round++) other?.send(other.signed(REQUEST.allocate, ALLOCATE));
  owner?.take();
  t.equal((await owner?.request(REQUEST.refresh, []))?.type, 0x0104);
});

test('REST-03 an allocation outlives its credential: only a new Allocate needs a valid one', async (t) => {
  let expired = false;
  const known = labCredentials();
  const credentials: Credentials = {
    find: (name, realm) => (expired ? NoCredential.EXPIRED : known.find(name, realm)),
    usernameOf: (hash, realm) => (expired ? null : known.usernameOf(hash, realm)),
  };
  const lab = new Lab({ settings: RFC8489, env: { credentials } });
  const client = lab.client();
  await client.allocated();
  expired = true;
  t.equal((await client.request(REQUEST.refresh, [lifetime(900)])).uint32(attr.lifetime), 900);
  t.equal((await client.permit(PEER)).type, 0x0108);
  t.equal((await client.request(REQUEST.channelBind, [channelNumber(0x4000), peerAddress(PEER)])).type, 0x0109);
  const byHash = negotiated(client, { type: REQUEST.refresh, attrs: [], identity: [userhash('alice', REALM)] });
  t.equal(client.must(await client.exchange(byHash)).type, 0x0104);
  t.equal((await lab.client().allocate()).errorCode, 401);
  t.equal((await client.request(REQUEST.refresh, [lifetime(0)])).type, 0x0104);
  t.equal((await client.allocate()).errorCode, 401);
});

test('REST-03 the owner is answered at once while the store hangs', async (t) => {
  const { lab, credentials } = slowLab();
  const client = lab.client();
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, ALLOCATE));
  await credentials.finish();
  client.take();
  t.equal((await client.request(REQUEST.refresh, [])).type, 0x0104);
  t.equal(credentials.waiting, 0);
});

test('REST-03 the owner with another password is not the owner', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated();
  const bytes = client.signed(REQUEST.refresh, [lifetime(0)], { key: Buffer.alloc(16, 1) });
  t.equal(client.must(await client.exchange(bytes)).errorCode, 401);
  t.equal(lab.engine.allocations.size, 1);
});
