// Who holds which relay port: a byte per relay address and port, which several processes may share, and the fair draw of
// free ones; and beside it a byte that the holder may mark it with. Whether a port can be bound is for the caller to find
// out. Knows no sockets, and not where the bytes lie.

import { PortRequest, type Random } from '../turn/env.ts';

const PORTS = 65_536;

/** So many misses in a row mean that few ports are free: then it pays to look at each. */
const MAX_GUESSES = 64;

/** The owner bytes that have a meaning of their own; 1..253 are processes that relay. */
export const PortOwner = {
  /** Nobody holds the port. */
  FREE: 0,
  /** The only process, or the first of several workers: see {@link workerOwner}. */
  FIRST_WORKER: 1,
  /** The main process holds the port for a reservation. */
  MAIN: 254,
} as const;

/** How many workers the owner bytes can tell apart. */
export const MAX_PORT_WORKERS = PortOwner.MAIN - PortOwner.FIRST_WORKER;

/** The owner byte of worker 0, 1, 2… @throws RangeError from {@link MAX_PORT_WORKERS} on */
export function workerOwner(worker: number): number {
  if (worker < 0 || worker >= MAX_PORT_WORKERS) throw new RangeError(`there is no owner byte for worker ${worker}`);
  return PortOwner.FIRST_WORKER + worker;
}

/** Whether an owner byte is a worker's: a live relay socket's, then. */
export function isWorkerOwner(owner: number): boolean {
  return owner >= PortOwner.FIRST_WORKER && owner < PortOwner.MAIN;
}

/** A port that was drawn and is held from now on; for {@link PortRequest.EVEN_AND_NEXT} port + 1 is held too. */
export interface PortDraw {
  /** The index of the relay address. */
  readonly row: number;
  readonly port: number;
}

/** What a table is made of. */
export interface PortTableOptions {
  /** {@link PortTable.byteLength} bytes, all 0 at first; processes that share them agree on which port has which owner. */
  readonly bytes: Uint8Array;
  /** The owner byte of this process. */
  readonly owner: number;
  /** The port range, both ends included. */
  readonly minPort: number;
  readonly maxPort: number;
}

/** The ports that fit a request, in one row: `first`, `first + step`… */
interface Slots {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/**
 * One process's view of the port table. Every change is one atomic exchange of a byte, so no port is ever held twice,
 * and a process can give back only what is its own.
 */
export class PortTable {
  readonly #bytes: Uint8Array;
  /** Where the marks begin, and owners end. */
  readonly #marks: number;
  readonly #owner: number;
  #minPort: number;
  #maxPort: number;
  readonly #word: Uint32Array;
  readonly #wordBytes: Uint8Array;

  constructor({ bytes, owner, minPort, maxPort }: PortTableOptions) {
    this.#bytes = bytes;
    this.#marks = bytes.length / 2;
    this.#owner = owner;
    this.#minPort = minPort;
    this.#maxPort = maxPort;
    this.#word = new Uint32Array(1);
    this.#wordBytes = new Uint8Array(this.#word.buffer);
  }

  /** Bytes of a table for so many relay addresses. */
  static byteLength(rows: number): number {
    return 2 * rows * PORTS;
  }

  /** Draws from this range from now on. Ports that are held outside of it stay held. */
  setRange(minPort: number, maxPort: number): void {
    this.#minPort = minPort;
    this.#maxPort = maxPort;
  }

