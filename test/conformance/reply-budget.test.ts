// What strangers get over UDP, and how much of it: amplification in bytes, the budget of answers to sources that may be
// forged, and no memory of them (RFC 8489 §16.1.2, §16.2.2).

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import type { ReplyBudget } from '../../src/turn/env.ts';
import { Lab, type LabOptions } from '../support/lab.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { RFC8489 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { message } from '../support/wire.ts';
import { lifetime, requestedTransport } from '../support/wire-attributes.ts';

// A budget of so many answers per source IP, which writes down who asked.
class CountingBudget implements ReplyBudget {
  readonly asked: string[] = [];
  left: number;

  constructor(left: number) {
    this.left = left;
  }

  allowError: ReplyBudget['allowError'] = (client) => this.#take('error', client.copyAddress().text);
  allowBinding: ReplyBudget['allowBinding'] = (client) => this.#take('binding', client.copyAddress().text);

  #take(what: string, source: string): boolean {
    this.asked.push(`${what} ${source}`);
    return this.left-- > 0;
  }
}

function budgeted(left: number, options: LabOptions = {}) {
  const budget = new CountingBudget(left);
  return { budget, lab: new Lab({ ...options, env: { budget } }) };
}

const bare = (type: number) => message({ type });

// Sends one message of each kind that is refused before authentication is complete; returns the codes.
async function refusals(client: LabClient): Promise<(number | undefined)[]> {
  // Every lab signs nonces with the same key: this one costs nothing of the budget.
  const twin = new Lab().client({ address: client.address.text });
  await twin.challenge();
  client.nonce = twin.nonce;
  const messages = [
    bare(REQUEST.allocate),
    message({ type: REQUEST.allocate, key: client.key }),
    message({ type: REQUEST.binding, attrs: [[0x7777, '']] }),
    client.signed(REQUEST.allocate, [requestedTransport()], { key: Buffer.alloc(16) }),
  ];
  client.nonce = 'obMatJos2AAAAmade up';
  messages.push(client.signed(REQUEST.allocate, [requestedTransport()]));
  const codes = [];
  for (const bytes of messages) codes.push((await client.exchange(bytes))?.errorCode);
  return codes;
}

test('AUTH-33 every error to a UDP source that has not authenticated asks the budget', async (t) => {
  const { lab, budget } = budgeted(1000);
  const client = lab.client({ address: '198.51.100.7:4000' });
  t.same(await refusals(client), [401, 400, 420, 401, 438]);
  t.same(budget.asked, Array(5).fill('error 198.51.100.7:4000'));
});

test('AUTH-33 beyond the budget there is silence', async (t) => {
  const { lab } = budgeted(0);
  t.same(await refusals(lab.client()), Array(5).fill(undefined));
  t.equal(lab.engine.counters.dropped[DropReason.OVER_BUDGET], 5);
  t.notOk(lab.observer.events.some((event) => event.startsWith('rejected')));
});

test('AUTH-33 a Binding success has a budget of its own', async (t) => {
  const { lab, budget } = budgeted(1);
  const client = lab.client({ address: '198.51.100.7:4000' });
  t.equal((await client.exchange(bare(REQUEST.binding)))?.type, 0x0101);
  t.equal(await client.exchange(bare(REQUEST.binding)), null);
  t.same(budget.asked, Array(2).fill('binding 198.51.100.7:4000'));
});

test('AUTH-33 streams, whose sources are proven, are never budgeted', async (t) => {
  for (const transport of ['tcp', 'tls', 'dtls'] as const) {
    const { lab, budget } = budgeted(0);
    const client = lab.client({ transport });
    t.same(await refusals(client), [401, 400, 420, 401, 438]);
    t.equal((await client.exchange(bare(REQUEST.binding)))?.type, 0x0101);
    t.same(budget.asked, []);
  }
});

test('AUTH-33 who has authenticated is never budgeted', async (t) => {
  const { lab, budget } = budgeted(1);
  const client = lab.client();
  await client.allocated();
  t.equal((await client.permit('127.0.0.1')).errorCode, 403);
  t.equal((await client.request(REQUEST.refresh, [[0x7777, '']])).errorCode, 420);
  t.equal((await client.request(REQUEST.refresh, [lifetime(0)])).type, 0x0104);
  t.equal((await client.request(REQUEST.refresh, [])).errorCode, 437);
  t.equal(budget.asked.length, 1, 'the first challenge only');
});

test('BAD-46 a flood of 20-byte requests from forged sources: no more answers than the budget, no memory', async (t) => {
  const { lab } = budgeted(10);
  const clients = Array.from({ length: 500 }, (_, i) => lab.client({ address: `198.51.100.7:${10_000 + i}` }));
  for (const client of clients) client.send(bare(REQUEST.allocate));
  const answers = clients.map((client) => client.take().length);
  t.equal(Math.max(...answers), 1);
  t.equal(
    answers.reduce((sum, count) => sum + count, 0),
    10,
  );
  t.notOk(clients.some((client) => client.retained));
  t.same(holdings(lab), NOTHING);
});

test('BAD-46 forged integrity makes no memory either', async (t) => {
  const lab = new Lab();
  const clients = Array.from({ length: 50 }, () => lab.client());
  for (const client of clients) {
    client.nonce = 'obMatJos2AAAAmade up';
    await client.exchange(client.signed(REQUEST.allocate, [requestedTransport()], { key: Buffer.alloc(16) }));
  }
  t.notOk(clients.some((client) => client.retained));
  t.same(holdings(lab), NOTHING);
});

// How long the answer to a bare header is.
async function answerLength(type: number, options: LabOptions, address: string): Promise<number> {
  const client = new Lab(options).client({ address });
  const answer = client.must(await client.exchange(bare(type)));
  return answer.bytes.length;
}

test('S41 amplification: Binding 20 to 32 bytes in IPv4, to 44 in IPv6', async (t) => {
  t.equal(bare(REQUEST.binding).length, 20);
  t.equal(await answerLength(REQUEST.binding, {}, '198.51.100.7:4000'), 32);
  t.equal(await answerLength(REQUEST.binding, {}, '[2001:db8::7]:4000'), 44);
});

test('S41 amplification: a bare Allocate gets a 401 of at most 72 bytes with a realm of 9 characters', async (t) => {
  const settings = { realm: 'turn.test' };
  t.equal(settings.realm.length, 9);
  for (const address of ['198.51.100.7:4000', '[2001:db8::7]:4000']) {
    const length = await answerLength(REQUEST.allocate, { settings }, address);
    t.ok(length <= 72, `${length} bytes`);
    const all = await answerLength(REQUEST.allocate, { settings: { ...settings, ...RFC8489 } }, address);
    t.ok(all <= 100, `${all} bytes with the offer of algorithms`);
  }
});

test('S41 a stranger gets no reason phrase, and no reply larger than its request but for a challenge', async (t) => {
  const client = new Lab().client();
  const malformed = message({ type: REQUEST.allocate, key: client.key });
  const answer = client.must(await client.exchange(malformed));
  t.equal(answer.reason, '');
  t.ok(answer.bytes.length < malformed.length);
  t.equal((await client.challenge()).reason, '');
});
