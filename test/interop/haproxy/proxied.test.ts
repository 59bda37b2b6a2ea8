// turnd behind a real haproxy that passes TCP through: TURN and TURN over TLS, each client with its own address.

import { test } from 'tap';
import { RawClient } from '../../support/raw-client.ts';
import { TEST_USER, type TurnServer } from '../../support/turn-server.ts';
import { startTurnd } from '../../support/turnd.ts';
import { runUclient, STATIC_USER, uclientProgram } from '../coturn/uclient.ts';
import { checkComplete } from '../coturn/uclient-modes.ts';
import { haproxyProgram, startHaproxy, WAYS, type Way } from './haproxy.ts';

const skip = haproxyProgram.skip || uclientProgram.skip;
const ALL_WAYS = Object.keys(WAYS) as Way[];
const MAPPED = 0x0020;

// Of the listener with ?proxy-protocol, which the line "ready" names.
function proxiedPort({ lines }: TurnServer): number {
  const ready = lines.find((line) => line.includes('"ready"')) ?? '{}';
  const { listeners = [] } = JSON.parse(ready) as { listeners?: { port: number; proxyProtocol?: true }[] };
  const found = listeners.find(({ proxyProtocol }) => proxyProtocol === true);
  if (found === undefined) throw new Error(`no listener for proxies: ${ready}`);
  return found.port;
}

test('turnd behind haproxy', { skip }, async (t) => {
  const server = await startTurnd({ args: ['--listen', 'tcp+tls://127.0.0.1:0?proxy-protocol'] });
  t.teardown(() => server.close());
  const haproxy = await startHaproxy(proxiedPort(server));
  t.teardown(() => haproxy.close());
  const user = { user: TEST_USER.username, password: TEST_USER.password };

  for (const way of ALL_WAYS) {
    await t.test(`PROXY-16 PROXY-03 ${way}: a client sees its own address, over TCP and TLS`, async (t) => {
      for (const transport of ['tcp', 'tls'] as const) {
        const client = await RawClient.open({ transport, port: haproxy.ports[way], ...user });
        t.teardown(() => client.close());
        const { localPort } = client.socket!;
        t.equal((await client.binding()).xorAddress(MAPPED), `127.0.0.1:${localPort}`, transport);
        const { port } = await client.allocated();
        t.ok(port > 0);
      }
    });
  }

  await t.test('turnutils_uclient loses nothing through haproxy, over TCP and TLS', async (t) => {
    const { v1: tcp, tlvs: tls } = haproxy.ports;
    const behind: TurnServer = { ...server, ports: { ...server.ports, tcp, tls } };
    const flags = [...STATIC_USER, '-y', '-c'];
    const [plain, secure] = await Promise.all([runUclient(behind, 'tcp', flags), runUclient(behind, 'tls', flags)]);
    checkComplete(t, plain, 40);
    t.equal(secure.code, 0, secure.output);
    // Two messages that come to share a TLS record are one to uclient.
    t.ok(secure.received >= 30, secure.output);
  });
});