  /**
   * Draws a port of these rows and holds it. Every free port that fits is equally likely, however the free ones lie
   * (RFC 6056 §3.3.1; RFC 8656 §7.2 asks for random ports): a guess with linear search would favour ports behind busy runs.
   * @returns null when none fits
   */
  draw(rows: readonly number[], request: PortRequest, random: Random): PortDraw | null {
    const slots = this.#slotsOf(request);
    const total = rows.length * slots.count;
    for (let guesses = 0; total > 0 && guesses < MAX_GUESSES; guesses++) {
      const draw = drawAt(rows, slots, this.#below(random, total));
      if (this.#claim(draw, request)) return draw;
    }
    return this.#drawFromFew(rows, request, random);
  }

  /** Gives one port back; a pair is given back port by port. A port that this process does not hold stays as it is. */
  release(row: number, port: number): void {
    this.#exchange(row, port, this.#owner, PortOwner.FREE);
  }

  /**
   * Hands a port that this process holds to another owner, which gives it back from then on.
   * @returns whether it was held by this process
   */
  setOwner(row: number, port: number, owner: number): boolean {
    return this.#exchange(row, port, this.#owner, owner);
  }

  /** Who holds a port; {@link PortOwner.FREE} for none. */
  ownerOf(row: number, port: number): number {
    return Atomics.load(this.#bytes, row * PORTS + port);
  }

  /** Marks a port that this process holds, for whoever looks at {@link ownerOf} too. @param mark 0..255 */
  mark(row: number, port: number, mark: number): void {
    Atomics.store(this.#bytes, this.#marks + row * PORTS + port, mark);
  }

  /** What the holder of a port has marked it with. */
  markOf(row: number, port: number): number {
    return Atomics.load(this.#bytes, this.#marks + row * PORTS + port);
  }

  /** How many ports of a row are free now. Looks at each. */
  free(row: number): number {
    let count = 0;
    for (let port = this.#minPort; port <= this.#maxPort; port++) if (this.#isFree(row, port)) count++;
    return count;
  }

  /** Frees whatever a process that has ended held, in all rows. @returns how many ports those were */
  releaseAll(owner: number): number {
    let count = 0;
    for (let at = 0; at < this.#marks; at++) {
      if (this.#bytes[at] !== owner) continue;
      Atomics.store(this.#bytes, at, PortOwner.FREE);
      count++;
    }
    return count;
  }

  /** The exact draw for when guessing does not pay. A port that another process takes meanwhile means a new look. */
  #drawFromFew(rows: readonly number[], request: PortRequest, random: Random): PortDraw | null {
    for (;;) {
      const candidates = this.#candidates(rows, request);
      if (candidates.length === 0) return null;
      const draw = candidates[this.#below(random, candidates.length)] as PortDraw; // below the length
      if (this.#claim(draw, request)) return draw;
    }
  }

  #candidates(rows: readonly number[], request: PortRequest): PortDraw[] {
    const { first, step, count } = this.#slotsOf(request);
    const isPair = request === PortRequest.EVEN_AND_NEXT;
    const candidates: PortDraw[] = [];
    for (const row of rows) {
      for (let port = first; port < first + step * count; port += step) {
        if (this.#isFree(row, port) && (!isPair || this.#isFree(row, port + 1))) candidates.push({ row, port });
      }
    }
    return candidates;
  }

  #slotsOf(request: PortRequest): Slots {
    if (request === PortRequest.ANY) return { first: this.#minPort, step: 1, count: this.#maxPort - this.#minPort + 1 };
    const first = this.#minPort + (this.#minPort % 2);
    const last = request === PortRequest.EVEN ? this.#maxPort : this.#maxPort - 1;
    return { first, step: 2, count: last < first ? 0 : Math.floor((last - first) / 2) + 1 };
  }

  /** Holds the port, or both ports, or changes nothing. */
  #claim({ row, port }: PortDraw, request: PortRequest): boolean {
    if (!this.#exchange(row, port, PortOwner.FREE, this.#owner)) return false;
    if (request !== PortRequest.EVEN_AND_NEXT) return true;
    if (this.#exchange(row, port + 1, PortOwner.FREE, this.#owner)) return true;
    this.release(row, port);
    return false;
  }

  #exchange(row: number, port: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#bytes, row * PORTS + port, from, to) === from;
  }

  #isFree(row: number, port: number): boolean {
    return this.#bytes[row * PORTS + port] === PortOwner.FREE;
  }

  /** A uniform integer in [0, bound), for a bound up to 2^32. */
  #below(random: Random, bound: number): number {
    // The last, incomplete multiple of the bound would make small results likelier: draw again.
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      random.fill(this.#wordBytes);
      const value = this.#word[0] as number;
      if (value < limit) return value % bound;
    }
  }
}

function drawAt(rows: readonly number[], { first, step, count }: Slots, slot: number): PortDraw {
  return { row: rows[Math.floor(slot / count)] as number, port: first + step * (slot % count) };
}
