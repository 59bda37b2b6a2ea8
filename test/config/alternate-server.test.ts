import { test } from 'tap';
import { findSecondServer, parseAlternateServer } from '../../src/config/alternate-server.ts';
import { compareConfigs } from '../../src/config/live-changes.ts';
import { configOf } from './parse.ts';

test('an alternate server is an address of one transport', async (t) => {
  const udp = { transport: 'udp', ip: '192.0.2.7', port: 3478, domain: '' };
  t.same(parseAlternateServer('udp://192.0.2.7:3478'), { value: udp });
  t.same(parseAlternateServer('udp://192.0.2.7'), { value: udp });
  t.same(parseAlternateServer('tls://[2001:db8::7]?domain=b.example.org'), {
    value: { transport: 'tls', ip: '2001:db8::7', port: 5349, domain: 'b.example.org' },
  });
});

test('what is none is told why', async (t) => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ['192.0.2.7:3478', /is not a server such as udp:/],
    ['tcp+tls://192.0.2.7', /is not a server such as udp:/],
    ['udp://turn.example.org', /told an IP address, so no name/],
    ['udp://0.0.0.0', /told an IP address/],
    ['udp://192.0.2.7:0', /needs a port above 0/],
    ['udp://192.0.2.7:99999', /is not a port/],
    ['tcp://192.0.2.7?domain=b.example.org', /is for tls:\/\/ only/],
    ['tls://192.0.2.7?domain=1.2.3.4', /is no DNS name/],
  ];
  for (const [text, expected] of faults) t.match(parseAlternateServer(text), { error: expected }, text);
});

test('each transport and family has one place to go', async (t) => {
  const parsed = (text: string) => {
    const result = parseAlternateServer(text);
    if ('error' in result) throw new Error(result.error);
    return result.value;
  };
  const list = ['udp://192.0.2.7', 'tcp://192.0.2.7', 'udp://[2001:db8::7]', 'udp://192.0.2.8'].map(parsed);
  t.equal(findSecondServer(list), 3);
  t.equal(findSecondServer(list.slice(0, 3)), -1);
});

test('R17 where clients are sent is live', async (t) => {
  const old = configOf({ yaml: 'auth: {users: [a:b]}' });
  const next = configOf({ yaml: 'auth: {users: [a:b]}\ndrain: {alternate-servers: ["udp://192.0.2.7:3478"]}' });
  const changes = compareConfigs(old, next);
  t.same([changes.live, changes.restart], [['drain.alternate-servers'], []]);
  t.same(changes.config.drain.alternateServers, next.drain.alternateServers);
});
