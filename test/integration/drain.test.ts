// Going out of service under clients of every transport: by a signal, and by turnctl's words.

import { join } from 'node:path';
import { type Test, test } from 'tap';
import { ControlClient } from '../../src/control/control-client.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { RawClient, type RawTransport, REQUEST } from '../support/raw-client.ts';
import { labFlags, startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { lifetime } from '../support/wire-attributes.ts';

const STREAMS = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];
const CHANNEL = 0x4000;
// A worker hears of a change a moment after main; and a challenge may be asked for so often.
const MOST_TRIES = 100;

/** A running server, a peer, and clients. */
class Scene {
  readonly server: TurndProcess;
  readonly control: ControlClient;
  readonly peer: DatagramPeer;
  readonly #t: Test;

  private constructor(t: Test, parts: Pick<Scene, 'server' | 'control' | 'peer'>) {
    this.#t = t;
    this.server = parts.server;
    this.control = parts.control;
    this.peer = parts.peer;
  }

  static async open(t: Test, drainTimeout: string): Promise<Scene> {
    const directory = temporaryDirectory(t);
    const env = { TURND_DRAIN__TIMEOUT: drainTimeout, TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0' };
    const server = await startTurndWith(t, labFlags(directory, ...STREAMS), { env });
    // One that drains does not end by one signal.
    t.teardown(() => server.child.kill('SIGKILL'));
    const path = join(directory, 'state', 'turnd.sock');
    const control = await ControlClient.open({ path, timeout: 30_000 });
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => peer.close());
    return new Scene(t, { server, control, peer });
  }

  async client(transport: RawTransport): Promise<RawClient> {
    const client = await RawClient.open({ transport, port: await this.server.port(transport) });
    this.#t.teardown(() => client.close());
    return client;
  }

  /** A client whose channel leads to the peer. */
  async call(transport: RawTransport): Promise<RawClient> {
    const client = await this.client(transport);
    await client.allocated();
    await client.bind(CHANNEL, '127.0.0.1', this.peer.port);
    return client;
  }

  /** A packet there and back. */
  async talk(client: RawClient, text: string): Promise<void> {
    client.sendChannel(CHANNEL, text);
    const { bytes, address, port } = await this.peer.next();
    this.#t.equal(bytes.toString(), text);
    await this.peer.send(Buffer.from(`re: ${text}`), port, address);
    this.#t.equal((await client.nextData()).toString(), `re: ${text}`);
  }

  /** New clients until one is answered so: `undefined` is success. What was allocated is given back. */
  async untilAllocate(code: number | undefined): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const client = await this.client('udp');
      const { errorCode } = await client.allocate();
      if (errorCode === undefined) await hangUp(client);
      if (errorCode === code) return;
    }
    throw new Error(`no Allocate was answered ${code ?? 'with success'}`);
  }
}

test('R17 SIGTERM refuses new allocations, lets calls go on, and ends with the last one', async (t) => {
  const scene = await Scene.open(t, '3600');
  const calls = await Promise.all((['udp', 'tcp', 'tls'] as const).map((transport) => scene.call(transport)));
  scene.server.child.kill('SIGTERM');
  await scene.untilAllocate(508);
  for (const call of calls) {
    await scene.talk(call, 'still here');
    t.equal((await call.request(REQUEST.refresh, [])).errorCode, undefined);
    t.equal((await call.permit('127.0.0.2')).errorCode, undefined);
    await scene.talk(call, 'and here');
  }
  t.match((await scene.control.status()).drain, { allocations: 3, isDone: false, stays: false });
  await t.rejects(scene.control.undrain(), { fault: 'conflict', message: /signal/ });
  for (const call of calls) await hangUp(call);
  t.equal(await scene.server.ended, 0);
  t.equal(scene.server.log.find(({ event }) => event === 'stopping')?.['signal'], 'SIGTERM');
  const reasons = scene.server.log.flatMap(({ reason }) => reason ?? []);
  t.notOk(reasons.includes('shutdown'), 'nobody was cut off');
});

test('R17 drain by command: refused, taken back, at a threshold; a second SIGTERM ends calls at once', async (t) => {
  const scene = await Scene.open(t, '3600');
  const [first] = [await scene.call('udp'), await scene.call('tls')];
  t.match(await scene.control.drain({ timeout: 3600, threshold: null, stays: false }), {
    allocations: 2,
    threshold: 0,
  });
  await scene.untilAllocate(508);
  await scene.talk(first, 'go on');
  await scene.control.undrain();
  t.equal((await scene.control.status()).drain, null);
  await scene.untilAllocate(undefined);
  await scene.control.drain({ timeout: null, threshold: 2, stays: true });
  // The allocation that was just tried may still be counted when the drain begins.
  await scene.server.logged('the end of the drain', ({ event }) => event === 'drained');
  t.match((await scene.control.status()).drain, { isDone: true, allocations: 2 });
  await scene.untilAllocate(508);
  await scene.talk(first, 'it has stayed');
  scene.server.child.kill('SIGTERM');
  await scene.server.logged('the drain', ({ event, cause }) => event === 'draining' && cause === 'signal');
  await scene.talk(first, 'once told');
  scene.server.child.kill('SIGTERM');
  t.equal(await scene.server.ended, 0);
  const reasons = scene.server.log.flatMap(({ reason }) => reason ?? []);
  t.equal(reasons.filter((reason) => reason === 'shutdown').length, 2);
  await t.rejects(scene.control.status(), { name: 'UnreachableError' });
});

async function hangUp(client: RawClient): Promise<void> {
  await client.request(REQUEST.refresh, [lifetime(0)]);
}
