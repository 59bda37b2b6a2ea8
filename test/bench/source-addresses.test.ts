import { test } from 'tap';
import { SourceAddresses } from '../../bench/source-addresses.ts';

test('clients and peers of a server on loopback have addresses of their own', async (t) => {
  const sources = new SourceAddresses('127.0.0.1', 4711);
  const all = Array.from({ length: 15_000 }, (_, i) => [sources.client(i), sources.peer(i)]).flat();
  t.equal(new Set(all).size, 30_000);
  t.ok(all.every((address) => /^127\.[12]\.\d{1,3}\.\d{1,3}$/.test(address ?? '')));
});

test('a few thousand clients are spread over networks evenly', async (t) => {
  const sources = new SourceAddresses('127.0.0.1', 4711);
  const counts = new Map<string, number>();
  for (let i = 0; i < 4096; i++) {
    const network = sources.client(i)?.replace(/\.\d+$/, '') ?? '';
    counts.set(network, (counts.get(network) ?? 0) + 1);
  }
  t.ok(Math.max(...counts.values()) <= 16, 'a limit per network does not meet them');
});

test('elsewhere the kernel chooses', async (t) => {
  t.equal(new SourceAddresses('192.0.2.1', 0).client(0), null);
  t.equal(new SourceAddresses('::1', 0).peer(0), null);
});
