// The header of the PROXY protocol (HAProxy's proxy-protocol.txt) at the beginning of a stream, however it is cut: where
// it ends, and whose connection it tells of. Knows no sockets, and not who may send one.

import type { ConnectionAddresses } from './accepted-socket.ts';
import { type HeaderReading, HeaderStatus, INVALID, MORE } from './proxy-header-reading.ts';
import { PREFIX, readLine } from './proxy-header-v1.ts';
import { MAX_BLOCK, readBlock, SIGNATURE } from './proxy-header-v2.ts';

const EMPTY = Buffer.alloc(0);

/** Reads one header off a stream. Keeps less than the largest header. */
export class ProxyHeader {
  #kept: Buffer = EMPTY;
  #addresses: ConnectionAddresses | null = null;
  #rest: Buffer = EMPTY;

  /** Null until it is done, and where the connection's own addresses count. */
  get addresses(): ConnectionAddresses | null {
    return this.#addresses;
  }

  /** What came behind the header in the same chunk. */
  get rest(): Buffer {
    return this.#rest;
  }

  /** Takes the next bytes: none after it is done or invalid. */
  push(chunk: Buffer): HeaderStatus {
    const before = this.#kept.length;
    const bytes = before === 0 ? chunk : Buffer.concat([this.#kept, chunk.subarray(0, MAX_BLOCK - before)]);
    const reading = readHeader(bytes);
    if (reading.status === HeaderStatus.DONE) {
      this.#addresses = reading.addresses;
      // Whatever was kept before was no whole header.
      this.#rest = chunk.subarray(reading.length - before);
      this.#kept = EMPTY;
    } else if (reading.status === HeaderStatus.MORE) {
      // A copy: a chunk may be part of a large pool.
      this.#kept = before === 0 ? Buffer.from(bytes) : bytes;
    } else {
      this.#kept = EMPTY;
    }
    return reading.status;
  }
}

function readHeader(bytes: Buffer): HeaderReading {
  if (beginsLike(bytes, PREFIX)) return bytes.length < PREFIX.length ? MORE : readLine(bytes);
  if (beginsLike(bytes, SIGNATURE)) return bytes.length < SIGNATURE.length ? MORE : readBlock(bytes);
  return INVALID;
}

// As far as there are bytes.
function beginsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}
