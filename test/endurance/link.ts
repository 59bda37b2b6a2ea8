// The network under a call goes away and comes back, in every way that a host has seen: the server goes on, and so does the
// call.

import { Stage } from '../hostile/stage.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import type { RawClient } from '../support/raw-client.ts';
import type { TurndProcess } from '../support/turnd-process.ts';
import { type Finding, type Run, type Scenario, same } from './scenario.ts';

const CHANNEL = 0x4000;
const PEER = '9.9.9.9';
const HOST = '11.7.7.1';
const ROUTER = '11.7.7.2';
const PACKET_EVERY = 10;
const SHORT_FAULT_MS = 1000;
const LONG_FAULT_MS = 10_000;
/** A server that lives on a loaded machine has sent something by then. */
const PATIENCE_MS = 30_000;

/** A fault, and how it is mended. `size` of the packets meanwhile. */
interface Fault {
  readonly what: string;
  readonly size: number;
  begin(stage: Stage): void;
  end(stage: Stage): void;
}

const ROUTE = `route add default via ${ROUTER}`;

const FAULTS: readonly Fault[] = [
  {
    what: 'link down and up',
    size: 160,
    begin: ({ host }) => host.ip('link set host0 down'),
    end: ({ host }) => host.ip('link set host0 up', ROUTE),
  },
  {
    what: 'the address removed and added again',
    size: 160,
    begin: ({ host }) => host.ip(`address del ${HOST}/24 dev host0`),
    end: ({ host }) => host.ip(`address add ${HOST}/24 dev host0`, ROUTE),
  },
  {
    what: 'no route to the peer',
    size: 160,
    begin: ({ host }) => host.ip('route del default'),
    end: ({ host }) => host.ip(ROUTE),
  },
  {
    what: 'a route that refuses',
    size: 160,
    begin: ({ host }) => host.ip(`route add prohibit ${PEER}`),
    end: ({ host }) => host.ip(`route del prohibit ${PEER}`),
  },
  {
    what: 'a firewall that refuses (EPERM)',
    size: 160,
    begin: ({ host }) => {
      for (const command of [
        'add table ip fault',
        'add chain ip fault out { type filter hook output priority 0 ; }',
        'add rule ip fault out udp dport != 53 drop',
      ]) {
        host.exec('nft', command);
      }
    },
    end: ({ host }) => host.exec('nft', 'delete table ip fault'),
  },
  {
    what: 'an MTU of 1280 for packets of 1400',
    size: 1400,
    begin: ({ host }) => host.ip('link set host0 mtu 1280'),
    end: ({ host }) => host.ip('link set host0 mtu 1500'),
  },
];

/** Both sides of a call that talk all the time. */
class Call {
  size = 160;
  /** Packets that came, each way. */
  readonly heard = { peer: 0, client: 0 };
  readonly #timer: NodeJS.Timeout;

  constructor(client: RawClient, peer: DatagramPeer, relayPort: number) {
    peer.socket.on('message', () => this.heard.peer++);
    client.datagrams?.socket.on('message', (bytes) => {
      if ((bytes[0] ?? 0) >= 0x40) this.heard.client++;
    });
    this.#timer = setInterval(() => {
      const payload = Buffer.alloc(this.size, 1);
      client.sendChannel(CHANNEL, payload);
      void peer.send(payload, relayPort, HOST).catch(() => undefined);
    }, PACKET_EVERY);
  }

  /** Milliseconds until both sides have heard something again; -1 if they have not. */
  async untilResumed(): Promise<number> {
    const startedAt = performance.now();
    const { peer, client } = this.heard;
    while (performance.now() - startedAt < PATIENCE_MS) {
      if (this.heard.peer > peer && this.heard.client > client) return Math.round(performance.now() - startedAt);
      await pause(10);
    }
    return -1;
  }

  hush(): void {
    clearInterval(this.#timer);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function suffer(run: Run, stage: Stage, call: Call, fault: Fault): Promise<Finding> {
  fault.begin(stage);
  call.size = fault.size;
  await pause(run.scale.long ? LONG_FAULT_MS : SHORT_FAULT_MS);
  fault.end(stage);
  call.size = 160;
  const resumed = await call.untilResumed();
  return { what: `${fault.what}: the call goes on after ${resumed} ms`, passed: resumed >= 0 };
}

function isWhole(server: TurndProcess): boolean {
  const faults = server.log.filter(({ level, event }) => level === 'error' || event === 'worker-lost');
  return server.isAlive && faults.length === 0 && server.stderr === '';
}

/** R26. */
export const link: Scenario = {
  name: 'link',
  title: 'R26 link, address, route, firewall and MTU fail under a call: nothing crashes, and it goes on',
  async play(run) {
    const stage = (await Stage.build()) as Stage;
    // Another address, so that clients are reached when the host's own is away.
    const server = await stage.start(run.cleanup);
    const client = await stage.client(run.cleanup);
    const { port } = await client.allocated();
    const peer = await DatagramPeer.open(PEER);
    await client.bind(CHANNEL, PEER, peer.port);
    const call = new Call(client, peer, port);
    run.cleanup.teardown(() => [call.hush(), peer.close()]);
    const findings: Finding[] = [];
    await call.untilResumed();
    for (const fault of FAULTS) findings.push(await suffer(run, stage, call, fault));
    const again = await stage.client(run.cleanup);
    findings.push(same('a new Allocate', (await again.allocate()).cls, 2));
    findings.push({ what: 'no process was lost, nothing was logged as an error', passed: isWhole(server) });
    return findings;
  },
};
