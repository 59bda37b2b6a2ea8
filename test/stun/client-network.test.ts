import { test } from 'tap';
import { clientNetwork } from '../../src/stun/client-network.ts';
import { transportAddress } from '../support/lab.ts';

const networkOf = (ip: string): string => clientNetwork(transportAddress(`[${ip}]:1`).ip);

test('an IPv4 address is a network of its own, however it is written', async (t) => {
  t.equal(networkOf('192.0.2.1'), networkOf('::ffff:192.0.2.1'));
  t.not(networkOf('192.0.2.1'), networkOf('192.0.2.2'));
});

test('an IPv6 address stands for its /64', async (t) => {
  t.equal(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:2:ffff::9'));
  t.not(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
});
