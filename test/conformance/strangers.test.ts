// Who may do what before and without the right credentials: nothing, over any transport, and on nobody's allocation.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'tap';
import { BudgetMemory } from '../../src/limits/budget-memory.ts';
import { SourceLoginBrake } from '../../src/limits/login-brake.ts';
import { SourceReplyBudget } from '../../src/limits/reply-budget.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { NonceIssuer } from '../../src/turn/nonce.ts';
import { Lab, LabClock } from '../support/lab.ts';
import { type LabClient, peerAddress, REQUEST } from '../support/lab-client.ts';
import { chosen, MD5, negotiate, RFC8489, SHA256 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { attr, message } from '../support/wire.ts';
import {
  channelNumber,
  lifetime,
  passwordAlgorithm,
  passwordAlgorithms,
  requestedTransport,
} from '../support/wire-attributes.ts';

const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;
const PEER = '93.184.216.34:5000';

const METHODS = [
  ['Allocate', REQUEST.allocate, [requestedTransport()]],
  ['Refresh', REQUEST.refresh, [lifetime(0)]],
  ['CreatePermission', REQUEST.createPermission, [peerAddress(PEER)]],
  ['ChannelBind', REQUEST.channelBind, [channelNumber(0x4000), peerAddress(PEER)]],
] as const;

for (const transport of TRANSPORTS) {
  test(`S12 without credentials every method but Binding is answered 401 over ${transport}, and does nothing`, async (t) => {
    const lab = new Lab();
    const client = lab.client({ transport });
    for (const [name, type, attrs] of METHODS) {
      t.equal((await client.exchange(message({ type, attrs: [...attrs] })))?.errorCode, 401, name);
    }
    t.equal((await client.exchange(message({ type: REQUEST.binding })))?.type, 0x0101);
    t.same(holdings(lab), NOTHING);
    const owner = lab.client({ transport });
    await owner.allocated();
    const before = holdings(lab);
    for (const [name, type, attrs] of METHODS) {
      t.equal((await owner.exchange(message({ type, attrs: [...attrs] })))?.errorCode, 401, `${name} by the owner`);
    }
    t.same(holdings(lab), before);
    t.equal(owner.allocation?.channels.size, 0);
  });

  test(`S14 a second valid user on a five-tuple over ${transport}: 441 for each method, and nothing changes`, async (t) => {
    const lab = new Lab();
    const client = lab.client({ transport });
    const bob = lab.client({ user: 'bob' });
    await client.allocated();
    await client.permit('93.184.216.34');
    bob.nonce = client.nonce;
    const before = stateOf(client);
    await lab.advance(5);
    for (const [name, type, attrs] of METHODS.slice(1)) {
      const answer = client.must(await client.exchange(bob.signed(type, [...attrs])));
      t.equal(answer.errorCode, 441, name);
      t.ok(answer.integrityOk(bob.key));
    }
    t.equal((await client.exchange(bob.signed(REQUEST.refresh, [lifetime(3600)])))?.errorCode, 441);
    t.same(stateOf(client), before);
    t.same(holdings(lab), { allocations: 1, relaySockets: 1, quota: 1 });
  });

  test(`S25 an offer of algorithms that was changed on the way, or a choice beside it: 400 over ${transport}`, async (t) => {
    const lab = new Lab({ settings: RFC8489 });
    const client = lab.client({ transport });
    for (const algorithms of [
      [passwordAlgorithms(MD5), passwordAlgorithm(MD5)],
      [passwordAlgorithms(MD5, SHA256), passwordAlgorithm(SHA256)],
      [passwordAlgorithms(SHA256, MD5), passwordAlgorithm(3)],
      [passwordAlgorithms(SHA256, MD5)],
      [passwordAlgorithm(MD5)],
    ]) {
      for (const hash of ['md5', 'sha256'] as const) {
        t.equal((await negotiate(client, { algorithms, hash })).errorCode, 400);
      }
    }
    t.same(holdings(lab), NOTHING);
  });

  test(`S25 MESSAGE-INTEGRITY-SHA256 counts where it is, and only whole (${transport})`, async (t) => {
    const lab = new Lab({ settings: RFC8489 });
    const client = lab.client({ transport });
    for (const sha256Length of [16, 20, 24, 28]) {
      t.equal((await negotiate(client, { more: { sha256Length } })).errorCode, 401);
    }
    // A right MESSAGE-INTEGRITY in front of a wrong SHA-256.
    const wrong = [attr.messageIntegritySha256, Buffer.alloc(32)] as const;
    t.equal((await client.allocate([], { after: [wrong] })).errorCode, 401);
    t.same(holdings(lab), NOTHING);
    t.equal((await negotiate(client, { algorithms: chosen(SHA256) })).type, 0x0103);
  });
}

function stateOf({ allocation }: LabClient): unknown {
  const { ipv4, permissions, channels, credential } = allocation ?? {};
  return [ipv4?.deadline, permissions?.size, channels?.size, credential?.username];
}

test('S15 a million clients get a million nonces; a client within a moment the same', async (t) => {
  const issuer = new NonceIssuer(Buffer.alloc(32, 9), 600, 0);
  const client = new TransportWords();
  client.family = 4;
  const nonces = new Set<string>();
  for (let index = 0; index < 1_000_000; index++) {
    client.w3 = 0xc633_6400 + (index >>> 15);
    client.port = 1024 + (index & 0x7fff);
    nonces.add(issuer.issue(client, 1_700_000_000_000));
  }
  t.equal(nonces.size, 1_000_000);
  t.equal(issuer.issue(client, 1_700_000_000_000), issuer.issue(client, 1_700_000_000_001));
});

test('S16 a nonce aged, tampered with or from the future: 438 with one that works at once; a good one works often', async (t) => {
  for (const transport of TRANSPORTS) {
    const lab = new Lab();
    const spoil: ((client: LabClient) => void | Promise<void>)[] = [
      () => lab.advance(616),
      (client) => {
        client.nonce = tampered(client.nonce);
      },
      () => {
        lab.clock.wall -= 60_000;
      },
    ];
    for (const change of spoil) {
      const client = lab.client({ transport });
      await client.challenge();
      await change(client);
      const stale = await client.request(REQUEST.refresh, []);
      t.equal(stale.errorCode, 438);
      client.nonce = stale.text(attr.nonce) ?? '';
      t.equal((await client.request(REQUEST.refresh, [])).errorCode, 437, 'authenticated');
      t.equal((await client.allocate()).type, 0x0103, 'with the same nonce again');
    }
  }
});

function tampered(text: string): string {
  const bytes = Buffer.from(text);
  bytes[20] = (bytes[20] as number) ^ 1;
  return bytes.toString();
}

// Heap and buffers in bytes, without garbage.
function held(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('S43 a hundred thousand strangers of each kind leave nothing behind', async (t) => {
  const clock = new LabClock();
  const memory = BudgetMemory.ofOneProcess({ fill: (target) => target.fill(0x5a) });
  const rates = { unauthenticatedRepliesPerSecond: 10, bindingRepliesPerSecond: 100 };
  const budget = new SourceReplyBudget(rates, clock, memory);
  const lab = new Lab({ env: { clock, budget, brake: new SourceLoginBrake(10, clock, memory) } });
  const client = lab.client();
  client.nonce = 'obMatJos2AAAAmade up';
  const kinds = [
    message({ type: REQUEST.binding }),
    message({ type: REQUEST.allocate }),
    client.signed(REQUEST.allocate, [requestedTransport()], { key: Buffer.alloc(16, 1) }),
  ];
  const flood = (bytes: Buffer, count: number): void => {
    for (let index = 0; index < count; index++) {
      client.sendFrom(index, bytes);
      client.received.length = 0;
      lab.observer.events.length = 0;
    }
  };
  for (const bytes of kinds) flood(bytes, 2000);
  const before = held();
  for (const bytes of kinds) flood(bytes, 100_000);
  const growth = held() - before;
  t.ok(growth < 2_000_000, `${growth} bytes after 300,000 strangers`);
  t.notOk(client.retained);
  t.same(holdings(lab), NOTHING);
  t.equal(lab.engine.counters.requests, 306_000);
});
