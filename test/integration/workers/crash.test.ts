// A worker that dies or hangs is replaced, and nobody but its own clients notices.

import { test } from 'tap';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { REQUEST } from '../../support/raw-client.ts';
import { lifetime } from '../../support/wire-attributes.ts';
import { pidOf, placeOn, startWorkers, workersOf } from '../../support/worker-processes.ts';

const FATES = [
  ['killed', 'SIGKILL', 'worker 1 is gone (SIGKILL), and'],
  ['hung', 'SIGSTOP', 'worker 1 is gone (SIGKILL: no sign of life for 10 seconds), and'],
] as const;

for (const [fate, signal, sentence] of FATES) {
  test(`R20, R22 a worker that is ${fate} is replaced; the other's calls lose nothing`, async (t) => {
    const server = await startWorkers(t);
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => peer.close());
    const doomed = await placeOn(t, server, 1);
    const other = await placeOn(t, server, 2);
    await other.client.bind(0x4000, '127.0.0.1', peer.port);
    const pids = workersOf(server);
    process.kill(pidOf(server, 1), signal);
    let sent = 0;
    const talk = setInterval(() => other.client.sendChannel(0x4000, String(sent++)), 5);
    t.teardown(() => clearInterval(talk));
    const lost = await server.logged('the loss', ({ event }) => event === 'worker-lost');
    t.match(lost.msg, sentence);
    t.equal(lost['pid'], pids.get(1));
    const replaced = await server.logged('the successor', ({ event }) => event === 'worker-replaced');
    t.equal(replaced['pid'], pidOf(server, 1));
    t.not(replaced['pid'], pids.get(1));
    // The five-tuple reaches the successor, which knows nothing of the allocation.
    const answer = await doomed.client.request(REQUEST.refresh, [lifetime(600)]);
    t.equal(answer.errorCode, 437);
    clearInterval(talk);
    for (let count = 0; count < sent; count++) t.equal((await peer.next()).bytes.toString(), String(count));
    t.equal(workersOf(server).get(2), pids.get(2), 'the other worker is the same');
    await doomed.client.allocated();
  });
}

test('five deaths within a minute end the server with a sentence and status 1', async (t) => {
  const server = await startWorkers(t);
  for (let death = 1; death <= 5; death++) {
    process.kill(pidOf(server, 2), 'SIGKILL');
    if (death === 5) break;
    const isReplaced = (): boolean => server.log.filter(({ event }) => event === 'worker-replaced').length === death;
    await server.until('a successor', () => isReplaced() || undefined);
  }
  t.equal(await server.ended, 1);
  t.equal(server.stderr, 'turnd: 5 workers ended within 60 seconds\n');
  t.match(server.log.at(-1), { level: 'fatal', event: 'failed', msg: '5 workers ended within 60 seconds' });
});
