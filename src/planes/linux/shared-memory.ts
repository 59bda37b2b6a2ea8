// Memory that several processes see: a memfd, whose descriptor a child inherits. Knows nothing of what lies in it.

import { closeSync, fstatSync } from 'node:fs';
import { MAP_SHARED, MFD_CLOEXEC, PROT_READ, PROT_WRITE } from './abi.ts';
import type { Libc } from './libc.ts';
import { checked } from './system-error.ts';

/** Shared memory as one process sees it. */
export class SharedMemory {
  /** For a child's stdio; closed at exec otherwise. */
  readonly fd: number;
  /** Valid as long as the process lives. Shared bytes are changed by `Atomics` only. */
  readonly bytes: Uint8Array;
  #closed: boolean;

  constructor(fd: number, bytes: Uint8Array) {
    this.fd = fd;
    this.bytes = bytes;
    this.#closed = false;
  }

  /**
   * Closes the descriptor. The mapping stays: an array that outlives its memory would end the process at the next read.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.fd);
  }
}

/** Makes new memory, all 0. @throws SystemCallError */
export function createSharedMemory(libc: Libc, length: number): SharedMemory {
  const fd = checked(libc, 'memfd_create', libc.memfdCreate('turnd', MFD_CLOEXEC));
  try {
    checked(libc, 'ftruncate', libc.ftruncate(fd, length));
    return mapSharedMemory(libc, fd, length);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Maps the memory behind an inherited descriptor, which belongs to the result from then on; on failure it stays open.
 * @throws SystemCallError, and RangeError for memory that is shorter: touching what is not there would end the process
 */
export function mapSharedMemory(libc: Libc, fd: number, length: number): SharedMemory {
  const { size } = fstatSync(fd);
  if (size < length) throw new RangeError(`the shared memory has ${size} bytes, not ${length}`);
  const address = checked(libc, 'mmap', libc.mmap(length, PROT_READ | PROT_WRITE, MAP_SHARED, fd));
  return new SharedMemory(fd, new Uint8Array(libc.view(address, length)));
}
