// How many answers strangers get over UDP: the budget of sources that may be forged, and no memory of them (RFC 8489
// §16.1.2, §16.2.2). How long the answers are: amplification.test.ts.

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import type { ReplyBudget } from '../../src/turn/reply-budget.ts';
import { Lab, type LabOptions } from '../support/lab.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
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
