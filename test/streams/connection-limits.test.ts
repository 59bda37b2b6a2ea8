import { test } from 'tap';
import { Admission, ConnectionLimits } from '../../src/streams/connection-limits.ts';
import { AddressWords, readIpText } from '../../src/stun/ip-address.ts';

function client(text: string): AddressWords {
  const words = new AddressWords();
  readIpText(text, words);
  return words;
}

test('an IPv6 client is its /64, an IPv4 client its address', async (t) => {
  const limits = new ConnectionLimits();
  t.equal(limits.acquire(client('2001:db8:1:2::1'), 10, 1), Admission.ADMITTED);
  t.equal(limits.acquire(client('2001:db8:1:2:ffff::9'), 10, 1), Admission.OVER_CLIENT);
  t.equal(limits.acquire(client('2001:db8:1:3::1'), 10, 1), Admission.ADMITTED);
  t.equal(limits.acquire(client('192.0.2.1'), 10, 1), Admission.ADMITTED);
  t.equal(limits.acquire(client('192.0.2.1'), 10, 1), Admission.OVER_CLIENT);
  t.equal(limits.acquire(client('192.0.2.2'), 10, 1), Admission.ADMITTED);
  t.equal(limits.total, 4);
});

test('a refusal takes no place, and a place that is given back may be taken again', async (t) => {
  const limits = new ConnectionLimits();
  const one = client('192.0.2.1');
  for (let count = 0; count < 3; count++) t.equal(limits.acquire(one, 3, 3), Admission.ADMITTED);
  t.equal(limits.acquire(one, 3, 3), Admission.OVER_TOTAL);
  t.equal(limits.acquire(client('192.0.2.2'), 3, 3), Admission.OVER_TOTAL);
  for (let count = 0; count < 3; count++) limits.release(one);
  t.equal(limits.total, 0);
  t.equal(limits.acquire(one, 3, 1), Admission.ADMITTED, 'nothing is left of the count');
});

test('a limit of 0 per client is none', async (t) => {
  const limits = new ConnectionLimits();
  for (let count = 0; count < 5; count++) t.equal(limits.acquire(client('192.0.2.1'), 10, 0), Admission.ADMITTED);
});
