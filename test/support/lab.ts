// A TURN server in a bottle: the real engine under a virtual clock and a virtual network. Requests are built and
// answers read by wire.ts, never by our own codec. Receive buffers and scratch endpoints are overwritten after every
// call, so that whatever keeps them beyond its time is caught.

import { parseIp } from '../../src/stun/ip-address.ts';
import { longTermKeyMd5, longTermKeySha256, userhash } from '../../src/stun/keys.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { Engine } from '../../src/turn/engine.ts';
import { type Credential, type Credentials, type Env, NoCredential, type OwnAddresses } from '../../src/turn/env.ts';
import type { Grant } from '../../src/turn/grant.ts';
import { Cidr, parseCidr } from '../../src/turn/peers/cidr.ts';
import { PeerPolicy } from '../../src/turn/peers/peer-policy.ts';
import { METER_BUCKETS, type RateMemory } from '../../src/turn/rate-meter.ts';
import { NO_RATES } from '../../src/turn/rate-meters.ts';
import type { EngineLimits, EngineSettings } from '../../src/turn/settings.ts';
import { Transport } from '../../src/turn/transport.ts';
import type { Gate } from './gate.ts';
import { LabClient, type LabClientOptions } from './lab-client.ts';
import { type LabPeer, LabRelays } from './lab-network.ts';
import { RecordingObserver } from './lab-observer.ts';

export const REALM = 'example.org';

/** Users of every lab: name to password. */
export const USERS: ReadonlyMap<string, string> = new Map([
  ['alice', 's3cret-Pass'],
  ['bob', 'other-Pass-9'],
]);

/** Where the lab's relayed addresses are bound, and what they are shown as. */
export const RELAY_V4 = '203.0.113.1';
export const RELAY_V6 = '2001:db8::1';
export const RELAY_PRIVATE_V4 = '10.9.0.1';
export const RELAY_PRIVATE_V6 = 'fd00::1';

/** The server's transport address that clients use unless they say otherwise. */
export const SERVER = '203.0.113.1:3478';

export interface LabOptions {
  readonly settings?: Partial<Omit<EngineSettings, 'limits'>>;
  readonly limits?: Partial<EngineLimits>;
  readonly env?: Partial<Env>;
  /** Relay families served. */
  readonly families?: readonly (4 | 6)[];
  /** Relay ports, inclusive. */
  readonly ports?: readonly [number, number];
  /** The relay sockets of another lab: this one is a second process on the same host. */
  readonly relays?: LabRelays;
  /** Relay sockets open in a later turn, as node:dgram's do, or when the test opens the gate. */
  readonly asyncOpen?: boolean | Gate;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly allowLoopback?: boolean;
  /** Addresses that the server itself talks to. */
  readonly backends?: readonly string[];
  readonly quotaPerUser?: number;
}

/** What a lab is held to unless it says otherwise: no rates, no scan brake. */
export const LIMITS: EngineLimits = {
  permissionsPerAllocation: 1024,
  channelsPerAllocation: 1024,
  newPeersPerSecond: 0,
  newPeersBurst: 30,
  rates: NO_RATES,
  strictExpiry: false,
  maxSessionAge: 0,
  alternates: [],
};

/** What a lab's engine is set to unless the test says otherwise. */
export const LAB_SETTINGS: EngineSettings = {
  realm: REALM,
  anonymous: false,
  authenticateBinding: false,
  passwordAlgorithms: false,
  usernameAnonymity: false,
  nonceLifetime: 600,
  defaultLifetime: 600,
  maxLifetime: 3600,
  limits: LIMITS,
  rfc5766ChannelNumbers: false,
  worker: 0,
  software: '',
};

/** Virtual time: starts at an arbitrary monotonic and wall-clock time. */
export class LabClock {
  monotonic = 5_000_000;
  wall = Date.UTC(2026, 0, 1);

  now(): number {
    return this.monotonic;
  }

  wallTime(): number {
    return this.wall;
  }
}

/** Buckets for a few users and the server. */
export function labRateMemory(): RateMemory {
  return { server: new Float64Array(METER_BUCKETS), users: new Float64Array(16 * METER_BUCKETS) };
}

/** Counts allocations as a quota of so many per user would; the first user has slot 0, the next 1… */
class LabQuota {
  readonly held: Map<string, number> = new Map();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get total(): number {
    return [...this.held.values()].reduce((sum, count) => sum + count, 0);
  }

