// TURN-41, TURN-21: quota, ports, reservations and memory are given back on every way out, in any order of events.

import fc from 'fast-check';
import { type Test, test } from 'tap';
import { whenReady } from '../../src/turn/awaitable.ts';
import {
  type Credentials,
  type OpenedRelay,
  type Quota,
  type RelaySockets,
  ReleaseReason,
} from '../../src/turn/env.ts';
import { NO_USER } from '../../src/turn/grant.ts';
import { Gate } from '../support/gate.ts';
import { Lab, type LabOptions, labCredentials, settle } from '../support/lab.ts';
import { codeOf, nothingHeld } from '../support/lab-checks.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { laterLab } from '../support/later.ts';
import { quotaOf } from '../support/quota.ts';
import { attr, decode } from '../support/wire.ts';
import {
  additionalAddressFamily,
  evenPort,
  lifetime,
  requestedAddressFamily,
  requestedTransport,
  reservationToken,
} from '../support/wire-attributes.ts';

test('TURN-21 a user may have so many allocations, wherever the clients are, and other users are not affected', async (t) => {
  const lab = new Lab({ quotaPerUser: 2 });
  const first = lab.client({ address: '198.51.100.1:1000' });
  await first.allocated();
  await lab.client({ address: '198.51.100.2:1000' }).allocated();
  const third = lab.client({ address: '198.51.100.3:1000' });
  t.equal(codeOf(await third.allocate()), 486);
  t.notOk(third.retained);
  t.equal(lab.relays.sockets.size, 2);
  t.equal(codeOf(await lab.client({ user: 'bob', address: '198.51.100.1:2000' }).allocate()), 0);
  await first.request(REQUEST.refresh, [lifetime(0)]);
  t.equal(codeOf(await third.allocate()), 0, 'what is given back can be had');
});

test('TURN-21 the quota counts users, not the addresses of their clients', async (t) => {
  const quota = quotaOf({ allocations: 0, allocationsPerClientAddress: 0 });
  const known = labCredentials();
  const credentials: Credentials = {
    ...known,
    find: (name, realm) =>
      whenReady(known.find(name, realm), (found) =>
        typeof found === 'string' ? found : found.map((one) => ({ ...one, quotaLimit: 2 })),
      ),
  };
  const lab = new Lab({ env: { quota, credentials } });
  const at = (host: number, user = 'alice') => lab.client({ address: `198.51.100.${host}:1000`, user });
  const first = at(1);
  t.same([codeOf(await first.allocate()), codeOf(await at(2).allocate())], [0, 0]);
  t.equal(codeOf(await at(3).allocate()), 486);
  t.equal(codeOf(await at(4, 'bob').allocate()), 0);
  await first.request(REQUEST.refresh, [lifetime(0)]);
  t.equal(codeOf(await at(5).allocate()), 0);
  lab.engine.close();
  t.same(quota.counts(), { allocations: 0, users: 0, clients: 0 });
});

const WAYS_OUT: readonly (readonly [name: string, out: (lab: Lab, client: LabClient) => unknown])[] = [
  ['deletion', (_, client) => client.request(REQUEST.refresh, [lifetime(0)])],
  ['expiry', (lab) => lab.advance(602)],
  ['the end of the connection', (_, client) => client.close()],
  [
    'an administrator',
    (lab, { allocation }) => allocation && lab.engine.release(allocation, ReleaseReason.ADMINISTRATIVE),
  ],
  ['the end of the server', (lab) => lab.engine.close()],
];

for (const [name, out] of WAYS_OUT) {
  test(`TURN-41 everything is given back by ${name}, and can be had again`, async (t) => {
    const lab = new Lab({ quotaPerUser: 1, ports: [50_000, 50_001] });
    for (const transport of name === 'the end of the server' ? (['tcp'] as const) : (['tcp', 'dtls'] as const)) {
      const client = lab.client({ transport });
      const answer = await client.allocate([additionalAddressFamily()]);
      t.equal(answer.xorAddresses(attr.xorRelayedAddress).length, 2);
      await client.bind(0x4000, '93.184.216.34:5000');
      await out(lab, client);
      nothingHeld(t, lab);
    }
  });
}

