// Many allocations that live, are refreshed and used: none may be lost, and each costs little memory.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { takeCensus } from '../../bench/soak/census.ts';
import { Stage } from '../hostile/stage.ts';
import { type RawClient, REQUEST } from '../support/raw-client.ts';
import { channelNumber, lifetime, xorPeerAddress } from '../support/wire-attributes.ts';
import { type Finding, type Run, type Scenario, same } from './scenario.ts';

const CHANNEL = 0x4000;
const PEER = '9.9.9.9';
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const ENV = {
  TURND_LIMITS__ALLOCATIONS_PER_CLIENT_ADDRESS: '0',
  TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
};

/** How much of it. */
const SHORT = { allocations: 300, seconds: 16, lifetime: 15, refreshEvery: 4 };
const LONG = { allocations: 10_000, seconds: 3600, lifetime: 600, refreshEvery: 240 };

/** What was sent last has arrived by then. */
const PATIENCE_MS = 10_000;

/** Of the bar: R4. */
const MOST_KIB = 25;

interface Life {
  readonly client: RawClient;
  heard: number;
  refreshes: number;
  failed: number;
}

async function setUp(stage: Stage, run: Run, peerPort: number, seconds: number): Promise<Life> {
  const client = await stage.client(run.cleanup);
  await client.allocated([lifetime(seconds)]);
  await client.bind(CHANNEL, PEER, peerPort);
  return { client, heard: 0, refreshes: 0, failed: 0 };
}

/** Everything that a client renews. A nonce that has become stale meanwhile is no failure. */
async function renew(life: Life, peerPort: number, seconds: number): Promise<void> {
  const { client } = life;
  const requests = [
    [REQUEST.refresh, [lifetime(seconds)]],
    [REQUEST.channelBind, [channelNumber(CHANNEL), xorPeerAddress(PEER, peerPort)]],
  ] as const;
  for (const [type, attributes] of requests) {
    let answer = await client.request(type, attributes);
    if (answer.errorCode === 438) {
      client.nonce = answer.text(0x0015) ?? '';
      answer = await client.request(type, attributes);
    }
    if (answer.cls === 2) life.refreshes++;
    else life.failed++;
  }
}

/** A peer that keeps nothing: 10,000 packets a second for an hour do not fit into a heap. @returns its port */
async function openPeer(run: Run, heard: (bytes: Buffer) => void): Promise<number> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
  run.cleanup.teardown(() => socket.close());
  socket.on('message', heard).bind(0, PEER);
  await once(socket, 'listening');
  return socket.address().port;
}

/** R4. */
export const allocations: Scenario = {
  name: 'allocations',
  title: 'R4 many allocations with a packet a second and refreshes: none is lost',
  async play(run) {
    const size = run.scale.long ? LONG : SHORT;
    const seconds = run.scale.minutes > 0 ? run.scale.minutes * 60 : size.seconds;
    const stage = (await Stage.build()) as Stage;
    // No lifetime is shorter than the default one.
    const server = await stage.startWith(run.cleanup, {
      ...ENV,
      TURND_LIMITS__DEFAULT_LIFETIME: String(size.lifetime),
    });
    const lives: Life[] = [];
    const peerPort = await openPeer(run, (bytes) => {
      const life = lives[bytes.readUInt32BE(0)];
      if (life !== undefined) life.heard++;
    });
    const before = takeCensus(server.pid);
    const startedAt = performance.now();
    let renewedAt = startedAt;
    while (lives.length < size.allocations) {
      lives.push(await setUp(stage, run, peerPort, size.lifetime));
      // Setting up takes longer than a lifetime on a slow machine.
      if (performance.now() - renewedAt < (size.lifetime * 1000) / 3) continue;
      renewedAt = performance.now();
      for (const life of lives) await renew(life, peerPort, size.lifetime);
    }
    run.say(`${lives.length} allocations in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return [...(await live(lives, peerPort, { ...size, seconds })), ...memory(run, server.pid, before, lives.length)];
  },
};

function memory(run: Run, pid: number, before: ReturnType<typeof takeCensus>, count: number): Finding[] {
  const after = takeCensus(pid);
  const kib = (after.residentBytes - before.residentBytes) / count / 1024;
  // A few hundred allocations do not outweigh what a process needs to get going.
  run.say(`${kib.toFixed(1)} KiB of memory per allocation`);
  const findings = [same('the same processes', after.pids.join(), before.pids.join())];
  if (run.scale.long) findings.push({ what: `${kib.toFixed(1)} KiB each`, passed: kib <= MOST_KIB });
  return findings;
}

async function live(lives: readonly Life[], peerPort: number, size: typeof SHORT): Promise<Finding[]> {
  const renewals = new Set<Promise<void>>();
  const end = performance.now() + size.seconds * 1000;
  for (let second = 0; performance.now() < end; second++) {
    const startedAt = performance.now();
    for (const [index, life] of lives.entries()) {
      const payload = Buffer.alloc(100);
      payload.writeUInt32BE(index);
      life.client.sendChannel(CHANNEL, payload);
      if (index % size.refreshEvery !== second % size.refreshEvery) continue;
      const renewal = renew(life, peerPort, size.lifetime).catch(() => {
        life.failed++;
      });
      renewals.add(renewal);
      void renewal.finally(() => renewals.delete(renewal));
      // In small groups: the kernel's buffers are everybody's.
      if (index % 25 === 24) await Promise.all(renewals);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 1000 - (performance.now() - startedAt))));
  }
  await Promise.all(renewals);
  return verdict(lives, peerPort, size);
}

/** Whether all still live: each is refreshed once more, and relays. */
async function verdict(lives: readonly Life[], peerPort: number, size: typeof SHORT): Promise<Finding[]> {
  const before = lives.map(({ heard }) => heard);
  for (const [index, life] of lives.entries()) {
    await renew(life, peerPort, size.lifetime).catch(() => life.failed++);
    const payload = Buffer.alloc(100);
    payload.writeUInt32BE(index);
    life.client.sendChannel(CHANNEL, payload);
    await life.client.binding();
  }
  const silent = (): number => lives.filter((life, index) => life.heard <= (before[index] ?? 0)).length;
  const deadline = performance.now() + PATIENCE_MS;
  while (silent() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  const sum = (what: 'refreshes' | 'failed'): number => lives.reduce((total, life) => total + life[what], 0);
  return [
    same(`${sum('refreshes')} refreshes succeeded; failed`, sum('failed'), 0),
    same('allocations lost', silent(), 0),
  ];
}
