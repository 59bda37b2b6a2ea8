// What is printed of a configuration is that configuration again.

import fc from 'fast-check';
import { test } from 'tap';
import { printConfig } from '../../src/config/print-config.ts';
import { configOf, parse } from './parse.ts';

const addresses = fc.constantFrom(['192.0.2.1'], ['2001:db8::1'], ['192.0.2.1', '2001:db8::1'], 'auto');
const range = fc.constantFrom('10.0.0.0/8', '192.168.0.0/16', 'fd00::/8', '2001:db8::/32');

/** Settings without secrets, which are printed as stars; an absent key stands for its default. */
const settings = fc.record(
  {
    realm: fc.constantFrom('example.org', 'turnd', 'no', '1.5', '~', 'é: x', "it's # so"),
    listen: fc.constantFrom(['udp://*:3478'], ['udp://127.0.0.1:3478', 'tcp+tls://[::1]:5349'], ['tcp://0.0.0.0:443']),
    relay: fc.record({ address: addresses, ports: fc.constantFrom('50000-50100', '49152-65535') }),
    peers: fc.record({ allow: fc.uniqueArray(range), deny: fc.uniqueArray(range) }),
    log: fc.record({ level: fc.constantFrom('debug', 'info', 'silent'), format: fc.constantFrom('json', 'pretty') }),
    limits: fc.record({ 'allocations-per-client-address': fc.nat(100_000), allocations: fc.nat(1000) }),
    store: fc.constantFrom('none', 'auto', 'sqlite:///var/lib/turnd/turnd.db', 'redis://db.example.org/3'),
  },
  { requiredKeys: [] },
);

test('property: a configuration that is printed and read again is the same', async () => {
  const same = fc.property(settings, (tree) => {
    const first = parse({ yaml: JSON.stringify(tree) });
    if (!first.ok) throw new Error(first.errors.join('\n'));
    const printed = printConfig(first.tree);
    const again = configOf({ yaml: printed });
    if (JSON.stringify(again) !== JSON.stringify(first.config)) throw new Error(`another one:\n${printed}`);
    if (printConfig(first.tree) !== printConfig(parsedTree(printed))) throw new Error(`printed otherwise:\n${printed}`);
  });
  fc.assert(same, { numRuns: 150, interruptAfterTimeLimit: 20_000 });
});

function parsedTree(yaml: string) {
  const result = parse({ yaml });
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return result.tree;
}
