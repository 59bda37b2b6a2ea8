// What a reload changes under living calls: as what relays are shown, their ports, and the first TLS listener.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { ControlClient } from '../../src/control/control-client.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { findFreePort } from '../support/free-ports.ts';
import { RawClient, type RawTransport, REQUEST } from '../support/raw-client.ts';
import { makeCertificate } from '../support/self-made-certificate.ts';
import { startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { lifetime } from '../support/wire-attributes.ts';

const TO_NEXT = 0x4000;
const TO_PEER = 0x4001;
// Clients whose relays lead to each other in a ring: of two workers, both have some of them.
const RING = 8;
// A worker hears of a change a moment after main.
const MOST_TRIES = 200;

interface Settings {
  readonly listen: readonly string[];
  readonly external: string;
  readonly ports: string;
  readonly more?: string;
}

class Scene {
  readonly server: TurndProcess;
  readonly control: ControlClient;
  readonly directory: string;
  readonly #t: Test;

  private constructor(t: Test, directory: string, parts: Pick<Scene, 'server' | 'control'>) {
    this.#t = t;
    this.directory = directory;
    this.server = parts.server;
    this.control = parts.control;
  }

  static async open(t: Test, settings: Settings): Promise<Scene> {
    const directory = temporaryDirectory(t);
    const file = join(directory, 'turnd.yaml');
    writeFileSync(file, yaml(settings));
    const flags = ['--state-dir', join(directory, 'state'), '--log-format', 'json', '--config', file];
    const server = await startTurndWith(t, flags);
    const control = await ControlClient.open({ path: join(directory, 'state', 'turnd.sock'), timeout: 30_000 });
    return new Scene(t, directory, { server, control });
  }

  reload(settings: Settings) {
    writeFileSync(join(this.directory, 'turnd.yaml'), yaml(settings));
    return this.control.reload();
  }

  async client(transport: RawTransport, port: number): Promise<RawClient> {
    const client = await RawClient.open({ transport, port });
    this.#t.teardown(() => client.close());
    return client;
  }

  /** New clients until one is shown its relay so. */
  async untilRelayed(port: number, ip: string, range: readonly [number, number]): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const client = await this.client('udp', port);
      const relayed = await client.allocated();
      await client.request(REQUEST.refresh, [lifetime(0)]);
      if (relayed.ip === ip && relayed.port >= range[0] && relayed.port <= range[1]) return;
    }
    throw new Error(`no relay is shown at ${ip}:${range.join('-')}`);
  }
}

function yaml({ listen, external, ports, more = '' }: Settings): string {
  return [
    `listen: [${listen.map((url) => `"${url}"`).join(', ')}]`,
    'auth: {users: [{name: alice, password: secret-of-alice}]}',
    `relay: {address: 127.0.0.1, external-address: ${external}, ports: ${ports}}`,
    'peers: {unsafe-allow-loopback: true}',
    'limits: {unauthenticated-replies-per-second: 0, binding-replies-per-second: 0}',
    more,
  ].join('\n');
}

/** Calls between relays, and of one client with a peer outside. */
class Calls {
  readonly clients: readonly RawClient[];
  readonly #peer: DatagramPeer;
  #packets = 0;
  #isOver = false;

  private constructor(clients: readonly RawClient[], peer: DatagramPeer) {
    this.clients = clients;
    this.#peer = peer;
  }

  static async open(t: Test, scene: Scene, port: number): Promise<Calls> {
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => peer.close());
    const clients = await Promise.all(Array.from({ length: RING }, () => scene.client('udp', port)));
    const relays = await Promise.all(clients.map((client) => client.allocated()));
    for (const [at, client] of clients.entries()) {
      const next = relays[(at + 1) % RING] as (typeof relays)[number];
      const before = relays[(at + RING - 1) % RING] as (typeof relays)[number];
      await client.bind(TO_NEXT, next.ip, next.port);
      await client.permit(before.ip);
    }
    await clients[0]?.bind(TO_PEER, '127.0.0.1', peer.port);
    return new Calls(clients, peer);
  }

  /** Packets on every way, one after the other: one that is lost ends it by its silence. */
  async talk(): Promise<void> {
    for (const [at, client] of this.clients.entries()) {
      const next = this.clients[(at + 1) % RING] as RawClient;
      const text = `packet ${this.#packets++}`;
      client.sendChannel(TO_NEXT, text);
      const heard = (await next.nextData()).toString();
      if (heard !== text) throw new Error(`${text} came as ${heard}`);
    }
    const [first] = this.clients as readonly [RawClient];
    first.sendChannel(TO_PEER, 'out');
    const { address, port } = await this.#peer.next();
    await this.#peer.send(Buffer.from('and back'), port, address);
    await first.nextData();
  }

  /** Talks until the returned function is called, which says how many packets that were. */
  keepTalking(): () => Promise<number> {
    const talking = (async () => {
      while (!this.#isOver) await this.talk();
    })();
    return async () => {
      this.#isOver = true;
      await talking;
      return this.#packets;
    };
  }
}

