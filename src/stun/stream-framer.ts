// Cuts a byte stream into STUN messages and ChannelData, right at every split (RFC 8489 §6.2.2, RFC 8656 §12.5).
// Integer state; a frame that lies within one chunk is a view of it, one that spans chunks is copied once, bounded.
// Knows nothing of sockets: whoever reads one pushes chunks and takes frames until there are none.

import { CHANNEL_HEADER_LENGTH } from './channel-data.ts';
import { padded } from './message-view.ts';
import { HEADER_LENGTH, MAGIC_COOKIE } from './methods.ts';

/** What {@link StreamFramer.next} found. */
export const FrameStatus = {
  /** A whole frame is at `buffer[start, end)`. */
  FRAME: 0,
  /** The chunk is used up: push the next one. */
  MORE: 1,
  /** This is no STUN stream: close the connection. Final. */
  FATAL: 2,
} as const;
export type FrameStatus = (typeof FrameStatus)[keyof typeof FrameStatus];

/** The longest frame: a STUN message of 65,532 bytes of attributes, or ChannelData of 65,535 bytes with padding. */
export const MAX_FRAME_LENGTH: number = Math.max(HEADER_LENGTH + 0xfffc, CHANNEL_HEADER_LENGTH + 0x10000);

// Bytes that tell a frame's length, and bytes that tell a STUN message from noise.
const LENGTH_KNOWN = 4;
const COOKIE_KNOWN = 8;

const NEEDS_MORE = 0;
const NOT_A_FRAME = -1;

// What is set aside for a frame that has begun: it grows with the bytes that come, not with the length claimed.
const FIRST_PIECE = 256;

const EMPTY = Buffer.alloc(0);

/** One per connection. Frames are valid until the next call. */
export class StreamFramer {
  /** The frame found last. */
  buffer: Buffer = EMPTY;
  start = 0;
  end = 0;
  #chunk: Buffer = EMPTY;
  #at = 0;
  // A frame whose beginning came in earlier chunks. Never reused for a second frame: the first may still be on its
  // way into a socket.
  #partial: Buffer = EMPTY;
  #partialLength = 0;
  #fatal = false;

  /** Bytes of an unfinished frame that are being kept. */
  get pending(): number {
    return this.#partialLength;
  }

  /** Offers the next bytes of the stream. The chunk before must have been taken to `MORE`. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Takes the next frame. */
  next(): FrameStatus {
    if (this.#fatal) return FrameStatus.FATAL;
    return this.#partialLength > 0 ? this.#nextFromPartial() : this.#nextFromChunk();
  }

  #nextFromChunk(): FrameStatus {
    const available = this.#chunk.length - this.#at;
    const length = frameLength(this.#chunk, this.#at, available);
    if (length === NOT_A_FRAME) return this.#fail();
    if (length === NEEDS_MORE || length > available) {
      this.#keep(available);
      return this.#release();
    }
    return this.#found(this.#chunk, this.#at, length, this.#at + length);
  }

  #nextFromPartial(): FrameStatus {
    for (;;) {
      const wanted = frameLength(this.#partial, 0, this.#partialLength);
      if (wanted === NOT_A_FRAME) return this.#fail();
      if (wanted === this.#partialLength) return this.#takePartial(wanted);
      const available = this.#chunk.length - this.#at;
      if (available === 0) return this.#release();
      // Until the length is known, no more is kept than it takes to know it.
      const goal = wanted !== NEEDS_MORE ? wanted : this.#partialLength < LENGTH_KNOWN ? LENGTH_KNOWN : COOKIE_KNOWN;
      this.#keep(Math.min(available, goal - this.#partialLength));
    }
  }

  #takePartial(length: number): FrameStatus {
    const frame = this.#partial;
    this.#partial = EMPTY;
    this.#partialLength = 0;
    return this.#found(frame, 0, length, this.#at);
  }

  #found(buffer: Buffer, start: number, length: number, at: number): FrameStatus {
    this.buffer = buffer;
    this.start = start;
    this.end = start + length;
    this.#at = at;
    return FrameStatus.FRAME;
  }

  #keep(length: number): void {
    const needed = this.#partialLength + length;
    if (needed > this.#partial.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.min(MAX_FRAME_LENGTH, Math.max(FIRST_PIECE, needed, this.#partial.length * 2)),
      );
      this.#partial.copy(grown, 0, 0, this.#partialLength);
      this.#partial = grown;
    }
    this.#chunk.copy(this.#partial, this.#partialLength, this.#at, this.#at + length);
    this.#partialLength = needed;
    this.#at += length;
  }

  // Lets go of chunk and frame, so that a quiet connection does not keep a 64 KiB read buffer alive.
  #release(): FrameStatus {
    this.#chunk = EMPTY;
    this.#at = 0;
    this.buffer = EMPTY;
    return FrameStatus.MORE;
  }

  #fail(): FrameStatus {
    this.#fatal = true;
    this.#partial = EMPTY;
    this.#partialLength = 0;
    this.#release();
    return FrameStatus.FATAL;
  }
}

// The length of the frame that begins at `at`: NEEDS_MORE until it is known, NOT_A_FRAME for anything else. Lengths are
// plain numbers: 65,532 + 20 does not wrap.
function frameLength(buffer: Buffer, at: number, available: number): number {
  if (available === 0) return NEEDS_MORE;
  const first = buffer[at] as number;
  if (first >= 0x80 || (first >= 4 && first < 0x40)) return NOT_A_FRAME;
  if (available < LENGTH_KNOWN) return NEEDS_MORE;
  const length = buffer.readUInt16BE(at + 2);
  // Numbers of 0x5000 and above cannot be bound, but are skipped by their length (RFC 8656 §12.6).
  if (first >= 0x40) return CHANNEL_HEADER_LENGTH + padded(length);
  if ((length & 3) !== 0) return NOT_A_FRAME;
  if (available < COOKIE_KNOWN) return NEEDS_MORE;
  return buffer.readUInt32BE(at + 4) === MAGIC_COOKIE ? HEADER_LENGTH + length : NOT_A_FRAME;
}
