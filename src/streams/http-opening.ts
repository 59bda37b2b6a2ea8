// Recognizes a stream that begins as an HTTP request. Knows nothing of STUN but that such bytes would pass for the head
// of a long ChannelData message, and be waited for.

const METHODS: ReadonlySet<number> = new Set(
  ['GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'CONN', 'OPTI', 'TRAC', 'PATC', 'PRI '].map((start) =>
    Buffer.from(start).readUInt32BE(0),
  ),
);

const LENGTH = 4;

/** Looks at the first four bytes of a stream, however they are cut. */
export class HttpOpening {
  #word = 0;
  #seen = 0;

  /** Whether the stream, with this chunk, turns out to be HTTP. */
  isHttp(chunk: Buffer): boolean {
    if (this.#seen === LENGTH) return false;
    for (let at = 0; at < chunk.length && this.#seen < LENGTH; at++) {
      this.#word = ((this.#word << 8) | (chunk[at] as number)) >>> 0;
      this.#seen++;
    }
    return this.#seen === LENGTH && METHODS.has(this.#word);
  }
}
