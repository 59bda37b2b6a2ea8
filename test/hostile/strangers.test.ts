// What strangers cost: memory, descriptors, and answers to addresses that may be forged.

import { readFileSync } from 'node:fs';
import { type Test, test } from 'tap';
import { takeCensus } from '../../bench/soak/census.ts';
import { planeUnderTest } from '../support/plane-under-test.ts';
import { RawClient } from '../support/raw-client.ts';
import type { TurndProcess } from '../support/turnd-process.ts';
import { attr, message } from '../support/wire.ts';
import { AnswerCounter, FLOOD_SOURCE, flood, kernelDrops, MANY_SOURCES } from './flood.ts';
import type { JunkKind } from './junk.ts';
import { HOST, Stage } from './stage.ts';

const stage = await Stage.build();
const skip = stage === null && 'network namespaces take root';
const built = stage as Stage;

const TURN = 3478;
const MIB = 1024 * 1024;

/** TURND_HOSTILE_LONG=1 sends as much as a release must take. */
const { TURND_HOSTILE_LONG } = process.env;
const SHORT = planeUnderTest === 'linux' ? 100_000 : 40_000;
const STRANGERS = TURND_HOSTILE_LONG === '1' ? 1_000_000 : SHORT;
const WARM_UP = 20_000;
const CHUNK = 25_000;
/** Datagrams per second that two loaded cores take without losing most of them. */
const RATE = planeUnderTest === 'linux' ? 20_000 : 10_000;

const SOURCES: readonly JunkKind[] = ['binding', 'allocate', 'forged'];

/** Waits until what was sent has been handled: the queue of each listening socket keeps the order. */
async function settle(): Promise<void> {
  for (let socket = 0; socket < 8; socket++) {
    const client = await RawClient.open({ host: HOST.ipv4, port: TURN });
    await client.knock(30_000).finally(() => client.close());
  }
}

function strangers(kind: JunkKind, count: number) {
  const sources = { sources: MANY_SOURCES, firstSource: FLOOD_SOURCE };
  return flood({ kind, target: HOST.ipv4, ports: [TURN], count, rate: RATE, ...sources });
}

const answers = stage === null ? null : new AnswerCounter(stage.outside);

/** Goes on until so many have been answered: what the kernel dropped has cost the server nothing. Returns how many it took. */
async function serve(kind: JunkKind, count: number): Promise<number> {
  let [sent, answered] = [0, 0];
  answers?.take();
  while (answered < count) {
    sent += (await strangers(kind, Math.min(count, CHUNK))).sent;
    await settle();
    answered += answers?.take().packets ?? count;
  }
  return sent;
}

/** What each process has in memory. */
function residentBytes(pids: readonly number[]): Map<number, number> {
  return new Map(
    pids.map((pid) => [
      pid,
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024,
    ]),
  );
}

async function growsLittle(t: Test, server: TurndProcess): Promise<void> {
  for (const kind of SOURCES) await serve(kind, WARM_UP);
  const before = takeCensus(server.pid);
  const resident = residentBytes(before.pids);
  const drops = kernelDrops(built.host);
  for (const kind of SOURCES) t.comment(`${kind}: ${await serve(kind, STRANGERS)} were sent for ${STRANGERS} answers`);
  const after = takeCensus(server.pid);
  t.comment(`${kernelDrops(built.host) - drops} dropped by the kernel`);
  for (const [pid, bytes] of residentBytes(before.pids)) {
    const growth = (bytes - (resident.get(pid) ?? 0)) / MIB;
    t.ok(growth <= 16, `${growth.toFixed(1)} MiB of memory`);
  }
  t.ok(after.descriptors <= before.descriptors, `${before.descriptors} descriptors, then ${after.descriptors}`);
  t.same(after.pids, before.pids, 'the same processes');
}

test('S41 answers to strangers are at most so much longer than what they asked', { skip }, async (t) => {
  await built.start(t);
  const binding = message({ type: 0x0001 });
  const allocate = message({ type: 0x0003 });
  for (const [host, bytes, factor] of [
    [HOST.ipv4, binding, 1.6],
    [HOST.ipv6, binding, 2.2],
    [HOST.ipv4, allocate, 3.6],
    [HOST.ipv6, allocate, 3.6],
  ] as const) {
    const client = await RawClient.open({ host, port: TURN });
    t.teardown(() => client.close());
    const answer = await client.exchange(bytes);
    t.ok(answer.bytes.length <= factor * bytes.length, `${bytes.length} bytes, answered by ${answer.bytes.length}`);
    for (const extra of [attr.software, attr.mappedAddress, 0x802b, 0x802c]) t.notOk(answer.has(extra));
    t.ok((answer.reason ?? '') === '', 'no reason phrase');
  }
});

test('S42 one source gets 10 error answers a second and 10 at once, whatever its ports, from all workers', {
  skip,
}, async (t) => {
  await built.start(t);
  const [client] = [await built.client(t)];
  for (const kind of ['allocate', 'forged'] as const) {
    // A source that has been told nothing yet.
    const firstSource = FLOOD_SOURCE + (kind === 'forged' ? 0x300 : 0);
    answers?.take();
    const wish = { kind, target: HOST.ipv4, ports: [TURN], count: 100_000, rate: 10_000, sources: 1, firstSource };
    const [{ seconds }, asked] = await Promise.all([flood(wish), client.challenge()]);
    await settle();
    const { packets = 0 } = answers?.take() ?? {};
    t.comment(`${kind}: ${packets} answers in ${seconds.toFixed(1)} s`);
    t.ok(packets <= 10 * (seconds + 1) + 10, `${packets} answers`);
    t.ok(packets >= 10, 'and not none');
    t.equal(asked.errorCode, 401, 'somebody elsewhere is answered');
  }
});

test('S43 strangers leave neither memory nor descriptors behind', { skip }, async (t) => {
  await growsLittle(t, await built.start(t));
});
