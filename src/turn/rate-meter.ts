// Limits of what is relayed, as the packet path asks for them: token buckets of an allocation, its user and the server.
// Part of the packet path: nothing here allocates, waits or logs. Who gets which limits is rate-meters.ts's business.

/** Which way a packet goes. Each way has buckets of its own. The value is where they lie among {@link METER_BUCKETS}. */
export const Direction = { TO_PEER: 0, TO_CLIENT: 2 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** Numbers that one holder of limits needs: bytes and packets, for each {@link Direction}. */
export const METER_BUCKETS = 4;

/** Buckets of what allocations share. All processes of a server may use the same memory. */
export interface RateMemory {
  /** Of the server: {@link METER_BUCKETS}. */
  readonly server: Float64Array;
  /** Of users: {@link METER_BUCKETS} for each slot. */
  readonly users: Float64Array;
}

/** How much is let through each second, for each direction by itself; 0 = no limit. Bytes are payload as relayed. */
export interface Rate {
  readonly bytesPerSecond: number;
  readonly packetsPerSecond: number;
}

/** No limit. */
export const NO_RATE: Rate = Object.freeze({ bytesPerSecond: 0, packetsPerSecond: 0 });

/**
 * Milliseconds of a rate that whoever was silent may send at once. Long enough that a smooth stream loses nothing between
 * two samples of the engine's clock (100 ms, and more when the process is late) and that a video's key frame passes; so
 * short that hardly a second sees more than one and a half times the rate.
 */
export const BURST_MS = 500;

const MAX_DATAGRAM = 65_535;
// Other processes' clocks are up to a sample behind: that is no reason to take a bucket for somebody else's.
const CLOCK_SLACK = 1000;

/** Which limit lets a packet not through. */
export const Refusal = { NONE: 0, BYTES: 1, PACKETS: 2 } as const;
export type Refusal = (typeof Refusal)[keyof typeof Refusal];

/** Whose limits they are. */
export type RateHolder = 'allocation' | 'user' | 'server';

/**
 * The limits of one holder. A bucket is a single number, as in the generic cell rate algorithm: the moment until which
 * what was let through uses the rate up. A packet passes while that is no more than {@link BURST_MS} ahead, whatever its
 * size, so a large one on a low rate is paid for afterwards instead of never. Rates hold exactly in the long run.
 */
export class RateLevel {
  readonly holder: RateHolder;
  readonly #buckets: Float64Array;
  readonly #first: number;
  readonly #msPerByte: number;
  readonly #msPerPacket: number;

  /** @param buckets {@link METER_BUCKETS} from `first` on; processes may share them (see {@link RateMeter}) */
  constructor(holder: RateHolder, rate: Rate, buckets: Float64Array, first: number) {
    this.holder = holder;
    this.#buckets = buckets;
    this.#first = first;
    this.#msPerByte = rate.bytesPerSecond === 0 ? 0 : 1000 / rate.bytesPerSecond;
    this.#msPerPacket = rate.packetsPerSecond === 0 ? 0 : 1000 / rate.packetsPerSecond;
  }

  /** Which limit lets no packet through now. Takes nothing. @param now monotonic milliseconds */
  refusal(direction: Direction, now: number): Refusal {
    const at = this.#first + direction;
    if (this.#msPerByte > 0 && this.#isUsedUp(at, this.#msPerByte * MAX_DATAGRAM, now)) return Refusal.BYTES;
    if (this.#msPerPacket > 0 && this.#isUsedUp(at + 1, this.#msPerPacket, now)) return Refusal.PACKETS;
    return Refusal.NONE;
  }

  /** Lets a packet of so many bytes through. */
  take(direction: Direction, bytes: number, now: number): void {
    const at = this.#first + direction;
    if (this.#msPerByte > 0) this.#add(at, bytes * this.#msPerByte, now);
    if (this.#msPerPacket > 0) this.#add(at + 1, this.#msPerPacket, now);
  }

  #isUsedUp(at: number, most: number, now: number): boolean {
    const ahead = (this.#buckets[at] as number) - now;
    if (ahead <= BURST_MS) return false;
    if (ahead <= BURST_MS + most + CLOCK_SLACK) return true;
    // Further than any packet can push it at this rate: it was filled at a lower one, which holds no more.
    this.#buckets[at] = now + BURST_MS;
    return false;
  }

  #add(at: number, cost: number, now: number): void {
    this.#buckets[at] = Math.max(this.#buckets[at] as number, now) + cost;
  }
}

/** Whose limit refused a packet, and of what. */
export interface RateRefusal {
  readonly holder: RateHolder;
  readonly of: 'bytes' | 'packets';
}

/**
 * All limits that hold for one allocation. Buckets of users and the server are shared by processes and not locked: two
 * that let a packet through within the same few nanoseconds may pay for one, which is all that sharing costs.
 */
export class RateMeter {
  /** {@link METER_BUCKETS} of the allocation itself. */
  readonly buckets: Float64Array;
  readonly #levels: readonly RateLevel[];
  #refusedBy = 0;
  #refusal: Refusal = Refusal.NONE;

  /** @param levels only those that have a limit */
  constructor(buckets: Float64Array, levels: readonly RateLevel[]) {
    this.buckets = buckets;
    this.#levels = levels;
  }

  /**
   * Whether a packet of so many bytes may pass at `now` (monotonic milliseconds). One that may not takes nothing from any
   * limit, so what a user is refused costs nobody else.
   */
  allow(direction: Direction, bytes: number, now: number): boolean {
    const levels = this.#levels;
    for (let index = 0; index < levels.length; index++) {
      const refusal = (levels[index] as RateLevel).refusal(direction, now);
      if (refusal === Refusal.NONE) continue;
      this.#refusedBy = index;
      this.#refusal = refusal;
      return false;
    }
    for (let index = 0; index < levels.length; index++) (levels[index] as RateLevel).take(direction, bytes, now);
    return true;
  }

  /** Which limit refused the last packet that was refused; null if none was. */
  get lastRefusal(): RateRefusal | null {
    const level = this.#levels[this.#refusedBy];
    if (level === undefined || this.#refusal === Refusal.NONE) return null;
    return { holder: level.holder, of: this.#refusal === Refusal.BYTES ? 'bytes' : 'packets' };
  }
}