test('R15 external address, relay ports and the first TLS listener change under living calls', async (t) => {
  const [port, secure] = [await findFreePort('127.0.0.1'), await findFreePort('127.0.0.1')];
  const before = { listen: [`udp://127.0.0.1:${port}`], external: '9.9.9.9', ports: '50000-53999' };
  const scene = await Scene.open(t, before);
  const calls = await Calls.open(t, scene, port);
  await calls.talk();
  const stop = calls.keepTalking();

  const { certificate, key } = await makeCertificate('127.0.0.1');
  writeFileSync(join(scene.directory, 'key.pem'), key, { mode: 0o600 });
  writeFileSync(join(scene.directory, 'certificate.pem'), certificate);
  const after = {
    ...{ listen: [...before.listen, `tls://127.0.0.1:${secure}`], external: '8.8.8.8', ports: '54000-57999' },
    more: 'tls: {certificates: [{certificate: certificate.pem, key: key.pem}]}',
  };
  const report = await scene.reload(after);
  t.same(report.applied, ['listen', 'relay.external-address', 'relay.ports', 'tls.certificates']);
  t.same(report.restart, []);
  await scene.untilRelayed(port, '8.8.8.8', [54_000, 57_999]);
  const overTls = await scene.client('tls', secure);
  t.equal((await overTls.allocated()).ip, '8.8.8.8');
  t.same((await scene.control.status()).relayed, ['8.8.8.8']);
  for (const client of calls.clients) t.equal((await client.request(REQUEST.refresh, [])).errorCode, undefined);

  const later = await Calls.open(t, scene, port);
  await later.talk();

  t.same((await scene.reload(before)).restart, ['tls.certificates'], 'they stay, for who is connected');
  await scene.untilRelayed(port, '9.9.9.9', [50_000, 53_999]);
  t.match(await overTls.binding(), { cls: 2 });
  await later.talk();
  t.ok((await stop()) > RING, 'and packets went on');
  t.equal((await scene.control.status()).allocations, 2 * RING + 1);
});

test('R15 the first TLS listener may have a certificate that turnd makes, and one that cannot be served refuses it all', async (t) => {
  const [port, secure] = [await findFreePort('127.0.0.1'), await findFreePort('127.0.0.1')];
  const before = { listen: [`udp://127.0.0.1:${port}`], external: '9.9.9.9', ports: '50000-53999' };
  const scene = await Scene.open(t, before);
  const [one, two] = [await makeCertificate('127.0.0.1'), await makeCertificate('127.0.0.1')];
  writeFileSync(join(scene.directory, 'key.pem'), one.key, { mode: 0o600 });
  writeFileSync(join(scene.directory, 'certificate.pem'), two.certificate);
  const after = { ...before, listen: [...before.listen, `tcp+tls://127.0.0.1:${secure}`], external: '8.8.8.8' };
  const more = 'tls: {certificates: [{certificate: certificate.pem, key: key.pem}]}';
  await t.rejects(scene.reload({ ...after, more }), { fault: 'invalid', message: /is not the key of the certificate/ });
  t.match(await scene.control.status(), { relayed: ['9.9.9.9'], listeners: [{ transport: 'udp' }] });
  t.equal((await scene.control.status()).listeners.length, 1);

  t.same((await scene.reload(after)).applied, ['listen', 'relay.external-address']);
  await scene.server.logged('the warning', ({ event }) => event === 'certificate-self-made');
  t.equal((await (await scene.client('tls', secure)).allocated()).ip, '8.8.8.8');
  t.equal((await (await scene.client('tcp', secure)).allocated()).ip, '8.8.8.8');
});
