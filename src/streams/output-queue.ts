// The bytes due to one stream: a buffer that fills while another is on its way. Knows neither sockets nor messages;
// whoever owns it decides what may be appended.

// One Ethernet frame's worth to begin with; most answers are smaller.
const FIRST_SIZE = 2048;

// A spare above this size is not kept: it was a burst.
const LARGEST_SPARE = 65_536;

const EMPTY = Buffer.alloc(0);

/**
 * Everything is copied in, so that receive buffers are free at once and one loop turn leaves in one write (and in few
 * TLS records). At most one write is on its way: memory is the two buffers.
 */
export class OutputQueue {
  #filling: Buffer = EMPTY;
  #length = 0;
  #flying: Buffer = EMPTY;
  #flyingLength = 0;

  /** Bytes that wait for the next write. */
  get waiting(): number {
    return this.#length;
  }

  /** Bytes that wait or are on their way. */
  get queued(): number {
    return this.#length + this.#flyingLength;
  }

  /** Bytes of memory held. */
  get memory(): number {
    return this.#filling.length + this.#flying.length;
  }

  /** Makes room for `length` bytes without letting the buffer grow beyond `limit`, unless it must. */
  reserve(length: number, limit: number): void {
    const needed = this.#length + length;
    if (needed <= this.#filling.length) return;
    const doubled = Math.max(FIRST_SIZE, this.#filling.length * 2);
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(doubled, limit)));
    this.#filling.copy(grown, 0, 0, this.#length);
    this.#filling = grown;
  }

  /** Copies `buffer[start, end)` into room that was reserved. */
  append(buffer: Buffer, start: number, end: number): void {
    buffer.copy(this.#filling, this.#length, start, end);
    this.#length += end - start;
  }

  /** Appends `count` zero bytes into room that was reserved. */
  appendZeros(count: number): void {
    this.#filling.fill(0, this.#length, this.#length + count);
    this.#length += count;
  }

  /** What waits, to be written now; null when there is nothing, or a write is on its way. */
  takeOff(): Buffer | null {
    if (this.#length === 0 || this.#flyingLength > 0) return null;
    const spare = this.#flying;
    this.#flying = this.#filling;
    this.#flyingLength = this.#length;
    this.#filling = spare;
    this.#length = 0;
    return this.#flying.subarray(0, this.#flyingLength);
  }

  /** The write has completed: its buffer may be filled again. */
  landed(): void {
    this.#flyingLength = 0;
    if (this.#flying.length > LARGEST_SPARE) this.#flying = EMPTY;
  }

  /** Lets go of buffers that hold nothing, so that a quiet connection costs none. */
  trim(): void {
    if (this.#length === 0) this.#filling = EMPTY;
    if (this.#flyingLength === 0) this.#flying = EMPTY;
  }
}
