// The OpenAPI document: that it is one, by the judgement of others, that it has every route and no other, and that real
// answers are as it says.

import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { test } from 'tap';
import { controlRoutes, makeControlApp } from '../../src/control/control-app.ts';
import { templateOf } from '../../src/control/openapi.ts';
import { idOfSecret } from '../../src/control/store-administration.ts';
import { REPORTS } from '../support/events.ts';
import { FAKE_NOW, fakeControl, fakeSession } from '../support/fake-control.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Answer {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Answer>> };
}

const report = (error: unknown): never => {
  throw error;
};

function open() {
  const control = fakeControl();
  control.live = [fakeSession({ id: 1 }), fakeSession({ id: 2 })];
  const app = makeControlApp({ control, now: () => FAKE_NOW, report });
  const ask = (method: string, path: string, body?: object): Promise<Response> => {
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return Promise.resolve(app.fetch(new Request(`http://turnd${path}`, { method, ...json })));
  };
  return { control, app, ask };
}

async function read(ask: ReturnType<typeof open>['ask']): Promise<Document> {
  return (await (await ask('GET', '/v1/openapi.json')).json()) as Document;
}

test('the document is OpenAPI 3.1, as others judge it, and tells no version of the server', async (t) => {
  const { ask } = open();
  const document = await read(ask);
  const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  t.same(result.errors, undefined);
  t.ok(result.valid);
  t.match(document.openapi, /^3\.1\./);
  t.notMatch(JSON.stringify(document), '1.2.3');
});

