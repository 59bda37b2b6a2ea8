// Descriptors that come with messages of Node's IPC: each packet of the descriptor channel bears a tag that the message
// repeats. Whoever sends puts the packet into the channel first, so it is there when the message comes.

import { closeSync } from 'node:fs';
import type { DescriptorChannel } from '../planes/linux/descriptor-channel.ts';

/** So many may wait for their message; a worker that sends more speaks of none of them. */
const MAX_PARKED = 256;

/** The tag of a listening socket. */
export function listenerTag(id: number): string {
  return `listener ${id}`;
}

/** Both directions of a worker's descriptor channel, by tags. */
export class TaggedDescriptors {
  readonly #channel: DescriptorChannel;
  /** Those whose message has not come yet. */
  readonly #parked = new Map<string, readonly number[]>();

  constructor(channel: DescriptorChannel) {
    this.#channel = channel;
  }

  /** Sends a duplicate of a descriptor. @returns false when the channel is full or gone */
  send(tag: string, fd: number): boolean {
    return this.#channel.send(Buffer.from(tag), [fd]);
  }

  /** The descriptor with this tag, the caller's from now on; null when it did not come (none was left here). */
  take(tag: string): number | null {
    while (!this.#parked.has(tag)) {
      const received = this.#channel.receive();
      if (received === null) return null;
      this.#park(received.message.toString(), received.fds);
    }
    const [fd = null, ...more] = this.#parked.get(tag) ?? [];
    this.#parked.delete(tag);
    closeAll(more);
    return fd;
  }

  /** Idempotent. */
  close(): void {
    this.#channel.close();
    for (const fds of this.#parked.values()) closeAll(fds);
    this.#parked.clear();
  }

  // The other side may be a worker that has gone mad: none of its descriptors is to stay here for good.
  #park(tag: string, fds: readonly number[]): void {
    closeAll(this.#parked.get(tag) ?? []);
    this.#parked.set(tag, fds);
    if (this.#parked.size <= MAX_PARKED) return;
    const [[oldest, forgotten] = ['', []]] = this.#parked;
    this.#parked.delete(oldest);
    closeAll(forgotten);
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd);
}