test('TURN-41 ten thousand allocations that are deleted leave nothing behind', async (t) => {
  const lab = new Lab({ quotaPerUser: 1, ports: [50_000, 50_009] });
  const client = lab.client();
  await client.challenge();
  let refused = 0;
  for (let i = 0; i < 10_000; i++) {
    client.send(client.signed(REQUEST.allocate, [requestedTransport()]));
    client.send(client.signed(REQUEST.refresh, [lifetime(0)]));
    for (const bytes of client.take()) if (codeOf(decode(bytes)) !== 0) refused++;
  }
  t.equal(refused, 0);
  t.notOk(client.retained);
  nothingHeld(t, lab);
});

test('TURN-41 collaborators that break their word cost one request, not a port or a quota', async (t) => {
  const working = new Lab();
  let mode: 'throw' | 'reject' | 'work' = 'work';
  const faulty = <T>(value: () => T): T | Promise<T> => {
    if (mode === 'throw') throw new Error('a bug');
    return mode === 'reject' ? Promise.reject(new Error('a bug')) : value();
  };
  const relays: RelaySockets = {
    serves: () => true,
    open: (family, request) =>
      family === 4
        ? working.relays.open(family, request)
        : faulty(() => working.relays.open(family, request) as OpenedRelay),
  };
  const lab = new Lab({ env: { relays } });
  for (mode of ['throw', 'reject'] as const) {
    const client = lab.client();
    t.equal(codeOf(await client.allocate([requestedAddressFamily(6)])), 508, mode);
    t.notOk(client.retained);
    t.equal(lab.quota.total, 0);
    const dual = await client.allocate([additionalAddressFamily()]);
    t.equal(dual.xorAddresses(attr.xorRelayedAddress).length, 1, 'the family that can be had');
    await client.request(REQUEST.refresh, [lifetime(0)]);
    t.equal(working.relays.sockets.size, 0);
  }
  t.equal(lab.observer.failures.length, 4);

  const quota: Quota = { acquire: () => faulty(() => NO_USER), release: () => undefined };
  const counted = new Lab({ env: { quota } });
  for (mode of ['throw', 'reject'] as const) {
    const client = counted.client();
    t.equal(codeOf(await client.allocate()), 486, mode);
    t.notOk(client.retained);
  }
  t.equal(counted.relays.sockets.size, 0);
});

/** One event in the life of a lab: which client, and what it does. */
const EVENTS = [
  'allocate',
  'allocate even and reserve',
  'allocate two families',
  'allocate what cannot be',
  'redeem',
  'delete',
  'delete one family',
  'close',
  'administer',
  'open a socket',
  'a second',
  'a minute',
  'an hour',
] as const;
type Event = (typeof EVENTS)[number];

const CLIENTS = 5;

/** What comes later than it is asked for. */
type Later = 'nothing' | 'sockets' | 'everything';

/** Applies events to a small world with scarce ports and quota. */
class World {
  readonly gate = new Gate();
  readonly lab: Lab;
  readonly clients: LabClient[] = [];
  readonly tokens: Buffer[] = [];

  constructor(later: Later) {
    const options: LabOptions = {
      quotaPerUser: 3,
      ports: [50_000, 50_005],
      settings: { nonceLifetime: 1_000_000 },
      ...(later === 'nothing' ? {} : { asyncOpen: this.gate }),
    };
    this.lab = later === 'everything' ? laterLab(this.gate, options) : new Lab(options);
    for (let i = 0; i < CLIENTS; i++) this.clients.push(this.#connect(i));
  }

  #connect(index: number): LabClient {
    return this.lab.client({ transport: index % 2 === 0 ? 'udp' : 'tcp', user: index < 3 ? 'alice' : 'bob' });
  }

