// Runs a WebRTC client in a process of its own against the server under test, and checks what it reports.

import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { runToEnd } from '../../support/child-process.ts';
import { startServer } from '../../support/turn-under-test.ts';

const TIMEOUT_MS = 60_000;

function reportLine(output: string): unknown {
  const line = output.split('\n').find((text) => text.startsWith('{"candidateTypes"'));
  return line === undefined ? null : JSON.parse(line);
}

/** The client in `clients/` named `client` reaches the server over `transport`; both its ends are relayed. */
export async function testRelayedClient(t: Test, client: string, transport: 'udp' | 'tcp'): Promise<void> {
  const server = await startServer();
  t.teardown(() => server.close());
  const program = fileURLToPath(new URL(`./clients/${client}.js`, import.meta.url));
  const { code, output } = await runToEnd(
    process.execPath,
    [program, JSON.stringify(server.iceServers[transport])],
    TIMEOUT_MS,
  );
  t.strictSame(reportLine(output), { candidateTypes: ['relay'], greeting: 'ahoy', intact: true }, { output });
  t.equal(code, 0, 'the client ends cleanly');
}
