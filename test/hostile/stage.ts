// The scene of the hostile tests: a namespace `host` in which turnd runs, and `outside` (this process) with everybody
// else. Outside has every address there is: whatever leaves the host, for anywhere, arrives there.

import { Capture } from '../support/capture.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { findLibc } from '../support/linux-libc.ts';
import { Namespace } from '../support/namespace.ts';
import { RawClient, type RawTransport } from '../support/raw-client.ts';
import { startTurndWith, type Teardown, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';

const { libc } = await findLibc();

/** The host's addresses and those of its router; no registry knows anything special of them. */
export const HOST = { ipv4: '11.7.7.1', ipv6: '2a05:7777::1' } as const;
export const ROUTER = { ipv4: '11.7.7.2', ipv6: '2a05:7777::2' } as const;

/** Addresses of the clients, each in a network of its own: what strangers are answered is rationed by network. Up to 99. */
const FIRST_CLIENT_NETWORK = 40;

/** The two namespaces, and what is done in them. */
export class Stage {
  readonly outside: Namespace;
  readonly host: Namespace;
  #clients = 0;

  /** Null where it cannot be built; throws where no test may be skipped. */
  static async build(): Promise<Stage | null> {
    const outside = await Namespace.enterOwn();
    return outside === null ? null : new Stage(outside);
  }

  private constructor(outside: Namespace) {
    this.outside = outside;
    this.host = outside.make();
    outside.ip(
      `link add out0 type veth peer name host0 netns ${this.host.path}`,
      'link set out0 up',
      `address add ${ROUTER.ipv4}/24 dev out0`,
      `address add ${ROUTER.ipv6}/64 dev out0 nodad`,
    );
    this.host.ip(
      'link set host0 up',
      `address add ${HOST.ipv4}/24 dev host0`,
      `address add ${HOST.ipv6}/64 dev host0 nodad`,
      `route add default via ${ROUTER.ipv4}`,
      `-6 route add default via ${ROUTER.ipv6}`,
    );
    // Behind the host's own network: everything is here.
    outside.ip('route add local default dev lo table main', '-6 route add local default dev lo table main');
  }

  /** Starts turnd on the host with default listeners and alice. */
  start(t: Teardown, ...flags: readonly string[]): Promise<TurndProcess> {
    return this.startWith(t, {}, ...flags);
  }

  /** The same, with more in its environment. */
  async startWith(t: Teardown, env: Readonly<Record<string, string>>, ...flags: readonly string[]) {
    const directory = temporaryDirectory(t);
    const base = ['--user', 'alice:secret-of-alice', '--state-dir', `${directory}/state`, '--log-format', 'json'];
    const external = flags.includes('--external-address') ? [] : ['--external-address', 'none'];
    const all = [...base, ...flags, ...external];
    return this.host.inside(() => startTurndWith(t, all, { cwd: directory, env }));
  }

  /** Hears all that goes through the host, its loopback included. */
  async captureHost(t: Teardown): Promise<Capture> {
    const capture = await this.host.inside(() => Capture.open(libc));
    t.teardown(() => capture.close());
    return capture;
  }

  /** A client at an address that no other client has. */
  async client(
    t: Teardown,
    transport: RawTransport = 'udp',
    port = 3478,
    host: string = HOST.ipv4,
  ): Promise<RawClient> {
    const number = this.#clients++;
    const ip = `${FIRST_CLIENT_NETWORK + (number >> 8)}.${number & 0xff}.7.7`;
    const socket = transport === 'udp' ? { socket: await DatagramPeer.open(ip) } : {};
    const client = await RawClient.open({ transport, port, host, ...socket });
    t.teardown(() => client.close());
    return client;
  }
}
