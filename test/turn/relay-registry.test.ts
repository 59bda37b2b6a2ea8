import { test } from 'tap';
import { TransportWords } from '../../src/stun/transport-address.ts';
import type { Relay } from '../../src/turn/allocation.ts';
import { RelayRegistry } from '../../src/turn/relay-registry.ts';
import { transportAddress } from '../support/lab.ts';

const relay = (text: string): Relay => ({ relayed: transportAddress(text) }) as unknown as Relay;

function find(registry: RelayRegistry, text: string): Relay | null {
  const { ip, port } = transportAddress(text);
  return registry.find(ip, port);
}

test('a relay is found by the address it is shown as, and by nothing else', async (t) => {
  const registry = new RelayRegistry();
  const four = relay('203.0.113.1:50000');
  const six = relay('[2001:db8::1]:50000');
  const other = relay('203.0.113.2:50000');
  for (const one of [four, six, other]) registry.add(one);
  t.equal(find(registry, '203.0.113.1:50000'), four);
  t.equal(find(registry, '[2001:db8::1]:50000'), six);
  t.equal(find(registry, '203.0.113.2:50000'), other);
  t.equal(find(registry, '203.0.113.1:50001'), null);
  t.equal(find(registry, '203.0.113.3:50000'), null);
  t.equal(find(registry, '[::ffff:203.0.113.1]:50000'), null);
  const words = new TransportWords();
  words.set(transportAddress('[2001:db8::1]:50000'));
  t.equal(registry.find(words, words.port), six);
});

test('a removed relay is gone, its neighbours on the port are not', async (t) => {
  const registry = new RelayRegistry();
  const [one, two] = [relay('203.0.113.1:50000'), relay('203.0.113.2:50000')];
  registry.add(one);
  registry.add(two);
  registry.remove(one);
  registry.remove(one);
  t.equal(find(registry, '203.0.113.1:50000'), null);
  t.equal(find(registry, '203.0.113.2:50000'), two);
  registry.remove(two);
  t.equal(find(registry, '203.0.113.2:50000'), null);
  registry.remove(two);
  registry.remove(relay('203.0.113.9:9'));
});

test('removing another relay of the same address leaves the one that is there', async (t) => {
  const registry = new RelayRegistry();
  const successor = relay('203.0.113.1:50000');
  registry.add(successor);
  registry.remove(relay('203.0.113.1:50000'));
  t.equal(find(registry, '203.0.113.1:50000'), successor);
});

test('an address is shown as long as a relay lives there', async (t) => {
  const registry = new RelayRegistry();
  const [one, two] = [relay('203.0.113.1:50000'), relay('203.0.113.1:50001')];
  const { ip } = transportAddress('203.0.113.1:1');
  t.notOk(registry.shows(ip));
  registry.add(one);
  registry.add(two);
  registry.remove(one);
  registry.remove(one);
  t.ok(registry.shows(ip));
  registry.remove(two);
  t.notOk(registry.shows(ip));
});
