// Descriptors that come with messages of Node's IPC: each packet of the descriptor channel bears a tag that the message
// repeats. Whoever sends puts the packet into the channel first, so it is there when the message comes.

import { closeSync } from 'node:fs';
import type { DescriptorChannel } from '../planes/linux/descriptor-channel.ts';

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
      this.#parked.set(received.message.toString(), received.fds);
    }
    const fds = this.#parked.get(tag) ?? [];
    this.#parked.delete(tag);
    return fds[0] ?? null;
  }

  /** Idempotent. */
  close(): void {
    this.#channel.close();
    for (const fds of this.#parked.values()) for (const fd of fds) closeSync(fd);
    this.#parked.clear();
  }
}
