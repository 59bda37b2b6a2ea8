// Draws what clients ask for: mostly sensible things, often enough senseless ones.

import { RELAY_V4, RELAY_V6, USERS } from '../support/lab.ts';
import { KEYS } from './desk.ts';
import type { Model } from './model.ts';
import { HOSTS, REFUSED } from './model-state.ts';
import type { Prng } from './prng.ts';
import { type AllocateRequest, hasFingerprint, type Peer, type Signature, type SimRequest } from './requests.ts';
import type { SimClient } from './sim-client.ts';
import { PORTS } from './surroundings.ts';

/** Ports on which hosts listen. */
export const HOST_PORTS = [5000, 5001] as const;

const LIFETIMES = [null, null, 0, 1, 599, 600, 601, 700, 1200, 3600, 3601, 0xffff_ffff] as const;
const CHANNELS = [0x4000, 0x4001, 0x4002, 0x4003, 0x4fff] as const;

/** Draws requests and peers. */
export class Choices {
  readonly #random: Prng;
  readonly #model: Model;
  /** Tokens that were seen, good or not. */
  readonly tokens: string[] = [];

  constructor(random: Prng, model: Model) {
    this.#random = random;
    this.#model = model;
  }

  /** A transport address that a client may want to reach. */
  peer(): Peer {
    const random = this.#random;
    const port = random.chance(0.01) ? 0 : random.pick(HOST_PORTS);
    return random.weighted<() => Peer>([
      [70, () => ({ ip: random.pick(HOSTS), port })],
      [4, () => ({ ip: random.pick(REFUSED), port })],
      [20, () => this.#relayed()],
      [3, () => ({ ip: random.pick([RELAY_V4, RELAY_V6]), port: random.pick([3478, 5349, 9, PORTS[0]]) })],
    ])();
  }

  // The relayed address of some client, or a port that may be nobody's.
  #relayed(): Peer {
    const all = [...this.#model.allocations.values()].flatMap(({ relays }) => relays);
    if (all.length === 0) return { ip: RELAY_V4, port: PORTS[0] };
    const { address, family } = this.#random.pick(all);
    return { ip: family === 4 ? RELAY_V4 : RELAY_V6, port: Number(address.slice(address.lastIndexOf(':') + 1)) };
  }

  /** A request that suits what the client has, more often than not. */
  request(client: SimClient, user: string): SimRequest {
    const random = this.#random;
    const tid = random.bytes(12);
    const signature = client.nonce === null || random.chance(0.01) ? null : this.#signature(client, user);
    const common = { tid, signature, unknown: random.chance(0.01) };
    const alive = this.#model.live(client.serial) !== null;
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

  #signature(client: SimClient, user: string): Signature {
    const random = this.#random;
    const given = client.nonce as NonNullable<SimClient['nonce']>; // the caller has looked
    const nonce = random.chance(0.01) ? { ...given, text: `${given.text.slice(0, -1)}!!`, serial: -1 } : given;
    const [name, genuine] = random.weighted<readonly [string, boolean]>([
      [96, [user, true]],
      [2, [random.pick([...USERS.keys()]), true]],
      [1, [user, false]],
      [1, ['mallory', false]],
    ]);
    return { user: name, genuine, nonce, key: genuine ? (KEYS.get(name) as Buffer) : random.bytes(16) };
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
