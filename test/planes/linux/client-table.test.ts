import { test } from 'tap';
import { ClientTable, LinuxEndpoint } from '../../../src/planes/linux/client-table.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import type { ClientLink } from '../../../src/turn/env.ts';
import { SeededRandom } from '../../fuzz/random.ts';
import { ipAddress } from '../../support/linux-plane.ts';

const LOCAL = new TransportAddress(ipAddress('192.0.2.1'), 3478);

const LINK: ClientLink = {
  send: () => {},
  header: () => Buffer.alloc(64),
  sendRelayed: () => {},
  retain: (endpoint) => endpoint,
  find: (endpoint) => endpoint,
  release: () => {},
};

function endpointAt(ip: string, port: number): LinuxEndpoint {
  const endpoint = new LinuxEndpoint(LINK, LOCAL);
  endpoint.source.setTo(ipAddress(ip), port);
  endpoint.takeSource();
  return endpoint;
}

/** The sockaddr of an endpoint as the kernel writes it, at word 3 of a larger memory. */
function sockaddrOf(endpoint: LinuxEndpoint): Int32Array {
  const memory = Buffer.alloc(48, 0xee);
  const { family, port, w0, w1, w2, w3 } = endpoint.source;
  memory.writeUInt16LE(family === 6 ? 10 : 2, 12);
  memory.writeUInt16BE(port, 14);
  if (family === 4) memory.writeUInt32BE(w3 >>> 0, 16);
  else for (const [index, word] of [w0, w1, w2, w3].entries()) memory.writeUInt32BE(word >>> 0, 20 + index * 4);
  return new Int32Array(memory.buffer.slice(memory.byteOffset, memory.byteOffset + 48));
}

/** So few addresses and ports that they meet, and some that differ in one word or bit only. */
function endpoints(): LinuxEndpoint[] {
  const ips = ['203.0.113.1', '203.0.113.2', '2.113.0.203', '::1', '::2', '2001:db8::1', '2001:db8:0:1::1'];
  const more = Array.from({ length: 60 }, (_, index) => `2001:db8:${index.toString(16)}::1:${index.toString(16)}`);
  return [...ips, ...more].flatMap((ip) => [1, 0x100, 3478, 65_535].map((port) => endpointAt(ip, port)));
}

for (const seed of [0, 1, -559_038_737]) {
  test(`it knows what a map would know, over 100,000 steps (seed ${seed})`, async (t) => {
    const random = new SeededRandom(seed);
    const all = endpoints();
    const words = all.map(sockaddrOf);
    const table = new ClientTable(seed);
    const model = new Set<number>();
    let wrong = 0;
    for (let step = 0; step < 100_000; step++) {
      const index = random.below(all.length);
      const endpoint = all[index] as LinuxEndpoint;
      const expected = model.has(index) ? endpoint : null;
      if (table.find(words[index] as Int32Array, 3) !== expected || table.findSame(endpoint) !== expected) wrong++;
      // Waves: it fills up, and empties again.
      const isGrowing = Math.floor(step / 10_000) % 2 === 0;
      if (expected === null && random.below(4) < (isGrowing ? 3 : 1)) {
        table.add(endpoint);
        model.add(index);
      } else if (random.below(4) < (isGrowing ? 1 : 3)) {
        table.remove(endpoint);
        model.delete(index);
      }
      if (table.size !== model.size) wrong++;
    }
    t.equal(wrong, 0);
    t.same(new Set(table.list()), new Set([...model].map((index) => all[index])));
  });
}

test('another object for the same client finds it, and does not remove it', async (t) => {
  const table = new ClientTable(7);
  const known = endpointAt('198.51.100.7', 1000);
  table.add(known);
  const same = endpointAt('198.51.100.7', 1000);
  t.equal(table.findSame(same), known);
  table.remove(same);
  t.equal(table.size, 1);
  t.equal(table.findSame(known), known);
});

test('an IPv4 address is found whatever stands behind its sockaddr', async (t) => {
  const table = new ClientTable(7);
  const known = endpointAt('198.51.100.7', 1000);
  table.add(known);
  const words = sockaddrOf(known);
  words.fill(0x55, 5);
  t.equal(table.find(words, 3), known);
});

test('a copy is an endpoint of its own with the same sockaddr', async (t) => {
  const scratch = endpointAt('2001:db8::7', 1000);
  const copy = scratch.copy();
  scratch.source.setTo(ipAddress('2001:db8::8'), 1001);
  scratch.takeSource();
  t.equal(copy.client.text, '[2001:db8::7]:1000');
  const table = new ClientTable(7);
  table.add(copy);
  t.equal(table.find(sockaddrOf(endpointAt('2001:db8::7', 1000)), 3), copy);
});
