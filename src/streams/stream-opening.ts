// Recognizes a stream that begins as no client of ours would: such bytes would pass for the head of a long ChannelData
// message, and be waited for. Knows no frames.

const LENGTH = 4;

// 64..79 may be a channel (RFC 7983 §7); higher numbers, of RFC 5766, cannot be bound before anything else was said.
const LAST_CHANNEL = 0x4f;

/** Looks at the first four bytes of a stream, however they are cut. */
export class StreamOpening {
  #seen = 0;
  #text = true;

  /** Whether the stream, with this chunk, turns out to be foreign: another protocol's, whose first words are text. */
  isForeign(chunk: Buffer): boolean {
    if (this.#seen === LENGTH) return false;
    if (this.#seen === 0 && chunk.length > 0 && (chunk[0] as number) > LAST_CHANNEL) return true;
    for (let at = 0; at < chunk.length && this.#seen < LENGTH; at++) {
      this.#text &&= isPrintable(chunk[at] as number);
      this.#seen++;
    }
    return this.#seen === LENGTH && this.#text;
  }
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}
