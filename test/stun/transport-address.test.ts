import { test } from 'tap';
import { parseIp } from '../../src/stun/ip-address.ts';
import { TransportAddress, TransportWords } from '../../src/stun/transport-address.ts';

const v4 = new TransportAddress(parseIp('192.0.2.1')!, 3478);
const v6 = new TransportAddress(parseIp('2001:db8::8a2e:370:7334')!, 5349);

test('an address prints as people write it', async (t) => {
  t.equal(v4.text, '192.0.2.1:3478');
  t.equal(v6.text, '[2001:db8::8a2e:370:7334]:5349');
});

test('a scratch gives back what it was set to', async (t) => {
  const words = new TransportWords();
  for (const address of [v4, v6]) {
    words.set(address);
    t.ok(words.copyAddress().equals(address), address.text);
    const other = new TransportWords();
    other.copyFrom(words);
    t.ok(other.copyAddress().equals(address), address.text);
    other.setTo(address.ip, 7);
    t.ok(other.copyAddress().equals(new TransportAddress(address.ip, 7)));
  }
});

test('a copy outlives the scratch', async (t) => {
  const words = new TransportWords();
  words.set(v6);
  const copy = words.copyAddress();
  words.set(v4);
  t.equal(copy.text, v6.text);
});

test('equality needs IP and port', async (t) => {
  t.ok(v4.equals(new TransportAddress(parseIp('192.0.2.1')!, 3478)));
  t.notOk(v4.equals(new TransportAddress(parseIp('192.0.2.1')!, 3479)));
  t.notOk(v4.equals(new TransportAddress(parseIp('192.0.2.2')!, 3478)));
});
