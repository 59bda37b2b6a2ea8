// Memory that system calls read and write: one ArrayBuffer whose address is taken once. Offsets into it are what this
// plane computes with; an address is only ever the arena's own plus an offset that was checked when it was laid out.

import type { Libc } from './libc.ts';

const WORD_RANGE = 0x1_0000_0000;

/** Structures are laid out one after the other and live as long as the arena. */
export class Arena {
  readonly bytes: Buffer;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  /** The address in two halves. */
  readonly #high: number;
  readonly #low: number;
  #end: number;

  /** @param size bytes; a layout beyond it is a bug and throws */
  constructor(libc: Libc, size: number) {
    const memory = allocate(libc, size);
    this.bytes = Buffer.from(memory);
    this.u16 = new Uint16Array(memory);
    this.u32 = new Uint32Array(memory);
    this.i32 = new Int32Array(memory);
    const address = libc.addressOf(this.bytes);
    this.#high = Math.floor(address / WORD_RANGE);
    this.#low = address % WORD_RANGE;
    this.#end = 0;
  }

  /** Sets `size` bytes aside, all 0, at an offset that is a multiple of 64: a cache line of their own. */
  reserve(size: number): number {
    const start = this.#end;
    const end = start + size;
    if (end > this.bytes.length) throw new RangeError(`the arena of ${this.bytes.length} bytes is too small`);
    this.#end = (end + 63) & ~63;
    return start;
  }

  /** The memory `[offset, offset + size)` as a call takes it. */
  slice(offset: number, size: number): Uint8Array {
    return new Uint8Array(this.bytes.buffer, offset, size);
  }

  /** Writes at offset `at` a pointer to offset `target`. Both are multiples of 4, `at` of 8. */
  writePointer(at: number, target: number): void {
    this.u32[at >>> 2] = this.#low + target;
    this.u32[(at >>> 2) + 1] = this.#high;
  }

  /** Writes a 64-bit number below 2^32. */
  writeU64(at: number, value: number): void {
    this.u32[at >>> 2] = value;
    this.u32[(at >>> 2) + 1] = 0;
  }
}

// Not across a multiple of 4 GiB: all pointers into it then share their upper half. Of two that are held at once, one
// does not lie across it.
function allocate(libc: Libc, size: number): ArrayBuffer {
  const both = [new ArrayBuffer(size), new ArrayBuffer(size)];
  const isWhole = (memory: ArrayBuffer): boolean =>
    (libc.addressOf(new Uint8Array(memory)) % WORD_RANGE) + size <= WORD_RANGE;
  const found = both.find(isWhole);
  if (found === undefined) throw new RangeError(`${size} bytes do not fit between two multiples of 4 GiB`);
  return found;
}
