import { test } from 'tap';
import { Admission, ConnectionLimits } from '../../src/limits/connection-limits.ts';
import { ConnectionMemory } from '../../src/limits/connection-memory.ts';
import { SystemRandom } from '../../src/state/system-random.ts';
import { AddressWords, readIpText } from '../../src/stun/ip-address.ts';

function client(text: string): AddressWords {
  const words = new AddressWords();
  readIpText(text, words);
  return words;
}

/** The limits of so many processes with one memory. */
function processes(count: number): { readonly memory: ConnectionMemory; readonly limits: ConnectionLimits[] } {
  const memory = new ConnectionMemory(new Uint8Array(ConnectionMemory.byteLength(count)));
  memory.sow(new SystemRandom());
  return { memory, limits: Array.from({ length: count }, (_, row) => new ConnectionLimits(memory, row)) };
}

function one(): ConnectionLimits {
  return ConnectionLimits.ofOneProcess(new SystemRandom());
}

test('S45 an IPv6 client is its /64, an IPv4 client its address', async (t) => {
  const limits = one();
  t.equal(limits.acquire(client('2001:db8:1:2::1'), 10, 1), Admission.ADMITTED);
  t.equal(limits.acquire(client('2001:db8:1:2:ffff::9'), 10, 1), Admission.OVER_CLIENT);
  t.equal(limits.acquire(client('2001:db8:1:3::1'), 10, 1), Admission.ADMITTED);
  t.equal(limits.acquire(client('192.0.2.1'), 10, 1), Admission.ADMITTED);
  t.equal(limits.acquire(client('192.0.2.1'), 10, 1), Admission.OVER_CLIENT);
  t.equal(limits.acquire(client('192.0.2.2'), 10, 1), Admission.ADMITTED);
  t.equal(limits.own, 4);
});

test('a refusal takes no place, and a place that is given back may be taken again', async (t) => {
  const limits = one();
  const own = client('192.0.2.1');
  for (let count = 0; count < 3; count++) t.equal(limits.acquire(own, 3, 3), Admission.ADMITTED);
  t.equal(limits.acquire(own, 3, 3), Admission.OVER_CLIENT, 'nobody has to make room for a client that has its share');
  t.equal(limits.acquire(client('192.0.2.2'), 3, 3), Admission.OVER_TOTAL);
  for (let count = 0; count < 3; count++) limits.release(own);
  t.equal(limits.own, 0);
  t.equal(limits.acquire(own, 3, 1), Admission.ADMITTED, 'nothing is left of the count');
});

test('a limit of 0 per client is none', async (t) => {
  const limits = one();
  for (let count = 0; count < 5; count++) t.equal(limits.acquire(client('192.0.2.1'), 10, 0), Admission.ADMITTED);
});

test('S45 processes that share a memory have one limit per client and one in all', async (t) => {
  const { limits } = processes(3);
  const own = client('192.0.2.1');
  const answers = limits.flatMap((each) => Array.from({ length: 4 }, () => each.acquire(own, 100, 10)));
  t.equal(answers.filter((answer) => answer === Admission.ADMITTED).length, 10);
  t.equal(answers.filter((answer) => answer === Admission.OVER_CLIENT).length, 2);
  t.same(
    limits.map((each) => each.own),
    [4, 4, 2],
  );
  t.equal(limits[2]!.acquire(client('192.0.2.2'), 11, 10), Admission.ADMITTED);
  t.equal(limits[0]!.acquire(client('192.0.2.3'), 11, 10), Admission.OVER_TOTAL);
  limits[1]!.release(own);
  t.equal(limits[0]!.acquire(client('192.0.2.3'), 11, 10), Admission.ADMITTED);
});

test('S45 what a dead process has counted is forgotten when its successor begins', async (t) => {
  const { memory, limits } = processes(2);
  const own = client('192.0.2.1');
  for (const each of limits) for (let count = 0; count < 5; count++) each.acquire(own, 100, 10);
  t.equal(memory.total(), 10);
  const successor = new ConnectionLimits(memory, 1);
  t.equal(memory.total(), 5);
  t.equal(memory.ofClient(own), 5);
  t.equal(successor.acquire(own, 100, 6), Admission.ADMITTED);
});

test('S45 clients at their limits leave others theirs', async (t) => {
  const { memory, limits } = processes(2);
  for (let crowd = 1; crowd <= 10; crowd++) {
    for (let count = 0; count < 1000; count++) limits[count % 2]!.acquire(client(`198.51.100.${crowd}`), 20_000, 1000);
    t.equal(memory.ofClient(client(`198.51.100.${crowd}`)), 1000);
  }
  let refused = 0;
  for (let host = 0; host < 1000; host++) {
    const stranger = client(`10.0.${host >> 8}.${host & 255}`);
    if (limits[0]!.acquire(stranger, 20_000, 1000) === Admission.ADMITTED) limits[0]!.release(stranger);
    else refused++;
  }
  t.ok(refused <= 1, `${refused} of 1000 share both counters with a crowd`);
  t.equal(memory.total(), 10_000);
});

test('the seeds decide who shares counters with whom', async (t) => {
  const sharers = (seed: number): string => {
    const memory = new ConnectionMemory(new Uint8Array(ConnectionMemory.byteLength(1)));
    memory.sow({ fill: (target) => target.fill(seed) });
    for (let host = 0; host < 20_000; host++)
      memory.add(0, client(`10.${host >> 14}.${(host >> 7) & 127}.${host & 127}`), 1);
    return Array.from({ length: 200 }, (_, host) => memory.ofClient(client(`192.0.2.${host}`))).join('');
  };
  t.equal(sharers(1), sharers(1));
  t.not(sharers(1), sharers(2));
});

test('rows, seeds and nothing else fill the memory', async (t) => {
  for (const count of [1, 2, 3]) t.equal(ConnectionMemory.byteLength(count) % 8, 0);
  const bytes = new Uint8Array(ConnectionMemory.byteLength(2) + 8).subarray(8);
  const memory = new ConnectionMemory(bytes);
  memory.sow({ fill: (target) => target.fill(7) });
  memory.add(1, client('192.0.2.1'), 1);
  memory.reset(0);
  t.equal(memory.of(1), 1, 'a row is reset alone');
  memory.reset(1);
  t.same([memory.total(), bytes.subarray(0, 8).every((byte) => byte === 7)], [0, true], 'and the seeds stay');
});
