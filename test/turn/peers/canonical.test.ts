import { test } from 'tap';
import { parseIp } from '../../../src/stun/ip-address.ts';
import { embeddedIpv4 } from '../../../src/turn/peers/canonical.ts';

function embedded(text: string): string[] {
  return embeddedIpv4(parseIp(text)!).map((ip) => ip.text);
}

test('each single form gives its IPv4 address', async (t) => {
  const forms = {
    '::ffff:c000:221': 'mapped',
    '::c000:221': 'compatible',
    '::ffff:0:c000:221': 'translated',
    '64:ff9b::c000:221': 'NAT64, the example of RFC 6052 §2.4',
    '2002:c000:221::1': '6to4',
    '2a00:1450::5efe:c000:221': 'ISATAP',
    '2a00:1450::200:5efe:c000:221': 'ISATAP with the universal bit',
    'fe80::5efe:c000:221': 'ISATAP, link-local',
  };
  for (const [text, name] of Object.entries(forms)) t.strictSame(embedded(text), ['192.0.2.33'], name);
});

test('Teredo gives the server, and the client behind inverted bits', async (t) => {
  // The example address that is found all over the literature on Teredo.
  t.strictSame(embedded('2001:0:4136:e378:8000:63bf:3fff:fdd2'), ['65.54.227.120', '192.0.2.45']);
});

test('local NAT64 gives the readings of RFC 6052 for every prefix length', async (t) => {
  t.ok(embedded('64:ff9b:1:c000:2:2100::').includes('192.0.2.33'), '/48');
  t.ok(embedded('64:ff9b:1:c0:0:221::').includes('192.0.2.33'), '/56');
  t.ok(embedded('64:ff9b:1:abcd:c0:2:2100:0').includes('192.0.2.33'), '/64');
  t.ok(embedded('64:ff9b:1:abcd::c000:221').includes('192.0.2.33'), '/96');
});

test('local NAT64 ignores readings in 0.0.0.0/8 unless there is no other', async (t) => {
  t.strictSame(embedded('64:ff9b:1::192.0.2.33'), ['192.0.2.33']);
  t.strictSame(new Set(embedded('64:ff9b:1::')), new Set(['0.0.0.0']));
});

test('an address that fits two forms gives both', async (t) => {
  t.strictSame(embedded('2002:c000:221::5efe:a00:1'), ['192.0.2.33', '10.0.0.1']);
});

test('an ordinary address embeds nothing', async (t) => {
  const ordinary = ['192.0.2.33', '2001:db8::c000:221', '2003::1', '64:ff9b:2::1', '64:ff9b::1:0:1', '64:ff9a::1'];
  ordinary.push('::fffe:c000:221', '::1:ffff:c000:221', '1::ffff:c000:221', '2001:1::1', 'fe80::5eff:a00:1');
  for (const text of ordinary) t.strictSame(embedded(text), [], text);
});
