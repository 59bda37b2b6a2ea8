// Fuzzes the control API in memory: any method, path, headers and body, several requests after each other, against a
// fake server with a store. Each is answered with JSON, and with a problem of 500 only where the server itself throws.
//
// input = variant(8) requests between lines of `===`; request = METHOD SP target LF *(name: value LF) LF body

import { makeControlApp } from '../../../src/control/control-app.ts';
import { FAKE_NOW, type FakeControl, fakeControl, fakeSession } from '../../support/fake-control.ts';
import { STORE_DOWN } from '../../support/memory-store.ts';
import { mutateText } from '../mutate-text.ts';
import type { SeededRandom } from '../random.ts';
import { expect, type Notice, type Target } from '../target.ts';

/** makeControlApp. */
export const controlApiTarget: Target = { name: 'control-api', code: ['/src/control/'], seeds, mutate, run };

/** Bits of the variant. */
const Variant = { NO_STORE: 1, STORE_DOWN: 2, STORE_BROKEN: 4 } as const;
const SEPARATOR = '\n===\n';
const MAX_REQUESTS = 12;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

const PATHS: readonly string[] = [
  ...['/v1/status', '/v1/reload', '/v1/log-level', '/v1/credentials', '/v1/sessions', '/v1/sessions/1', '/v1/users'],
  ...[
    '/v1/realms',
    '/v1/realms/r',
    '/v1/realms/r/users',
    '/v1/realms/r/users/alice',
    '/v1/realms/r/users/alice/password',
  ],
  ...['/v1/secrets', '/v1/realms/r/secrets', '/v1/realms/r/secrets/rotate', '/v1/realms/r/secrets/abcd', '/v1/peers'],
  ...['/v1/origins', '/v1/oauth-keys', '/v1/oauth-keys/north', '/', '/metrics', '/v1'],
];
const BODIES: readonly string[] = [
  ...[
    '{"name":"alice","password":"s3cret-Pass"}',
    '{"password":"other-Pass-9"}',
    '{"value":"a-secret-of-32-characters-or-so"}',
  ],
  ...[
    '{"value":null,"reveal":true,"graceSeconds":60}',
    '{"realm":"r","kind":"deny","range":"10.0.0.0/8"}',
    '{"kid":"north","key":null,"algorithm":"A128GCM","expiresAt":1800000000000}',
    '{}',
    'null',
  ],
  ...[
    '{"maxBps":1,"totalQuota":2,"userQuota":null}',
    '{"origin":"https://example.org","realm":"r"}',
    '{"level":"debug"}',
  ],
  ...[
    '{"ttl":60,"user":"bob","host":"turn.example.org","realm":"r"}',
    '[]',
    '"text"',
    '1e999',
    '{"__proto__":{"level":1}}',
  ],
];
const TOKENS: readonly string[] = [
  ...PATHS,
  ...BODIES,
  ...METHODS.map((method) => `${SEPARATOR}${method} `),
  ...[
    '?',
    '&',
    '=',
    '%',
    '%00',
    '%2F',
    '%zz',
    '%ff',
    '..',
    '//',
    '?user=',
    '&realm=r',
    '?limit=1',
    '?after=9',
    '?reveal=true',
  ],
  ...['content-type: application/json\n', 'content-type: text/plain\n', 'content-length: 99\n', 'host: x\n', '\n\n'],
  ...['{', '}', '[', ']', '"', ':', ',', '\\u0000', '\\ud800', 'true', '-1', '1e999', '__proto__', 'constructor', 'é'],
];

function seeds(): Buffer[] {
  const head = '\ncontent-type: application/json\n\n';
  const plain = PATHS.flatMap((path) => ['GET', 'DELETE'].map((method) => `${method} ${path}\n\n`));
  const full = PATHS.flatMap((path) =>
    ['POST', 'PUT', 'PATCH'].map((method, index) => {
      return `${method} ${path}${head}${BODIES[(path.length + index) % BODIES.length]}`;
    }),
  );
  const user = `POST /v1/realms/r/users${head}${BODIES[0]}${SEPARATOR}GET /v1/realms/r/users/alice\n\n`;
  const query = 'GET /v1/sessions?user=alice&limit=1&after=0&transport=udp&client=192.0.2.1\n\n';
  return [...plain, ...full, user, query].map((text) => Buffer.concat([Buffer.alloc(1), Buffer.from(text)]));
}

