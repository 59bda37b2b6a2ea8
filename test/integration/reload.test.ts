// Reloads of a running server: listening addresses that come and go, and calls that do not notice any of it.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { ControlClient } from '../../src/control/control-client.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { findFreePort } from '../support/free-ports.ts';
import { RawClient, type RawTransport, REQUEST } from '../support/raw-client.ts';
import { makeCertificate } from '../support/self-made-certificate.ts';
import { bareFlags, startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { lifetime } from '../support/wire-attributes.ts';

const CHANNEL = 0x4000;
const MOST_TRIES = 1000;
/** R15 asks for 1,000: TURND_TEST_RELOADS. */
const RELOADS = Number(process.env['TURND_TEST_RELOADS'] ?? 100);

/** A running server with a file that can be changed, and a peer. */
class Scene {
  readonly server: TurndProcess;
  readonly control: ControlClient;
  readonly peer: DatagramPeer;
  readonly #t: Test;
  readonly #directory: string;

  private constructor(t: Test, directory: string, parts: Pick<Scene, 'server' | 'control' | 'peer'>) {
    this.#t = t;
    this.#directory = directory;
    this.server = parts.server;
    this.control = parts.control;
    this.peer = parts.peer;
  }

  static async open(t: Test, listen: readonly string[]): Promise<Scene> {
    const directory = temporaryDirectory(t);
    await putCertificate(directory);
    writeFileSync(join(directory, 'turnd.yaml'), yaml(listen, ''));
    const server = await startTurndWith(t, [...bareFlags(directory), '--config', join(directory, 'turnd.yaml')]);
    const path = join(directory, 'state', 'turnd.sock');
    const control = await ControlClient.open({ path, timeout: 30_000 });
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => peer.close());
    return new Scene(t, directory, { server, control, peer });
  }

  write(listen: readonly string[], limits = ''): void {
    writeFileSync(join(this.#directory, 'turnd.yaml'), yaml(listen, limits));
  }

  exchangeCertificate(): Promise<void> {
    return putCertificate(this.#directory);
  }

  /** A client whose channel leads to the peer. */
  async call(transport: RawTransport, port: number): Promise<RawClient> {
    const client = await RawClient.open({ transport, port });
    this.#t.teardown(() => client.close());
    await client.allocated();
    await client.bind(CHANNEL, '127.0.0.1', this.peer.port);
    return client;
  }

  /** A packet there and back: one that is lost fails the test by its silence. */
  async talk(client: RawClient, text: string): Promise<void> {
    client.sendChannel(CHANNEL, text);
    const { bytes, address, port } = await this.peer.next();
    if (bytes.toString() !== text) throw new Error(`${text} came as ${bytes.toString()}`);
    await this.peer.send(Buffer.from(`re: ${text}`), port, address);
    const answer = (await client.nextData()).toString();
    if (answer !== `re: ${text}`) throw new Error(`re: ${text} came as ${answer}`);
  }
}

function yaml(listen: readonly string[], limits: string): string {
  return [
    `listen: [${listen.map((url) => `"${url}"`).join(', ')}]`,
    'auth: {users: [{name: alice, password: secret-of-alice}]}',
    'tls: {certificates: [{certificate: certificate.pem, key: key.pem}]}',
    `limits: {unauthenticated-replies-per-second: 0, binding-replies-per-second: 0, ${limits}}`,
  ].join('\n');
}

async function putCertificate(directory: string): Promise<void> {
  const { certificate, key } = await makeCertificate('127.0.0.1');
  writeFileSync(join(directory, 'key.pem'), key, { mode: 0o600 });
  writeFileSync(join(directory, 'certificate.pem'), certificate);
}

test('R15 listening addresses come and go, and what is held on them goes on', async (t) => {
  const [stays, goes, comes, secure] = await Promise.all([1, 2, 3, 4].map(() => findFreePort('127.0.0.1')));
  const before = [
    `udp://127.0.0.1:${stays}`,
    `udp://127.0.0.1:${goes}`,
    `tcp://127.0.0.1:${goes}`,
    `tls://127.0.0.1:${secure}`,
  ];
  const after = [`udp://127.0.0.1:${stays}`, `udp://127.0.0.1:${comes}`, `tcp+tls://127.0.0.1:${secure}`];
  const scene = await Scene.open(t, before);
  const calls = await Promise.all([
    ...[1, 2, 3].map(() => scene.call('udp', goes as number)),
    ...[1, 2].map(() => scene.call('tcp', goes as number)),
    scene.call('udp', stays as number),
    scene.call('tls', secure as number),
  ]);
  const talkAll = async (text: string): Promise<void> => {
    for (const call of calls) await scene.talk(call, text);
  };
  await talkAll('before');

  scene.write(after);
  t.same((await scene.control.reload()).applied, ['listen']);
  await talkAll('after');
  for (const call of calls) t.equal((await call.request(REQUEST.refresh, [])).errorCode, undefined);
  t.same(
    (await scene.control.status()).listeners.map(({ transport, address }) => `${transport}://${address}`).sort(),
    [...after].sort(),
  );
  await scene.talk(await scene.call('udp', comes as number), 'at the new address');
  await scene.talk(await scene.call('tcp', secure as number), 'at the port of TLS');
  await untilRefused(goes as number);

  scene.write([...before, 'udp://192.0.2.1:3478']);
  await t.rejects(scene.control.reload(), { fault: 'invalid', message: /192\.0\.2\.1/ });
  await talkAll('refused');
  t.same((await scene.control.status()).listeners.length, after.length, 'nothing of it has happened');

  scene.write(before);
  await scene.control.reload();
  await talkAll('back again');
  await scene.talk(await scene.call('udp', goes as number), 'and open to all');
});

// Each worker hears of it a moment later.
async function untilRefused(port: number): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!isOpen) return;
  }
  throw new Error(`port ${port} is still open`);
}

