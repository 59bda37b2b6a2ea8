// Draws what clients ask for: mostly sensible things, often enough senseless ones.

import { REALM, RELAY_V4, RELAY_V6 } from '../support/lab.ts';
import { portOf } from '../support/lab-checks.ts';
import { FIRST_PORT, HOSTS, isOwn, type ModelRelay, REFUSED } from './model-state.ts';
import type { Prng } from './prng.ts';
import { type AllocateRequest, hasFingerprint, type Peer, type Signature, type SimRequest } from './requests.ts';
import { isRestName, restName } from './rest-names.ts';
import type { SimClient } from './sim-client.ts';
import type { Court } from './verdicts.ts';

/** Ports on which hosts listen. */
export const HOST_PORTS = [5000, 5001] as const;

const LIFETIMES = [null, null, 0, 1, 599, 600, 601, 700, 1200, 3600, 3601, 0xffff_ffff] as const;
const CHANNELS = [0x4000, 0x4001, 0x4002, 0x4003, 0x4fff] as const;

/** Draws requests and peers. */
export class Choices {
  readonly #random: Prng;
  readonly #court: Court;
  /** Tokens that were seen, good or not. */
  readonly tokens: string[] = [];

  constructor(random: Prng, court: Court) {
    this.#random = random;
    this.#court = court;
  }

  /** A token was seen. */
  learn(token: string): void {
    this.tokens.push(token);
    if (this.tokens.length > 10) this.tokens.shift();
  }

  /** A transport address that a client may want to reach. */
  peer(): Peer {
    const random = this.#random;
    const port = random.chance(0.01) ? 0 : random.pick(HOST_PORTS);
    return random.weighted<() => Peer>([
      [70, () => ({ ip: random.pick(HOSTS), port })],
      [4, () => ({ ip: random.pick(REFUSED), port })],
      [20, () => this.#relayed()],
      [3, () => ({ ip: random.pick([RELAY_V4, RELAY_V6]), port: random.pick([3478, 5349, 9, FIRST_PORT]) })],
    ])();
  }

  /** A transport address at this IP address where somebody may listen. */
  peerAt(ip: string): Peer {
    const relay = isOwn(ip) ? this.relay() : null;
    return { ip, port: relay === null ? HOST_PORTS[0] : portOf(relay.address) };
  }

  // The relayed address of some client, or a port that may be nobody's.
  #relayed(): Peer {
    const relay = this.relay();
    if (relay === null) return { ip: RELAY_V4, port: FIRST_PORT };
    return { ip: relay.family === 4 ? RELAY_V4 : RELAY_V6, port: portOf(relay.address) };
  }