function mutate(input: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const variant = random.oneIn(10) ? random.below(8) : (input[0] ?? 0);
  const text = mutateText(input.subarray(1), other.subarray(1), { tokens: TOKENS, maxLength: 3000 }, random);
  return Buffer.concat([Buffer.from([variant]), text]);
}

async function run(input: Buffer, notice: Notice): Promise<number> {
  const variant = input[0] ?? 0;
  const control = controlOf(variant);
  const reported: unknown[] = [];
  const app = makeControlApp({ control, now: () => FAKE_NOW, report: (error) => void reported.push(error) });
  const texts = input.toString('utf8', 1).split(SEPARATOR).slice(0, MAX_REQUESTS);
  for (const text of texts) {
    const request = requestOf(text);
    if (request === null) continue;
    const answer = await app.fetch(request, { incoming: { url: targetOf(text) } });
    await checkAnswer(answer, notice, request.method);
    if ((variant & Variant.STORE_BROKEN) !== 0) reported.length = 0;
    if (reported.length > 0) throw new Error('reported as a fault of the program', { cause: reported[0] });
    expect(answer.status !== 500 || (variant & Variant.STORE_BROKEN) !== 0, 'answered 500');
  }
  return texts.length;
}

function controlOf(variant: number): FakeControl {
  const control = fakeControl();
  control.live = [fakeSession({ id: 1 }), fakeSession({ id: 7, user: 'bob', transport: 'tls' })];
  if ((variant & Variant.STORE_DOWN) !== 0) control.store.fail(STORE_DOWN);
  if ((variant & Variant.STORE_BROKEN) !== 0) control.store.fail(new TypeError('a bug of the driver'));
  if ((variant & Variant.NO_STORE) !== 0) control.administration = null;
  return control;
}

function targetOf(text: string): string {
  return /^[^ \n]* ([^\n]*)/.exec(text)?.[1] ?? '/';
}

// Null for what no HTTP parser would let through: that is the other target's business.
function requestOf(text: string): Request | null {
  const end = text.indexOf('\n\n');
  const [line = '', ...fields] = (end < 0 ? text : text.slice(0, end)).split('\n');
  const body = end < 0 ? '' : text.slice(end + 2);
  const method = line.split(' ')[0] ?? '';
  try {
    const headers = new Headers(
      fields.map((field) => [field.split(':')[0] ?? '', field.slice(field.indexOf(':') + 1)] as [string, string]),
    );
    const hasBody = body !== '' && method !== 'GET' && method !== 'HEAD';
    return new Request('http://turnd/', { method, headers, ...(hasBody ? { body } : {}) });
  } catch {
    return null;
  }
}

/** An answer of the API: JSON, a problem, or nothing with 204. */
export async function checkAnswer(answer: Response, notice: Notice, method: string): Promise<void> {
  const text = await answer.text();
  const type = answer.headers.get('content-type') ?? '';
  notice(`${method} ${answer.status} ${text.slice(0, 24).replace(/\d+/g, '_')}`);
  if (method === 'HEAD' || answer.status === 204) return expect(text === '', 'a body where none may be');
  const isProblem = answer.status >= 400;
  expect(
    type.startsWith(isProblem ? 'application/problem+json' : 'application/json'),
    `${answer.status} of type ${type}`,
  );
  const body = JSON.parse(text) as { readonly status?: unknown; readonly detail?: unknown };
  if (!isProblem) return;
  notice(
    `problem ${String(body.detail)
      .replace(/"(?:[^"\\]|\\.)*"|\d+/g, '_')
      .slice(0, 60)}`,
  );
  expect(body.status === answer.status && typeof body.detail === 'string' && body.detail !== '', `problem ${text}`);
}
