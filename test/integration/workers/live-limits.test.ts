// Limits that change while a server runs, in both of its shapes: what a reload hands over reaches main and every worker.

import { createHmac } from 'node:crypto';
import { test } from 'tap';
import { makeLogger } from '../../../src/log/logger.ts';
import type { RunningServer } from '../../../src/server/running-server.ts';
import { startServer } from '../../../src/server.ts';
import { DropReason } from '../../../src/turn/drop-reason.ts';
import { configOf, parse } from '../../config/parse.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { RawClient } from '../../support/raw-client.ts';
import { type Teardown, temporaryDirectory } from '../../support/turnd-process.ts';

const SHAPES = ['plane: linux, workers: 2', 'plane: portable'] as const;
const SECRET = 'a secret of this test, long enough';
const ANY = { user: null, realm: null, client: null, transport: null, after: 0, limit: 1000 } as const;
// A worker hears of a change a moment after main: nobody needs so many attempts.
const MOST_TRIES = 200;

/** A running server, and its clients. */
class Scene {
  readonly server: RunningServer;
  readonly #t: Teardown;
  readonly #yamlWith: (limits: string) => string;

  private constructor(t: Teardown, server: RunningServer, yamlWith: (limits: string) => string) {
    this.#t = t;
    this.server = server;
    this.#yamlWith = yamlWith;
  }

  static async open(t: Teardown, shape: string): Promise<Scene> {
    const directory = temporaryDirectory(t);
    const yamlWith = (limits: string): string =>
      `{${shape}, listen: ["udp://127.0.0.1:0"], state-dir: ${directory}/state,
      relay: {address: 127.0.0.1, external-address: none}, peers: {unsafe-allow-loopback: true},
      auth: {users: ["alice:secret-of-alice"], secrets: ["${SECRET}"]},
      limits: {unauthenticated-replies-per-second: 0, new-peers-per-second: 0, ${limits}}}`;
    const forward = (): void => undefined;
    const { server } = await startServer({
      config: configOf({ yaml: yamlWith('') }),
      tree: {},
      logger: makeLogger('silent', null, forward),
      forward,
      version: '0',
      reload: () => parse({ yaml: yamlWith('') }),
    });
    t.teardown(() => server.close());
    return new Scene(t, server, yamlWith);
  }

