import { test } from 'tap';
import { Arena } from '../../../src/planes/linux/arena.ts';
import { PeerDestination, sockaddrHead, swapped } from '../../../src/planes/linux/destination.ts';
import { readSockaddr, sockaddrSize, writeSockaddr } from '../../../src/planes/linux/sockaddr.ts';
import { TransportWords } from '../../../src/stun/transport-address.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { ipAddress } from '../../support/linux-plane.ts';

const { libc, skip } = await findLibc();

/** What the kernel's own headers say (netinet/in.h): family, port and address in network order. */
const CASES = [
  ['203.0.113.254', 0xabcd, '0200abcdcb0071fe0000000000000000'],
  ['255.255.255.255', 1, '02000001ffffffff0000000000000000'],
  ['2001:db8::1:fffe', 65_535, '0a00ffff0000000020010db800000000000000000001fffe00000000'],
  ['::1', 3478, '0a000d96000000000000000000000000000000000000000100000000'],
] as const;

for (const [ip, port, hex] of CASES) {
  test(`${ip} port ${port} is written and read as the kernel does`, { skip }, async (t) => {
    const arena = new Arena(libc, 256);
    arena.bytes.fill(0xee);
    const size = writeSockaddr(arena, 64, ipAddress(ip), port);
    t.equal(size, hex.length / 2);
    t.equal(sockaddrSize(ipAddress(ip).family), size);
    t.equal(arena.bytes.toString('hex', 64, 64 + (size === 16 ? 8 : size)), hex.slice(0, size === 16 ? 16 : undefined));
    t.equal(arena.bytes[64 + size], 0xee, 'and nothing behind it');
    const words = new TransportWords();
    readSockaddr(arena, 64, words);
    t.equal(words.copyAddress().ip.text, ip);
    t.equal(words.port, port);
  });

  test(`a destination ${ip} is the raw words of the same`, { skip }, async (t) => {
    const arena = new Arena(libc, 64);
    arena.bytes.write(hex, 'hex');
    const to = new PeerDestination();
    to.set(ipAddress(ip), port);
    t.equal(to.head, arena.i32[0]);
    t.equal(sockaddrHead(ipAddress(ip).family, port), arena.i32[0]);
    const words = ip.includes(':') ? [...arena.i32.subarray(2, 6)] : [arena.i32[1]];
    t.same([to.a0, to.a1, to.a2, to.a3].slice(0, words.length), words);
  });
}

test('an IPv4-mapped address is read as IPv4', { skip }, async (t) => {
  const arena = new Arena(libc, 64);
  arena.bytes.write('0a00123400000000' + '00000000000000000000ffffc0000201' + '00000000', 'hex');
  const words = new TransportWords();
  readSockaddr(arena, 0, words);
  t.match(words, { family: 4, port: 0x1234, w0: 0, w1: 0, w2: 0 });
  t.equal(words.copyAddress().text, '192.0.2.1:4660');
});

test('another kind of address has no family', { skip }, async (t) => {
  const arena = new Arena(libc, 64);
  for (const family of [0, 1, 16, 17, 0x0200]) {
    arena.u16[0] = family;
    const words = new TransportWords();
    readSockaddr(arena, 0, words);
    t.equal(words.family, 0, String(family));
  }
});

test('a word in network order is the one that a dump shows', async (t) => {
  t.equal(swapped(0x01020304), 0x04030201);
  t.equal(swapped(0x000000ff), 0xff000000 | 0);
  t.equal(swapped(swapped(0x9abcdef0 | 0)), 0x9abcdef0 | 0);
});
