// Thousands of names that nobody has, from many networks, while the store is dead or slow: who is answered is answered in a
// definite way, known users elsewhere are served, whoever looks after the server gets its answers, and everything that was taken for it comes back.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { askControl } from '../../../src/control/control-transport.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { patiently, RawClient, REQUEST } from '../../support/raw-client.ts';
import { SlowProxy } from '../../support/slow-proxy.ts';
import { type TurndProcess, temporaryDirectory } from '../../support/turnd-process.ts';
import { decode, message } from '../../support/wire.ts';
import { lifetime, longTermKey, nonce, realm, requestedTransport, username } from '../../support/wire-attributes.ts';
import { isWhole, startCall } from './call.ts';
import {
  addUser,
  allocateUntil,
  clientOf,
  openAside,
  POSTGRES,
  REALM,
  REDIS,
  type ServerKind,
  startWith,
} from './scene.ts';

/** Each from a network of its own, of which 50 may wait: together fewer than may wait in all. */
const SOCKETS = 15;
const NAMES = 200;
/** A second try of a client comes after 500 ms, the next ones a second and two later. */
const KNOWN_MS = 2000;
const CONTROL_MS = 3000;
/** What main may have grown by: questions that wait, and what V8 has not given back yet. */
const MAX_GROWTH_KB = 96 * 1024;
const MORE_DESCRIPTORS = 8;

/** Clients that try names. */
class Flood {
  /** How many answers there were with each code. */
  readonly answers = new Map<number, number>();
  readonly #clients: RawClient[] = [];
  #name = 0;

  static async open(t: Test, port: number): Promise<Flood> {
    const flood = new Flood();
    for (let at = 0; at < SOCKETS; at++) {
      // Few of one network may wait: whoever shares one with the flood waits with it.
      const client = await RawClient.open({ port, socket: await DatagramPeer.open(`127.0.${1 + at}.1`) });
      t.teardown(() => client.close());
      await client.challenge();
      client.datagrams?.socket.on('message', (bytes) => flood.#heard(decode(bytes).errorCode ?? 0));
      flood.#clients.push(client);
    }
    return flood;
  }

  /** Sends a name of its own from each socket, over and over. */
  async run(): Promise<void> {
    for (let round = 0; round < NAMES; round++) {
      for (const client of this.#clients) client.send(this.#request(client));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  get answered(): number {
    return [...this.answers.values()].reduce((sum, count) => sum + count, 0);
  }

  #request(client: RawClient): Buffer {
    const name = `nobody-${this.#name++}`;
    const attrs = [requestedTransport(), username(name), realm(REALM), nonce(client.nonce)];
    return message({ type: REQUEST.allocate, attrs, key: longTermKey(name, REALM, 'guess') });
  }

  #heard(code: number): void {
    this.answers.set(code, (this.answers.get(code) ?? 0) + 1);
  }
}

function memoryOf({ pid }: TurndProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function descriptorsOf({ pid }: TurndProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** What alice is answered, by a client that gives back what it gets. */
async function serveAlice(t: Test, server: TurndProcess): Promise<number> {
  const client = await clientOf(t, server, 'alice');
  const { errorCode = 0 } = await client.allocate();
  await client.request(REQUEST.refresh, [lifetime(0)]);
  client.close();
  return errorCode;
}

async function timed<T>(work: Promise<T>): Promise<readonly [T, number]> {
  const since = performance.now();
  return [await work, performance.now() - since];
}

for (const kind of [REDIS, POSTGRES] satisfies ServerKind[]) {
  for (const state of ['dead', 'slow'] as const) {
    test(`thousands of unknown names while ${kind.name} is ${state}`, { skip: kind.skip }, async (t) => {
      const database = await kind.start();
      t.teardown(() => database.close());
      const store = await openAside(t, database.url);
      for (const user of ['alice', 'bob']) await addUser(store, user);
      const url = new URL(database.url);
      const proxy = await SlowProxy.open(t, Number(url.port));
      url.port = `${proxy.port}`;
      const directory = temporaryDirectory(t);
      const env = {
        TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
        TURND_LIMITS__FAILED_LOGINS_PER_SECOND: '0',
      };
      const server = await startWith(t, { url: url.href, env, directory });
      const call = await startCall(t, server);
      const flood = await Flood.open(t, await server.port('udp'));
      const status = () =>
        askControl(
          { path: join(directory, 'state', 'turnd.sock'), timeout: CONTROL_MS },
          { method: 'GET', target: '/v1/status' },
        );
      await status();
      const [memory, descriptors] = [memoryOf(server), descriptorsOf(server)];

      if (state === 'dead') await database.server.kill();
      else proxy.mode = { kind: 'slow', ms: 1500 };
      let isOver = false;
      const flooding = flood.run().finally(() => {
        isOver = true;
      });
      while (!isOver) {
        const [known, took] = await timed(serveAlice(t, server));
        t.equal(known, 0, 'a known user is served');
        t.ok(took < KNOWN_MS, `in ${took} ms`);
        t.ok(await isWhole(call), 'the call goes on');
        t.match(await status(), { allocations: Number });
        t.ok(descriptorsOf(server) - descriptors <= MORE_DESCRIPTORS, 'descriptors');
      }
      await flooding;
      // What waits for a place beyond those of its network is dropped (S43): clients send again.
      const isAnswered = async (): Promise<void> => {
        while (flood.answered < SOCKETS) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await patiently('answers', isAnswered());
      t.same(
        [...flood.answers.keys()].filter((code) => code !== 401 && code !== 500),
        [],
      );

      if (state === 'dead') await database.server.start();
      proxy.mode = { kind: 'fast' };
      t.equal(await allocateUntil(t, server, 'bob', 0), 0, 'it heals');
      t.ok(descriptorsOf(server) - descriptors <= MORE_DESCRIPTORS, 'descriptors come back');
      const growth = memoryOf(server) - memory;
      t.ok(growth < MAX_GROWTH_KB, `${growth} KB more`);
      t.comment(`${state} ${kind.name}: ${JSON.stringify([...flood.answers])}, ${growth} KB more`);
      t.equal(server.stderr, '');
    });
  }
}