  apply(limits: string): void {
    this.server.apply(configOf({ yaml: this.#yamlWith(limits) }));
  }

  async client(user = 'alice', password = 'secret-of-alice'): Promise<RawClient> {
    const client = await RawClient.open({ port: this.server.listeners[0]?.port ?? 0, user, password });
    this.#t.teardown(() => client.close());
    return client;
  }

  /** A client with a time-limited name. */
  restClient(id: string): Promise<RawClient> {
    const user = `${Math.floor(Date.now() / 1000) + 3600}:${id}`;
    return this.client(user, createHmac('sha1', SECRET).update(user).digest('base64'));
  }

  /** Allocates with new clients until one is refused. @returns the error, and how many were not */
  async fill(make: () => Promise<RawClient>): Promise<{ readonly code: number | undefined; readonly made: number }> {
    for (let made = 0; made < MOST_TRIES; made++) {
      const { errorCode } = await (await make()).allocate();
      if (errorCode !== undefined) return { code: errorCode, made };
    }
    throw new Error('nobody was refused');
  }

  async endAll(): Promise<void> {
    for (const { id } of await this.server.sessions(ANY)) await this.server.end({ id });
  }

  /** Packets from clients that were relayed and that exceeded a rate. */
  async traffic(): Promise<{ readonly relayed: number; readonly dropped: number }> {
    const { engine } = (await this.server.counters()) as unknown as {
      engine: { packetsToPeer: number; dropped: readonly number[] };
    };
    return { relayed: engine.packetsToPeer, dropped: engine.dropped[DropReason.OVER_RATE] ?? 0 };
  }
}

/** Repeats a request until it is answered so. */
async function until(code: number | undefined, ask: (turn: number) => Promise<{ errorCode?: number | undefined }>) {
  for (let turn = 0; turn < MOST_TRIES; turn++) if ((await ask(turn)).errorCode === code) return;
  throw new Error(`no answer was ${code ?? 'a success'}`);
}

for (const shape of SHAPES) {
  test(`S48: ${shape}: every quota changes under way, and holds for the next allocation`, async (t) => {
    const scene = await Scene.open(t, shape);
    for (let held = 0; held < 5; held++) await (await scene.client()).allocated();
    scene.apply('allocations: 3');
    t.same(await scene.fill(() => scene.client()), { code: 486, made: 0 });
    scene.apply('allocations-per-client-address: 6');
    t.same(await scene.fill(() => scene.client()), { code: 486, made: 1 }, 'those that were there count');
    scene.apply('allocations-per-user: 8');
    const { code, made } = await scene.fill(() => scene.client());
    t.equal(code, 486);
    t.ok(made >= 2, 'once all know of it');
    t.equal((await (await scene.restClient('carol')).allocate()).errorCode, undefined, 'it is alice’s');
    scene.apply('allocations-per-rest-user: 2');
    t.equal((await scene.fill(() => scene.restClient('dave'))).code, 486);
    scene.apply('');
    await until(undefined, async () => (await scene.client()).allocate());
  });

  test(`S50: ${shape}: limits of permissions and channels change under way`, async (t) => {
    const scene = await Scene.open(t, shape);
    const client = await scene.client();
    await client.allocated();
    await client.bind(0x4000, '127.0.0.1', 9);
    scene.apply('permissions-per-allocation: 1, channels-per-allocation: 1');
    await until(508, (turn) => client.permit(`203.1.0.${turn}`));
    await until(508, (turn) => client.bind(0x4001 + turn, '127.0.0.1', 10 + turn));
    scene.apply('');
    await until(undefined, () => client.permit('203.1.1.1'));
    await until(undefined, () => client.bind(0x4100, '127.0.0.1', 500));
  });

  test(`S51, TURN-40: ${shape}: a user’s rate holds at once, over all workers, and is lifted again`, async (t) => {
    const scene = await Scene.open(t, shape);
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => peer.close());
    const clients: RawClient[] = [];
    const spread = async (): Promise<number> =>
      new Set((await scene.server.sessions(ANY)).map(({ worker }) => worker)).size;
    while (clients.length < 4 || (await spread()) < scene.server.workers) {
      const client = await scene.client();
      await client.allocated();
      await client.bind(0x4000, '127.0.0.1', peer.port);
      clients.push(client);
    }
    // Three packets at once, and two a second.
    scene.apply('packets-per-second-per-user: 2');
    let last = { relayed: 0, dropped: 0 };
    while (last.dropped === 0) {
      for (const client of clients) client.sendChannel(0x4000, 'x');
      for (const client of clients) await client.binding();
      last = await scene.traffic();
    }
    // By now one worker knows; a change of its own is handled before the requests that follow it.
    await until(508, async (turn) => {
      scene.apply('packets-per-second-per-user: 2, channels-per-allocation: 1');
      const answers = await Promise.all(clients.map((client) => client.bind(0x4001 + turn, '127.0.0.1', 10 + turn)));
      return answers.every(({ errorCode }) => errorCode === 508) ? { errorCode: 508 } : {};
    });
    const before = await scene.traffic();
    const startedAt = performance.now();
    for (let round = 0; round < 50; round++) for (const client of clients) client.sendChannel(0x4000, 'x');
    for (const client of clients) await client.binding();
    const after = await scene.traffic();
    const seconds = (performance.now() - startedAt) / 1000;
    const relayed = after.relayed - before.relayed;
    t.ok(relayed <= 3 + 2 * seconds, `${relayed} of ${50 * clients.length} in ${seconds} s`);
    t.ok(after.dropped - before.dropped > 25 * clients.length, 'the others were dropped for it');
    const shown = await scene.server.sessions(ANY);
    t.equal(
      shown.reduce((sum, { overRateFromClient }) => sum + overRateFromClient, 0),
      after.dropped,
      'and stand in the list of sessions',
    );
    scene.apply('');
    const [first] = clients as [RawClient];
    await until(undefined, async () => {
      const { relayed: sofar } = await scene.traffic();
      for (let packet = 0; packet < 10; packet++) first.sendChannel(0x4000, 'x');
      await first.binding();
      return (await scene.traffic()).relayed === sofar + 10 ? {} : { errorCode: 1 };
    });
  });
}