test('R15 a retired UDP address is given back with its last allocation', async (t) => {
  const [stays, goes] = [await findFreePort('127.0.0.1'), await findFreePort('127.0.0.1')];
  const scene = await Scene.open(t, [`udp://127.0.0.1:${stays}`, `udp://127.0.0.1:${goes}`]);
  const calls = await Promise.all([1, 2, 3].map(() => scene.call('udp', goes)));
  scene.write([`udp://127.0.0.1:${stays}`]);
  await scene.control.reload();
  for (const call of calls) {
    await scene.talk(call, 'on the old socket');
    await call.request(REQUEST.refresh, [lifetime(0)]);
  }
  for (let tries = 0; ; tries++) {
    try {
      return (await DatagramPeer.open('127.0.0.1', goes)).close();
    } catch (error) {
      // A worker says so a moment later.
      if (tries === MOST_TRIES) throw error;
      await scene.control.status();
    }
  }
});

test(`R14, R15 ${RELOADS} reloads and a certificate’s exchange lose no packet`, async (t) => {
  const port = await findFreePort('127.0.0.1');
  const listen = [`udp://127.0.0.1:${port}`, `tcp+tls://127.0.0.1:${port}`];
  const scene = await Scene.open(t, listen);
  const calls = [await scene.call('udp', port), await scene.call('udp', port), await scene.call('tls', port)];
  let isOver = false;
  let packets = 0;
  const load = async (): Promise<void> => {
    for (; !isOver; packets++) for (const call of calls) await scene.talk(call, `packet ${packets}`);
  };
  const loaded = load();
  const extra = await findFreePort('127.0.0.1');
  for (let reload = 0; reload < RELOADS; reload++) {
    const more = reload % 10 === 0 ? [`udp://127.0.0.1:${extra}`] : [];
    scene.write([...listen, ...more], `allocations: ${100 + reload}`);
    if (reload % 20 === 10) await scene.exchangeCertificate();
    const { restart } = await scene.control.reload();
    if (restart.length > 0) t.fail(`${restart.join()} needs a restart`);
  }
  isOver = true;
  await loaded;
  t.comment(`${packets * calls.length * 2} packets`);
  t.ok(packets > 0);
  t.equal((await scene.control.status()).allocations, calls.length, 'every allocation lives');
  for (const call of calls) t.equal((await call.request(REQUEST.refresh, [])).errorCode, undefined);
});
