// 32-bit big-endian words as int32, for the packet path. Buffer's own readUInt32BE returns a double from 2^31 on, which
// the engine puts on the heap wherever the call is not inlined; an int32 never is.

/** The four bytes at `at` as an int32. */
export function readWord(buffer: Buffer, at: number): number {
  return (
    ((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)
  );
}

/** Writes the low 32 bits of `word` at `at`. The caller has made sure that there is room. */
export function writeWord(buffer: Buffer, at: number, word: number): void {
  buffer[at] = word >>> 24;
  buffer[at + 1] = word >>> 16;
  buffer[at + 2] = word >>> 8;
  buffer[at + 3] = word;
}

/** Reads 16 bits at `offset`, which lies inside the buffer: without the checks of Buffer's own method. */
export function readHalf(buffer: Buffer, offset: number): number {
  return ((buffer[offset] as number) << 8) | (buffer[offset + 1] as number);
}
