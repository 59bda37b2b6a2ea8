// How long every answer is that a stranger can cause, in bytes: nobody may use the server to multiply traffic (S41).

import { test } from 'tap';
import { warnOfAmplification } from '../../src/config/amplification.ts';
import { Lab, type LabOptions } from '../support/lab.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { RFC8489 } from '../support/rfc8489.ts';
import { attr, type Decoded, message } from '../support/wire.ts';
import { nonce, realm, username } from '../support/wire-attributes.ts';

const IPV4 = '198.51.100.7:4000';
const IPV6 = '[2001:db8::7]:4000';
const NINE = 'turn.test';
const KEY = Buffer.alloc(16, 1);

interface Exchange {
  readonly what: string;
  readonly request: (client: LabClient) => Buffer;
  /** 0 = success. */
  readonly code: number;
  /** Bytes of the answer over IPv4 and IPv6. */
  readonly lengths: readonly [number, number];
  /** What the answer may be at most, as a multiple of the request. */
  readonly factors: readonly [number, number];
  readonly settings?: LabOptions['settings'];
}

const bare = (type: number) => (): Buffer => message({ type });
const named = [username('alice'), realm(NINE)];
const forged = [...named, nonce('obMatJos2AAAAmade up')];

// The shortest request that leads to each answer.
const EXCHANGES: readonly Exchange[] = [
  { what: 'Binding', request: bare(REQUEST.binding), code: 0, lengths: [32, 44], factors: [1.6, 2.2] },
  ...(['allocate', 'refresh', 'createPermission', 'channelBind'] as const).map(
    (method): Exchange => ({
      what: `bare ${method}`,
      request: bare(REQUEST[method]),
      code: 401,
      lengths: [72, 72],
      factors: [3.6, 3.6],
    }),
  ),
  {
    what: 'bare Allocate, with all that RFC 8489 offers',
    request: bare(REQUEST.allocate),
    code: 401,
    lengths: [84, 84],
    factors: [5, 5],
    settings: RFC8489,
  },
  {
    what: 'Allocate with FINGERPRINT',
    request: () => message({ type: REQUEST.allocate, fingerprint: true }),
    code: 401,
    lengths: [80, 80],
    factors: [3.6, 3.6],
  },
  {
    what: 'Binding with an attribute that nobody knows',
    request: () => message({ type: REQUEST.binding, attrs: [[0x7777, '']] }),
    code: 420,
    lengths: [36, 36],
    factors: [1.5, 1.5],
  },
  {
    what: 'integrity without a name',
    request: () => message({ type: REQUEST.allocate, key: KEY }),
    code: 400,
    lengths: [28, 28],
    factors: [1, 1],
  },
  {
    what: 'an invented nonce',
    request: () => message({ type: REQUEST.allocate, attrs: forged, key: KEY }),
    code: 438,
    lengths: [72, 72],
    factors: [1, 1],
  },
  {
    what: 'a wrong password, with a nonce that cost a question before',
    request: (client) => message({ type: REQUEST.refresh, attrs: [...named, nonce(client.nonce)], key: KEY }),
    code: 401,
    lengths: [72, 72],
    factors: [1, 1],
  },
];

for (const { what, request, code, lengths, factors, settings } of EXCHANGES) {
  test(`S41 ${what}: ${code === 0 ? 'success' : code} of ${lengths.join(' or ')} bytes`, async (t) => {
    for (const [at, address] of [IPV4, IPV6].entries()) {
      const client = new Lab({ settings: { ...settings, realm: NINE } }).client({ address });
      await client.challenge();
      const bytes = request(client);
      const answer = client.must(await client.exchange(bytes));
      t.equal(answer.errorCode ?? 0, code);
      t.equal(answer.bytes.length, lengths[at]);
      t.ok(answer.bytes.length / bytes.length <= (factors[at] as number), address);
      t.ok(isPlain(answer), 'nothing that only makes it longer');
    }
  });
}

const EXTRAS = [attr.software, 0x0001, 0x802b, 0x802c, 0x8023];

function isPlain(answer: Decoded): boolean {
  return (answer.reason ?? '') === '' && !EXTRAS.some((type) => answer.has(type));
}

test('S41 of many unknown attributes a 420 lists no more than its request had', async (t) => {
  const attrs = Array.from({ length: 31 }, (_, index) => [0x7000 + index, ''] as const);
  const bytes = message({ type: REQUEST.binding, attrs });
  const client = new Lab().client();
  const answer = client.must(await client.exchange(bytes));
  t.equal(answer.errorCode, 420);
  t.ok(answer.bytes.length < bytes.length);
});

test('S41 a stranger gets no SOFTWARE unless the operator says so, and no reason phrase', async (t) => {
  const client = new Lab({ settings: { software: 'turnd' } }).client();
  const answer = await client.challenge();
  t.ok(answer.has(attr.software), 'this one has said so');
  t.equal(answer.reason, '');
  t.notOk((await new Lab().client().challenge()).has(attr.software));
});

test('S41 a realm that makes a 401 longer than five bare requests is warned of, and none that does not', async (t) => {
  for (const passwordAlgorithms of [false, true] as const) {
    for (const software of ['', 'turnd']) {
      for (let length = 1; length <= 120; length++) {
        const name = 'r'.repeat(length);
        const settings = { realm: name, software, passwordAlgorithms };
        const client = new Lab({ settings }).client();
        const answer = client.must(await client.exchange(message({ type: REQUEST.allocate })));
        const warnings = warnOfAmplification({ realm: name, auth: { passwordAlgorithms }, protocol: { software } });
        if (answer.bytes.length > 100 !== warnings.length > 0) t.fail(`${length}: ${answer.bytes.length} bytes`);
        if (warnings.length > 0 && !warnings[0]?.includes(`${answer.bytes.length} bytes`)) t.fail(`${warnings[0]}`);
      }
    }
  }
  t.match(
    warnOfAmplification({ realm: 'é'.repeat(30), auth: { passwordAlgorithms: false }, protocol: { software: '' } }),
    [/^realm: makes a 401 120 bytes long, 6\.0 times the shortest request/],
  );
  const software = 'x'.repeat(60);
  t.match(warnOfAmplification({ realm: 'r', auth: { passwordAlgorithms: false }, protocol: { software } }), [
    /^protocol\.software: /,
  ]);
  t.same(warnOfAmplification({ realm: NINE, auth: { passwordAlgorithms: true }, protocol: { software: '' } }), []);
});
