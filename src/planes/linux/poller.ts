// One epoll over all sockets of a plane, edge-triggered: a socket is told once that something has come, and whoever reads
// it must read until nothing is left, or say that there is more. Knows no datagrams.

import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLERR, EPOLLET, EPOLLIN } from './abi.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import { checked } from './system-error.ts';

/** What can be polled. */
export interface Pollable {
  readonly fd: number;
  /** The poller's own: where it keeps this one; -1 outside of any poller. */
  pollSlot: number;
  /** Reads a bounded number of datagrams. @returns whether there may be more */
  onReadable(): boolean;
  /** An error is pending on the socket. */
  onError(): void;
}

const MAX_EVENTS = 256;
const EDGES = (EPOLLIN | EPOLLET) >>> 0;

/** Bytes of an arena that a poller takes. */
export const POLLER_SIZE = (MAX_EVENTS + 2) * 16 + 256;

/** Polls sockets. Libuv's descriptor is in it too while the plane's own loop runs. */
export class Poller {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #events: Uint8Array;
  readonly #eventsAt: number;
  readonly #changeAt: number;
  readonly #change: Uint8Array;
  readonly #slots: (Pollable | null)[] = [];
  readonly #freeSlots: number[] = [];
  /** By slot: whether it is among the unfinished. */
  readonly #isUnfinished: boolean[] = [];
  /** Sockets that have more to read, and those of the round before. */
  #unfinished: Pollable[] = [];
  #resumed: Pollable[] = [];
  #closed = false;

  constructor(libc: Libc, arena: Arena) {
    const { size } = libc.epollLayout;
    this.#libc = libc;
    this.#arena = arena;
    this.fd = checked(libc, 'epoll_create1', libc.epollCreate(EPOLL_CLOEXEC));
    this.#eventsAt = arena.reserve(MAX_EVENTS * size);
    this.#events = arena.slice(this.#eventsAt, MAX_EVENTS * size);
    this.#changeAt = arena.reserve(size);
    this.#change = arena.slice(this.#changeAt, size);
  }

  /** Whether a socket has said that there is more to read: then no wait may block. */
  get isUnfinished(): boolean {
    return this.#unfinished.length > 0;
  }

  /** @throws SystemCallError */
  add(pollable: Pollable): void {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    this.#control(EPOLL_CTL_ADD, pollable.fd, EDGES, slot);
    this.#slots[slot] = pollable;
    this.#isUnfinished[slot] = false;
    pollable.pollSlot = slot;
  }

  /** Before the descriptor is closed or given away. Idempotent. Events that are under way are not delivered any more. */
  remove(pollable: Pollable): void {
    const slot = pollable.pollSlot;
    if (slot < 0) return;
    this.#control(EPOLL_CTL_DEL, pollable.fd, 0, 0);
    this.#slots[slot] = null;
    this.#freeSlots.push(slot);
    pollable.pollSlot = -1;
  }

  /** Adds or removes a descriptor that only has to end a wait: events of it are reported by {@link dispatch}. */
  setForeign(fd: number, isIn: boolean): void {
    this.#control(isIn ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, EPOLLIN, FOREIGN);
  }

  /** Waits for up to `milliseconds`; -1 = until something comes. @returns how many events {@link dispatch} will find; less than 1 if none */
  wait(milliseconds: number): number {
    return this.#libc.epollWait(this.fd, this.#events, MAX_EVENTS, milliseconds);
  }

  /**
   * Lets sockets read: those that were left unfinished, then those of `count` events.
   * @returns whether the foreign descriptor is ready
   */
  dispatch(count: number): boolean {
    if (this.#unfinished.length > 0) this.#resume();
    const { size, data } = this.#libc.epollLayout;
    let isForeignReady = false;
    for (let index = 0; index < count; index++) {
      const at = this.#eventsAt + index * size;
      const slot = this.#arena.bytes.readInt32LE(at + data);
      if (slot === FOREIGN) isForeignReady = true;
      else this.#deliver(slot, this.#arena.bytes.readUInt32LE(at));
    }
    return isForeignReady;
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) this.#libc.close(this.fd);
    this.#closed = true;
  }

  // A slot whose socket went in this round may be another one's by now: that one then looks once in vain.
  #deliver(slot: number, events: number): void {
    const pollable = this.#slots[slot] ?? null;
    if (pollable === null) return;
    if ((events & EPOLLERR) !== 0) pollable.onError();
    // One that has just read and goes on in the next round is not read twice in this one, nor in all that follow.
    if ((events & EPOLLIN) === 0 || pollable.pollSlot !== slot || this.#isUnfinished[slot] === true) return;
    this.#read(pollable, slot);
  }

  #read(pollable: Pollable, slot: number): void {
    const isUnfinished = pollable.onReadable() && pollable.pollSlot === slot;
    if (isUnfinished) this.#unfinished.push(pollable);
    if (this.#slots[slot] === pollable) this.#isUnfinished[slot] = isUnfinished;
  }

  #resume(): void {
    const resumed = this.#unfinished;
    this.#unfinished = this.#resumed;
    this.#resumed = resumed;
    // Popped one by one: setting the length to 0 would give the memory back, and take it anew in the next round.
    while (resumed.length > 0) {
      const pollable = resumed.pop() as Pollable;
      if (pollable.pollSlot >= 0) this.#read(pollable, pollable.pollSlot);
    }
  }

  #control(operation: number, fd: number, events: number, slot: number): void {
    if (this.#closed) return;
    const { data } = this.#libc.epollLayout;
    this.#arena.bytes.writeUInt32LE(events, this.#changeAt);
    this.#arena.bytes.writeInt32LE(slot, this.#changeAt + data);
    const result = this.#libc.epollCtl(this.fd, operation, fd, this.#change);
    if (operation === EPOLL_CTL_ADD) checked(this.#libc, 'epoll_ctl', result);
  }
}

const FOREIGN = -1;