  /** A relayed address of somebody, who may be gone by now. */
  relay(): ModelRelay | null {
    const all = [...this.#court.model.allocations.values()];
    return all.length === 0 ? null : (this.#random.pick(this.#random.pick(all).relays) ?? null);
  }

  /** A request that suits what the client has, more often than not. */
  request(client: SimClient): SimRequest {
    const random = this.#random;
    this.#mint(client);
    const tid = random.bytes(12);
    const signature = client.nonce === null || random.chance(0.01) ? null : this.#signature(client);
    const common = { tid, signature, unknown: random.chance(0.01) };
    const alive = this.#court.model.live(client.serial) !== null;
    return random.weighted<() => SimRequest>([
      [alive ? 6 : 70, () => this.#allocate(common)],
      [
        alive ? 22 : 4,
        () => ({ kind: 'refresh', ...common, lifetime: this.#refreshLifetime(), family: this.#family(0.15) }),
      ],
      [alive ? 34 : 4, () => ({ kind: 'permission', ...common, peers: this.#peers() })],
      [alive ? 34 : 4, () => ({ kind: 'channel', ...common, number: this.#number(), peer: this.#maybePeer() })],
      [4, () => ({ kind: 'binding', ...common })],
    ])();
  }

  #allocate(common: Pick<SimRequest, 'tid' | 'signature' | 'unknown'>): AllocateRequest {
    const random = this.#random;
    const plain: AllocateRequest = {
      kind: 'allocate',
      ...common,
      transport: random.weighted<number | null>([
        [97, 17],
        [1, 6],
        [1, null],
      ]),
      dontFragment: random.chance(0.01),
      family: null,
      additional: null,
      even: null,
      token: null,
      lifetime: random.pick(LIFETIMES),
    };
    return random.weighted<() => AllocateRequest>([
      [40, () => plain],
      [15, () => ({ ...plain, family: this.#family(1) })],
      [20, () => ({ ...plain, additional: random.chance(0.95) ? 2 : 1 })],
      [10, () => ({ ...plain, even: random.chance(0.5) })],
      [8, () => ({ ...plain, even: random.chance(0.3), additional: 2 })],
      [25, () => ({ ...plain, token: this.#token() })],
      [2, () => ({ ...plain, token: this.#token(), even: random.chance(0.5), family: this.#family(0.5) })],
      [2, () => ({ ...plain, family: this.#family(1), additional: 2 })],
    ])();
  }

  #token(): string {
    const { tokens } = this;
    if (tokens.length === 0 || this.#random.chance(0.1)) return this.#random.bytes(8).toString('hex');
    return this.#random.chance(0.8) ? (tokens.at(-1) as string) : this.#random.pick(tokens);
  }

  #refreshLifetime(): number | null {
    return this.#random.chance(0.85) ? this.#random.pick([null, 700, 1200, 0] as const) : this.#random.pick(LIFETIMES);
  }

  #family(probability: number): number | null {
    return this.#random.chance(probability) ? this.#random.pick([1, 2, 2, 1, 2, 1, 2, 1, 3] as const) : null;
  }

  #peers(): Peer[] {
    const count = this.#random.weighted([
      [1, 0],
      [60, 1],
      [25, 2],
      [10, 3],
    ]);
    return Array.from({ length: count }, () => this.peer());
  }

  #number(): number | null {
    return this.#random.weighted<number | null>([
      [96, this.#random.pick(CHANNELS)],
      [1, 0x3fff],
      [1, 0x5000],
      [1, null],
    ]);
  }

  #maybePeer(): Peer | null {
    return this.#random.chance(0.98) ? this.peer() : null;
  }

  // Time-limited names are made anew when they are needed, and sometimes in the midst of a call.
  #mint(client: SimClient): void {
    if (!isRestName(client.user)) return;
    const isFree = this.#court.model.live(client.serial) === null;
    if (!this.#random.chance(isFree ? 0.3 : 0.02)) return;
    client.user = restName(this.#court.timeline.wallTime() + this.#random.pick([0, 5000, 60_000, 600_000, 10_800_000]));
  }

  #signature(client: SimClient): Signature {
    const random = this.#random;
    const given = client.nonce as NonNullable<SimClient['nonce']>; // the caller has looked
    const nonce = random.chance(0.01) ? { ...given, text: `${given.text.slice(0, -1)}!!`, serial: -1 } : given;
    const { user, realm } = client;
    return random.weighted<() => Signature>([
      [96, () => ({ user, realm, nonce, key: this.#keyOf(client) })],
      [2, () => this.#another(nonce)],
      [1, () => ({ user, realm, nonce, key: random.bytes(16) })],
      [1, () => ({ user: 'mallory', realm, nonce, key: random.bytes(16) })],
    ])();
  }

  #another(nonce: Signature['nonce']): Signature {
    const user = this.#random.pick(['alice', 'bob', 'stella']);
    return { user, realm: REALM, nonce, key: this.#court.book.keyOf(user, REALM) ?? this.#random.bytes(16) };
  }

  // What the client has made its allocation with, or else what counts now.
  #keyOf(client: SimClient): Buffer {
    const live = this.#court.model.live(client.serial);
    const isOwner = live?.user === client.user && live.realm === client.realm && !this.#random.chance(0.02);
    if (isOwner) return live.key;
    return this.#court.book.keyOf(client.user, client.realm) ?? this.#random.bytes(16);
  }

  /**
   * A damaged copy: bits flipped, or the end cut off. FINGERPRINT stays whole: it follows the integrity, so what it is
   * turned into may rightly be ignored.
   */
  damaged(bytes: Buffer): Buffer {
    const random = this.#random;
    const copy = Buffer.from(bytes);
    const fingerprint = hasFingerprint(copy);
    if (random.chance(0.2)) return copy.subarray(0, random.int(copy.length));
    for (let flips = 1 + random.int(3); flips > 0; flips--) {
      const at = random.int(copy.length - (fingerprint ? 8 : 0));
      copy[at] = (copy[at] as number) ^ (1 << random.int(8));
    }
    return copy.equals(bytes) ? copy.subarray(0, -1) : copy;
  }

  /** Bytes that mean nothing, though they may look like STUN or ChannelData. */
  garbage(): Buffer {
    const random = this.#random;
    const bytes = random.bytes(random.int(80));
    if (bytes.length < 20 || random.chance(0.3)) return bytes;
    bytes[0] = random.pick([0x00, 0x01, 0x40, 0x4f]);
    bytes[1] = random.pick([0x01, 0x03, 0x04, 0x08, 0x09, 0x16, 0x17, 0x00]);
    bytes.writeUInt16BE(random.chance(0.5) ? bytes.length - 20 : random.int(0x1_0000), 2);
    bytes.writeUInt32BE(0x2112a442, 4);
    return bytes;
  }
}