  acquire(request: { credential: Credential | null }): Grant | null {
    const user = request.credential?.username ?? '';
    const count = this.held.get(user) ?? 0;
    if (this.#limit > 0 && count >= this.#limit) return null;
    this.held.set(user, count + 1);
    return { userSlot: [...this.held.keys()].indexOf(user) };
  }

  release(request: { credential: Credential | null }): void {
    const user = request.credential?.username ?? '';
    this.held.set(user, (this.held.get(user) ?? 0) - 1);
  }
}

/** The addresses of the host that labs run on. */
export function labOwnAddresses(backends: readonly string[] = []): OwnAddresses {
  const shown = [RELAY_V4, RELAY_V6];
  const own = [...shown, RELAY_PRIVATE_V4, RELAY_PRIVATE_V6, '127.0.0.1', '::1'];
  return {
    isOwn: (ip) => own.includes(ip.text),
    isShown: (ip) => shown.includes(ip.text),
    isBackend: (ip) => backends.includes(ip.text),
    isListener: (ip, port) => own.includes(ip.text) && (port === 3478 || port === 5349),
  };
}

/** Static users whose keys are derived on each look-up. */
export function labCredentials(users: ReadonlyMap<string, string> = USERS): Credentials {
  return {
    find: (username, realm) => {
      const password = users.get(username);
      if (password === undefined) return NoCredential.UNKNOWN_USER;
      const md5Key = longTermKeyMd5(username, realm, password);
      const sha256Key = longTermKeySha256(username, realm, password);
      return [{ md5Key, sha256Key, username, realm, quotaKey: username, quotaLimit: 0, realmLimit: 0 }];
    },
    usernameOf: (hash, realm) => [...users.keys()].find((name) => userhash(name, realm).equals(hash)) ?? null,
  };
}

/** One server, its clock and its network. */
export class Lab {
  readonly clock: LabClock = new LabClock();
  readonly observer: RecordingObserver = new RecordingObserver();
  readonly quota: LabQuota;
  readonly relays: LabRelays;
  readonly engine: Engine;
  #nextClientPort = 40_000;
  #random = 1;

  constructor(options: LabOptions = {}) {
    const ports = options.ports ?? [49_152, 65_535];
    this.relays = options.relays ?? new LabRelays(options.families ?? [4, 6], ports, options.asyncOpen ?? false);
    this.quota = new LabQuota(options.quotaPerUser ?? 0);
    const env: Env = {
      clock: this.clock,
      random: { fill: (target) => this.#fill(target) },
      relays: this.relays,
      reservations: null,
      capabilities: { dontFragment: false },
      credentials: labCredentials(),
      realms: null,
      peers: new PeerPolicy({
        allow: (options.allow ?? []).map(cidr),
        deny: (options.deny ?? []).map(cidr),
        unsafeAllowLoopback: options.allowLoopback ?? false,
      }),
      own: labOwnAddresses(options.backends),
      neighbours: null,
      quota: this.quota,
      rateMemory: labRateMemory(),
      isShortOfMemory: () => false,
      budget: { allowError: () => true, allowBinding: () => true },
      brake: null,
      observer: this.observer,
      nonceKey: Buffer.alloc(32, 7),
      ...options.env,
    };
    this.engine = new Engine(env, { ...LAB_SETTINGS, ...options.settings, limits: { ...LIMITS, ...options.limits } });
  }

  /** A client with an address of its own. */
  client(options: LabClientOptions = {}): LabClient {
    const transport = options.transport ?? Transport.UDP;
    const address = options.address ?? `198.51.100.7:${this.#nextClientPort++}`;
    return new LabClient(this.engine, transportAddress(address), transportAddress(options.server ?? SERVER), {
      ...options,
      transport,
    });
  }

  /** A host on the network that may receive from and send to relayed addresses. */
  peer(address: string): LabPeer {
    return this.relays.peer(address);
  }

  /** Lets time pass; the engine is ticked every second of it. */
  async advance(seconds: number): Promise<void> {
    let left = seconds * 1000;
    while (left > 0) {
      const step = Math.min(left, 1000);
      this.clock.monotonic += step;
      this.clock.wall += step;
      left -= step;
      this.engine.tick();
    }
    await settle();
  }

  // Deterministic and plainly not secure; enough to make tokens differ.
  #fill(target: Uint8Array): void {
    for (let i = 0; i < target.length; i++) {
      this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) >>> 0;
      target[i] = this.#random >>> 16;
    }
  }
}

/** Lets everything that waits for a later turn happen. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** `ip:port` or `[ip]:port`. */
export function transportAddress(text: string): TransportAddress {
  const at = text.lastIndexOf(':');
  const ip = parseIp(text.slice(0, at).replace(/^\[|\]$/g, ''));
  if (ip === null) throw new Error(`not a transport address: ${text}`);
  return new TransportAddress(ip, Number(text.slice(at + 1)));
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed instanceof Cidr) return parsed;
  throw new Error(parsed.error);
}