  async apply(event: Event, index: number): Promise<void> {
    const client = this.clients[index] as LabClient;
    if (client.nonce === '') await client.challenge();
    const ask = (type: number, ...attrs: Parameters<LabClient['signed']>[1]): void => {
      client.send(client.signed(type, attrs));
    };
    switch (event) {
      case 'allocate':
        return ask(REQUEST.allocate, requestedTransport());
      case 'allocate even and reserve':
        return ask(REQUEST.allocate, requestedTransport(), evenPort(true));
      case 'allocate two families':
        return ask(REQUEST.allocate, requestedTransport(), additionalAddressFamily());
      case 'allocate what cannot be':
        return ask(REQUEST.allocate, requestedTransport(), reservationToken('0000000000000000'));
      case 'redeem':
        return ask(REQUEST.allocate, requestedTransport(), reservationToken(this.tokens.pop() ?? '0000000000000000'));
      case 'delete':
        return ask(REQUEST.refresh, lifetime(0));
      case 'delete one family':
        return ask(REQUEST.refresh, lifetime(0), requestedAddressFamily(6));
      case 'close':
        client.close();
        this.clients[index] = this.#connect(index);
        return;
      case 'administer':
        if (client.allocation !== null) this.lab.engine.release(client.allocation, ReleaseReason.ADMINISTRATIVE);
        return;
      case 'open a socket':
        if (this.gate.waiting > 0) this.gate.release(index % this.gate.waiting);
        return settle();
      case 'a second':
        return this.lab.advance(1);
      case 'a minute':
        return this.lab.advance(60);
      case 'an hour':
        return this.lab.advance(3600);
    }
  }

  /** Keeps the tokens of whatever was answered. */
  collect(): void {
    for (const bytes of this.clients.flatMap((client) => client.take())) {
      const token = decode(bytes).get(attr.reservationToken);
      if (token !== undefined) this.tokens.push(token);
    }
  }

  async finish(): Promise<void> {
    while (this.gate.waiting > 0) {
      this.gate.releaseAll();
      await settle();
    }
    await this.lab.advance(3602);
  }
}

const history = fc.array(fc.tuple(fc.constantFrom(...EVENTS), fc.nat(CLIENTS - 1)), { maxLength: 60 });

async function leavesNothing(t: Test, later: Later): Promise<void> {
  const property = fc.asyncProperty(history, async (events) => {
    const world = new World(later);
    for (const [event, index] of events) {
      await world.apply(event, index);
      world.collect();
      const { allocations, quota } = { allocations: world.lab.engine.allocations.size, quota: world.lab.quota.total };
      if (quota < allocations || (later === 'nothing' && quota !== allocations))
        throw new Error(`${quota} held for ${allocations}`);
    }
    await world.finish();
    const { lab } = world;
    const held = [lab.engine.allocations.size, lab.engine.reservations.size, lab.quota.total, lab.relays.sockets.size];
    const retained = world.clients.filter((client, index) => index % 2 === 0 && client.retained);
    return held.every((count) => count === 0) && retained.length === 0 && lab.observer.failures.length === 0;
  });
  const result = await fc.check(property, { numRuns: 150 });
  t.notOk(result.failed, fc.defaultReportMessage(result) ?? 'no history leaves anything behind');
}

test('TURN-41 no order of events leaves anything behind (everything at once)', (t) => leavesNothing(t, 'nothing'));

test('TURN-41 no order of events leaves anything behind (sockets later)', (t) => leavesNothing(t, 'sockets'));

test('TURN-41 no order of events leaves anything behind (sockets, quota and reservations later)', (t) =>
  leavesNothing(t, 'everything'));

test('TURN-41 quota is given back to the address it was taken for', async (t) => {
  const taken: string[] = [];
  const quota: Quota = {
    acquire: ({ client, credential }) => {
      taken.push(`${client.text} ${credential?.username}`);
      return NO_USER;
    },
    release: ({ client, credential }) => {
      const index = taken.indexOf(`${client.text} ${credential?.username}`);
      t.ok(index >= 0, 'it was taken');
      taken.splice(index, 1);
    },
  };
  const lab = new Lab({ env: { quota } });
  const clients = ['198.51.100.5:5', '198.51.100.6:5', '[2a00:1450::6]:5'].map((address) => lab.client({ address }));
  for (const client of clients) await client.allocated();
  t.same(taken, ['198.51.100.5 alice', '198.51.100.6 alice', '2a00:1450::6 alice']);
  await clients[1]?.request(REQUEST.refresh, [lifetime(0)]);
  clients[2]?.close();
  await lab.advance(602);
  t.same(taken, []);
});
