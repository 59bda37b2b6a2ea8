// A siege: mutated datagrams to the listener, to a relay port and from a client's own five-tuple, mutated streams, and a
// call that must not lose a packet meanwhile.

import { Ammunition, bombardStream, Stranger } from './bombardment.ts';
import { DatagramPeer } from './datagram-peer.ts';
import { patiently, RawClient } from './raw-client.ts';
import type { Teardown, TurndProcess } from './turnd-process.ts';

/** How much is sent. */
export interface SiegePlan {
  readonly datagrams: number;
  /** Connections, half of them TLS. */
  readonly streams: number;
  readonly seed: number;
  /** Told how many datagrams have been sent. */
  readonly onProgress?: (sent: number) => void;
}

/** Small enough for the kernel's buffers: what is lost then is lost by the server. */
const VOLLEY = 32;
/** Of the call; mutants seldom name it. */
const CHANNEL = 0x4abc;

/** Flags of a server that can be besieged: what a listener answers is the sign that it has read what came before. */
export const SIEGE_FLAGS: readonly string[] = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];
export const SIEGE_ENVIRONMENT: Readonly<Record<string, string>> = {
  TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
  TURND_LIMITS__BINDING_REPLIES_PER_SECOND: '0',
};

/** The call of somebody else. */
class Bystander {
  readonly #client: RawClient;
  readonly #peer: DatagramPeer;
  readonly relayPort: number;
  #packets = 0;

  static async open(t: Teardown, port: number): Promise<Bystander> {
    const peer = await DatagramPeer.open('127.0.0.1');
    const client = await RawClient.open({ port });
    t.teardown(() => [client.close(), peer.close()]);
    const relayed = await client.allocated();
    await client.bind(CHANNEL, '127.0.0.1', peer.port);
    return new Bystander(client, peer, relayed.port);
  }

  private constructor(client: RawClient, peer: DatagramPeer, relayPort: number) {
    this.#client = client;
    this.#peer = peer;
    this.relayPort = relayPort;
  }

  /** A packet there and one back; the very next thing that each side hears. */
  async roundTrip(): Promise<void> {
    const text = `packet ${this.#packets++}`;
    this.#client.sendChannel(CHANNEL, text);
    const heard = await patiently(`${text} at the peer`, this.#peer.next());
    await this.#peer.send(heard.bytes, this.relayPort, '127.0.0.1');
    const back = (await this.#client.nextData()).toString();
    if (heard.bytes.toString() !== text || back !== text) throw new Error(`${text} came back as ${back}`);
  }

  /** Keeps the allocation and its permission alive. */
  async renew(): Promise<void> {
    await this.#client.request(0x0004, []);
    await this.#client.bind(CHANNEL, '127.0.0.1', this.#peer.port);
  }
}

/** Besieges a server; throws when the call loses a packet or the server does not answer. */
export async function besiege(t: Teardown, server: TurndProcess, plan: SiegePlan): Promise<void> {
  const port = await server.port('udp');
  const ammunition = new Ammunition(plan.seed);
  const bystander = await Bystander.open(t, port);
  const [stranger, atRelay] = [await Stranger.open('127.0.0.2'), await Stranger.open('127.0.0.3')];
  t.teardown(() => [stranger.close(), atRelay.close()]);
  const volley = (): Buffer[] => Array.from({ length: VOLLEY }, () => ammunition.next());
  for (let sent = 0, round = 0; sent < plan.datagrams; sent += 2 * VOLLEY, round++) {
    await Promise.all([stranger.volley(volley(), port), atRelay.volley(volley(), bystander.relayPort)]);
    await stranger.acknowledged(port);
    await bystander.roundTrip();
    if (round % 1000 === 999) await bystander.renew();
    plan.onProgress?.(sent + 2 * VOLLEY);
  }
  const ports = { tcp: await server.port('tcp'), tls: await server.port('tls') };
  for (let stream = 0; stream < plan.streams; stream++) {
    const kind = stream % 2 === 0 ? 'tcp' : 'tls';
    await bombardStream(kind, ports[kind], ammunition.stream());
    await bystander.roundTrip();
  }
  await besiegeFromInside(t, port, ammunition, plan.datagrams / 10);
  await bystander.roundTrip();
}

// A client with an allocation whose own messages are mutated.
async function besiegeFromInside(t: Teardown, port: number, ammunition: Ammunition, datagrams: number): Promise<void> {
  const insider = await RawClient.open({ port });
  t.teardown(() => insider.close());
  await insider.allocated();
  for (let sent = 0; sent < datagrams; sent += VOLLEY) {
    for (let one = 0; one < VOLLEY; one++) insider.send(ammunition.next());
    await insider.binding();
  }
}
