// A TURN server on the Linux plane within the test's own process: real sockets on loopback, the real engine, and a loop
// that runs beside the test's.

import { randomFillSync } from 'node:crypto';
import type { Test } from 'tap';
import { Arena } from '../../src/planes/linux/arena.ts';
import type { Libc } from '../../src/planes/linux/libc.ts';
import { LINUX_CAPABILITIES, LinuxPlane } from '../../src/planes/linux/linux-plane.ts';
import type { LinuxRelaySockets } from '../../src/planes/linux/linux-relay-sockets.ts';
import type { LinuxUdpListener } from '../../src/planes/linux/linux-udp-listener.ts';
import { PlaneCore } from '../../src/planes/linux/plane-core.ts';
import { SOCKETS_SIZE, Sockets } from '../../src/planes/linux/sockets.ts';
import { PlaneCounters } from '../../src/planes/plane-counters.ts';
import { PortOwner, PortTable } from '../../src/planes/port-table.ts';
import { type IpAddress, type IpFamily, parseIp } from '../../src/stun/ip-address.ts';
import type { Engine } from '../../src/turn/engine.ts';
import type { Random } from '../../src/turn/env.ts';
import { Lab, type LabOptions, labCredentials } from './lab.ts';
import { RawClient } from './raw-client.ts';

/** Real randomness. */
export const RANDOM: Random = { fill: (target) => void randomFillSync(target) };

const SOCK_DGRAM = 2;

/** An address that must be one. */
export function ipAddress(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(`not an address: ${text}`);
  return parsed;
}

/** The descriptor of a UDP socket that is bound to a free port. */
export function boundSocket(libc: Libc, ip: string, port = 0): number {
  const sockets = new Sockets(libc, new Arena(libc, SOCKETS_SIZE + 64));
  const fd = libc.socket(ip.includes(':') ? 10 : 2, SOCK_DGRAM | 0x80800, 0);
  if (sockets.bind(fd, ipAddress(ip), port) < 0) throw new Error(`bind: errno ${libc.errno()}`);
  return fd;
}

/** The shared parts of a plane without a loop, and what they report. */
export interface LooseCore {
  readonly core: PlaneCore;
  readonly counters: PlaneCounters;
  readonly faults: unknown[];
}

/** A core that the test turns itself. */
export function looseCore(t: Test, libc: Libc): LooseCore {
  const counters = new PlaneCounters();
  const faults: unknown[] = [];
  const core = new PlaneCore({ libc, counters, report: (fault) => faults.push(fault) });
  t.teardown(() => core.poller.close());
  return { core, counters, faults };
}

/** Lets a core's sockets read what has come, as one round of the loop does; waits up to `milliseconds` for it. */
export function turn(core: PlaneCore, milliseconds = 0): void {
  core.poller.dispatch(core.poller.wait(core.poller.isUnfinished ? 0 : milliseconds));
  core.queue.flush();
  core.ring.reset();
}

/** A table of ports of this process alone, with one row for each address. */
export function portTable(addresses: number, minPort = 49_152, maxPort = 65_535): PortTable {
  const bytes = new Uint8Array(PortTable.byteLength(addresses));
  return new PortTable({ bytes, owner: PortOwner.FIRST_WORKER, minPort, maxPort });
}

/** What to start a server with. */
export interface LinuxServerOptions {
  /** Where clients come in. */
  readonly listen?: string;
  readonly coalescing?: number;
  readonly lab?: LabOptions;
  /** What must have its turn beside the plane; nothing by default. */
  readonly flushStreams?: () => boolean;
  /** Grows whenever something must be awaited; never by default. */
  readonly promises?: () => number;
}

/** A server. */
export class LinuxServer {
  readonly counters = new PlaneCounters();
  readonly faults: unknown[] = [];
  readonly plane: LinuxPlane;
  readonly engine: Engine;
  readonly listener: LinuxUdpListener;
  readonly relays: LinuxRelaySockets;
  #closed = false;

  constructor(t: Test, libc: Libc, options: LinuxServerOptions = {}) {
    const { listen = '127.0.0.1', coalescing = 0, lab = {}, flushStreams = () => false, promises = () => 0 } = options;
    const report = (fault: unknown): void => void this.faults.push(fault);
    this.plane = new LinuxPlane({ libc, counters: this.counters, report, random: RANDOM, coalescing });
    const addresses = (['127.0.0.1', '::1'] as const).map(ipAddress);
    const table = portTable(addresses.length);
    this.relays = this.plane.relaySockets({ addresses, shown: (local) => local, table, random: RANDOM });
    this.engine = new Lab({
      ...lab,
      env: {
        relays: this.relays,
        capabilities: LINUX_CAPABILITIES,
        credentials: labCredentials(new Map([['alice', 'secret-of-alice']])),
        peers: { check: () => null, checkShown: () => null, isOpened: () => true },
        own: { isOwn: () => false, isShown: () => false, isBackend: () => false, isListener: () => false },
        random: RANDOM,
        ...lab.env,
      },
    }).engine;
    this.listener = this.plane.adoptListener(boundSocket(libc, listen), this.engine);
    this.plane.run({ flushStreams, promises });
    t.teardown(() => this.close());
  }

  get port(): number {
    return this.listener.local.port;
  }

  /** A client at an address of the listener's. */
  async client(t: Test, host = '127.0.0.1'): Promise<RawClient> {
    const client = await RawClient.open({ port: this.port, host });
    t.teardown(() => client.close());
    return client;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.engine.close();
    this.plane.close();
  }
}

/** The families of relayed addresses, by loopback address. */
export const LOOPBACK: Readonly<Record<IpFamily, string>> = { 4: '127.0.0.1', 6: '::1' };
