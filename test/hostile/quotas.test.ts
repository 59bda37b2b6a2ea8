// A thousand Allocates at once, whatever worker they come to: exactly as many are granted as may be, and each unit comes
// back by whatever way its allocation ends.

import { type Test, test } from 'tap';
import { planeUnderTest } from '../support/plane-under-test.ts';
import { type RawClient, type RawTransport, REQUEST } from '../support/raw-client.ts';
import type { Decoded } from '../support/wire.ts';
import { lifetime } from '../support/wire-attributes.ts';
import { pidOf } from '../support/worker-processes.ts';
import { Stage } from './stage.ts';

const stage = await Stage.build();
const skip = stage === null && 'network namespaces take root';
const built = stage as Stage;

const AT_ONCE = 1000;
const LIMIT = 100;

/** Clients that all have their challenge. Over TCP all are of one address. */
async function crowd(t: Test, count: number, transport: RawTransport): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let at = 0; at < count; at++) {
    const client = await built.client(t, transport);
    await client.challenge();
    clients.push(client);
  }
  return clients;
}

// 500 says that too many of one network wait for the user's key at the moment.
async function insist(client: RawClient): Promise<Decoded> {
  for (;;) {
    const answer = await client.allocate();
    if (answer.errorCode !== 500) return answer;
  }
}

/** All ask in one turn; those that were granted one. */
async function allAtOnce(t: Test, clients: readonly RawClient[], code: number): Promise<RawClient[]> {
  const answers = await Promise.all(clients.map(insist));
  const codes = new Set(answers.map(({ errorCode }) => errorCode ?? 0));
  t.same([...codes].sort(), [0, code]);
  return clients.filter((_, index) => answers[index]?.cls === 2);
}

/** Asks until so many are granted: what ends takes a moment to be known. */
async function untilGranted(t: Test, count: number): Promise<RawClient[]> {
  const granted: RawClient[] = [];
  const deadline = Date.now() + 60_000;
  while (granted.length < count && Date.now() < deadline) {
    const client = await built.client(t);
    if ((await client.allocate()).cls === 2) granted.push(client);
    else client.close();
  }
  t.equal(granted.length, count, 'every unit has come back');
  const [one] = await crowd(t, 1, 'udp');
  t.equal((await one?.allocate())?.errorCode, 486, 'and not one more');
  return granted;
}

async function refreshToZero(clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) await client.request(REQUEST.refresh, [lifetime(0)]);
}

test('S48 a thousand Allocates at once: the user’s quota is exact, and comes back by Refresh 0 and TCP’s end', {
  skip,
}, async (t) => {
  await built.start(t, '--user-quota', String(LIMIT));
  const half = AT_ONCE / 2;
  const granted = await allAtOnce(t, [...(await crowd(t, half, 'udp')), ...(await crowd(t, half, 'tcp'))], 486);
  t.equal(granted.length, LIMIT, 'as many as may be');
  await refreshToZero(granted.filter(({ isStream }) => !isStream));
  for (const client of granted) client.close();
  await refreshToZero(await untilGranted(t, LIMIT));
  await untilGranted(t, LIMIT);
});

for (const [what, key] of [
  ['a client address', 'TURND_LIMITS__ALLOCATIONS_PER_CLIENT_ADDRESS'],
  ['all together', 'TURND_LIMITS__ALLOCATIONS'],
] as const) {
  test(`S48 the limit of ${what} is exact, and comes back when allocations expire`, { skip }, async (t) => {
    const env = { [key]: String(LIMIT), TURND_LIMITS__DEFAULT_LIFETIME: '3' };
    await built.startWith(t, env);
    const clients = await crowd(t, AT_ONCE / 2, 'tcp');
    t.equal((await allAtOnce(t, clients, 486)).length, LIMIT, 'as many as may be');
    // Nobody says goodbye.
    let again: readonly RawClient[] = [];
    const deadline = Date.now() + 60_000;
    while (again.length < LIMIT && Date.now() < deadline) again = await grantedNow(await crowd(t, LIMIT + 1, 'tcp'));
    t.equal(again.length, LIMIT);
  });
}

/** Asks with all, and gives back what was granted unless that is as much as may be. */
async function grantedNow(clients: readonly RawClient[]): Promise<readonly RawClient[]> {
  const answers = await Promise.all(clients.map(insist));
  const granted = clients.filter((_, index) => answers[index]?.cls === 2);
  if (granted.length < LIMIT) for (const client of clients) client.close();
  return granted;
}

test('S48 an Allocate that fails for want of a port gives its unit back', { skip }, async (t) => {
  await built.start(t, '--user-quota', '2', '--relay-ports', '50000-50000');
  const [first, ...others] = await crowd(t, 30, 'tcp');
  t.not((await first?.allocated())?.port, 0);
  const codes = await Promise.all(others.map(async (client) => (await insist(client)).errorCode));
  t.ok(codes.every((code) => code === 508 || code === 486));
  await first?.request(REQUEST.refresh, [lifetime(0)]);
  t.equal((await others[0]?.allocate())?.cls, 2, 'the port');
  t.equal((await others[1]?.allocate())?.errorCode, 508, 'there is quota for a second one: only no port');
});

async function crashReturnsUnits(t: Test): Promise<void> {
  const server = await built.start(t, '--user-quota', String(LIMIT));
  t.equal((await allAtOnce(t, await crowd(t, 2 * LIMIT, 'udp'), 486)).length, LIMIT);
  for (const worker of [1, 2]) process.kill(pidOf(server, worker), 'SIGKILL');
  const isReplaced = (): boolean => server.log.filter(({ event }) => event === 'worker-replaced').length === 2;
  await server.until('two successors', () => isReplaced() || undefined);
  await untilGranted(t, LIMIT);
}

if (planeUnderTest === 'linux') test('S48 what workers held returns when they crash', { skip }, crashReturnsUnits);