test('every route is in the document, with its scope, and the document has no other', async (t) => {
  const { app, ask, control } = open();
  const { paths } = await read(ask);
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${templateOf(path)}`);
  const written = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.same(served.sort(), written.sort());
  const routes = controlRoutes(control, () => FAKE_NOW);
  for (const { method, path, scope, id } of routes) {
    const operation = paths[templateOf(path)]?.[method];
    t.same(operation?.security, scope === null ? [] : [{ token: [scope] }], id);
    t.equal(operation?.operationId, id);
    const isLooking = method === 'get';
    if (scope !== null && scope !== 'credentials') t.equal(scope, isLooking ? 'read' : 'admin', `${id}: its scope`);
  }
  t.equal(new Set(routes.map(({ id }) => id)).size, routes.length, 'operations have names of their own');
});

type Step = readonly [method: string, path: string, status: number, body?: object];

/** One after another; every operation comes, and the common refusals. */
const STEPS: readonly Step[] = [
  ['GET', '/v1/status', 200],
  ['GET', '/v1/stats', 200],
  ['GET', '/v1/config', 200],
  ['POST', '/v1/reload', 200],
  ['PUT', '/v1/log-level', 200, { level: 'debug' }],
  ['PUT', '/v1/log-level', 400, { level: 'loud' }],
  ['POST', '/v1/credentials', 201, { user: 'alice', label: 'shop' }],
  ['DELETE', '/v1/credentials/1767229200:alice', 200],
  ['GET', '/v1/sessions?limit=1', 200],
  ['GET', '/v1/sessions/1', 200],
  ['GET', '/v1/sessions/99', 404],
  ['GET', '/v1/events?type=other', 400],
  ['DELETE', '/v1/sessions/1', 200],
  ['DELETE', '/v1/sessions?user=alice', 200],
  ['POST', '/v1/realms/r/users', 201, { name: 'bob', password: 'secret-of-bob' }],
  ['POST', '/v1/realms/r/users', 409, { name: 'bob', password: 'secret-of-bob' }],
  ['POST', '/v1/realms/r/users', 413, { name: 'x'.repeat(70_000), password: '' }],
  ['GET', '/v1/users?realm=r', 200],
  ['GET', '/v1/realms/r/users/bob', 200],
  ['PUT', '/v1/realms/r/users/bob/password', 200, { password: 'another-of-bob' }],
  ['DELETE', '/v1/realms/r/users/bob', 204],
  ['POST', '/v1/realms/r/secrets', 201, { value: 'shared-secret-1', reveal: true }],
  ['POST', '/v1/realms/r/secrets/rotate', 201, { graceSeconds: 60 }],
  ['GET', '/v1/secrets', 200],
  ['GET', '/v1/secrets?reveal=true', 200],
  ['DELETE', '/v1/realms/r/secrets/ffffffffffff', 404],
  ['DELETE', `/v1/realms/r/secrets/${idOfSecret('shared-secret-1')}`, 200],
  ['POST', '/v1/peers', 201, { realm: '', kind: 'deny', range: '198.51.100.0/24' }],
  ['GET', '/v1/peers', 200],
  ['DELETE', '/v1/peers?realm=&kind=deny&range=198.51.100.0/24', 204],
  ['PATCH', '/v1/realms/r', 204, { userQuota: 3 }],
  ['POST', '/v1/origins', 201, { origin: 'https://a.example', realm: 'r' }],
  ['GET', '/v1/realms', 200],
  ['DELETE', '/v1/origins?origin=https://a.example', 204],
  ['POST', '/v1/oauth-keys', 201, { kid: 'north', reveal: true }],
  ['POST', '/v1/oauth-keys', 409, { kid: 'north' }],
  ['GET', '/v1/oauth-keys', 200],
  ['GET', '/v1/oauth-keys/north?reveal=true', 200],
  ['PATCH', '/v1/oauth-keys/north', 200, { expiresAt: FAKE_NOW + 60_000 }],
  ['DELETE', '/v1/oauth-keys/north', 200],
  ['DELETE', '/v1/oauth-keys/north', 404],
  ['POST', '/v1/tokens', 201, { name: 'app', scopes: ['credentials'] }],
  ['GET', '/v1/tokens', 200],
  ['DELETE', '/v1/tokens/app', 200],
  ['DELETE', '/v1/tokens/app', 404],
  ['POST', '/v1/drain', 200, { stays: true }],
  ['GET', '/v1/status', 200],
  ['DELETE', '/v1/drain', 200],
  ['GET', '/v1/openapi.json', 200],
  ['GET', '/v1/docs', 200],
];

test('events of the stream are as the document says', async (t) => {
  const document = await read(open().ask);
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(document, 'api');
  const { description = '', content = {} } = document.paths['/v1/events']?.['get']?.responses['200'] ?? {};
  t.same(Object.keys(content), ['text/event-stream']);
  const [pointer = ''] = /#[\w/]+/.exec(description) ?? [];
  for (const report of REPORTS) {
    t.ok(ajv.validate(`api${pointer}`, { id: 'a-1', time: FAKE_NOW, ...report }), report.type);
    t.notOk(ajv.validate(`api${pointer}`, { time: FAKE_NOW, ...report }), report.type);
  }
});

test('real answers are as the document says', async (t) => {
  const { ask, control } = open();
  const document = await read(ask);
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(document, 'api');
  const asked = new Set<string>();
  const run = async ([method, path, status, body]: Step): Promise<void> => {
    const response = await ask(method, path, body);
    const operation = operationAt(document, method, path);
    t.equal(response.status, status, `${method} ${path}`);
    asked.add(operation.operationId);
    const written = operation.responses[status];
    if (written === undefined) throw new Error(`${method} ${path}: ${status} is not in the document`);
    const { content } =
      written.$ref === undefined ? written : (document.components.responses[nameOf(written.$ref)] ?? {});
    const type = (response.headers.get('content-type') ?? '').replace(/;.*/, '');
    t.same(Object.keys(content ?? {}), type === '' ? [] : [type], 'the media type');
    if (!type.endsWith('json')) return;
    const schema = JSON.parse(JSON.stringify(content?.[type]?.schema).replaceAll('"#/', '"api#/')) as object;
    t.ok(ajv.validate(schema, await response.json()), JSON.stringify(ajv.errors));
  };
  for (const step of STEPS) await run(step);
  const all = controlRoutes(control, () => FAKE_NOW).map(({ id }) => id);
  t.same(
    all.filter((id) => !asked.has(id)),
    [],
    'all were asked',
  );
});

test('S57 the page for people has no script, loads nothing, and shows every route', async (t) => {
  const { ask, control } = open();
  const response = await ask('GET', '/v1/docs');
  const policy = response.headers.get('content-security-policy') ?? '';
  t.match(
    policy,
    /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  );
  t.equal(response.headers.get('x-content-type-options'), 'nosniff');
  const page = await response.text();
  t.notMatch(page, /<script|<img|<link|<iframe|javascript:| on\w+=|https?:\/\//i);
  for (const { id } of controlRoutes(control, () => FAKE_NOW)) t.match(page, `id="${id}"`);
});

function operationAt({ paths }: Document, method: string, target: string): Operation {
  const path = target.replace(/\?.*/, '');
  const candidates = Object.keys(paths).filter((one) => new RegExp(`^${one.replace(/\{\w+\}/g, '[^/]+')}$`).test(path));
  // `rotate` is no user's name.
  const [exact] = candidates.sort((left, right) => left.split('{').length - right.split('{').length);
  const operation = paths[exact ?? '']?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`${method} ${target} is not in the document`);
  return operation;
}

function nameOf(reference: string): string {
  return reference.replace(/^.*\//, '');
}
