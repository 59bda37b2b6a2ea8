// TURN requests of many clients over kernel sockets: what sets up, refreshes and ends allocations. A window of clients at
// a time, blocking the process; or single ones while packets are sent, whose answers somebody else reads.

import { randomBytes } from 'node:crypto';
import { MSG_DONTWAIT } from '../../src/planes/linux/abi.ts';
import type { Libc } from '../../src/planes/linux/libc.ts';
import { longTermKeyMd5 } from '../../src/stun/keys.ts';
import { type Method, TRANSACTION_ID_LENGTH } from '../../src/stun/methods.ts';
import type { Credentials } from '../load-job.ts';
import {
  type Address,
  type Answer,
  type Authentication,
  type RequestFields,
  readAnswer,
  writeRequest,
} from '../turn-messages.ts';
import type { Clock } from './clock.ts';
import { BATCH, EVENTS, type MessageMemory } from './message-memory.ts';

/** The first retransmission follows after this time, the next after twice that, and so on (RFC 8489 §6.2.1). */
const RTO_NS = 500e6;
const TRANSMISSIONS = 6;
const CHALLENGES = 3;
const UNAUTHORIZED = 401;
const STALE_NONCE = 438;
const LOOK_FOR_LATE_NS = 50e6;

/** One client: its socket, and what the server said. */
export interface Client {
  readonly fd: number;
  /** Where it has its peer; of no meaning before it is allocated. */
  peer: Address;
  relayed: Address | null;
  authentication: Authentication | null;
}

/** One request of a script. */
export interface Exchange {
  readonly what: string;
  readonly method: Method;
  fields(client: Client): RequestFields;
  /** Called with the success response. */
  onSuccess?(client: Client, index: number, answer: Answer): void;
}

/** A client that is going through a script. */
interface Run {
  readonly client: Client;
  readonly index: number;
  readonly script: readonly Exchange[];
  step: number;
  challenges: number;
  transactionId: string;
  request: Buffer;
  sent: number;
  sentAt: number;
}

/** Where requests travel. */
export interface RequestPath {
  readonly libc: Libc;
  readonly memory: MessageMemory;
  readonly clock: Clock;
  readonly epoll: number;
}

/** Runs scripts of requests. */
export class Requests {
  readonly #path: RequestPath;
  readonly #credentials: Credentials;
  readonly #keys = new Map<string, Buffer>();
  readonly #running = new Map<number, Run>();

  constructor(path: RequestPath, credentials: Credentials) {
    this.#path = path;
    this.#credentials = credentials;
  }

  /**
   * Puts every client through the script, `window` at a time. Events of client i carry the data 2 i.
   * @throws Error when a request is refused or never answered
   */
  run(clients: readonly Client[], script: readonly Exchange[], window: number): void {
    this.#running.clear();
    let next = 0;
    let looked = this.#path.clock.now();
    while (next < clients.length || this.#running.size > 0) {
      while (next < clients.length && this.#running.size < window) {
        this.start(clients[next] as Client, next, script);
        next++;
      }
      this.#receive();
      const now = this.#path.clock.now();
      if (now - looked < LOOK_FOR_LATE_NS) continue;
      looked = now;
      this.retransmit(now);
    }
  }

  /** Whether a client is in the middle of a script. */
  isRunning(index: number): boolean {
    return this.#running.has(index);
  }

  /** Sends the first request of a client's script. The caller hands every answer to {@link take}. */
  start(client: Client, index: number, script: readonly Exchange[]): void {
    const run = {
      client,
      index,
      script,
      step: 0,
      challenges: 0,
      transactionId: '',
      request: Buffer.alloc(0),
      sent: 0,
      sentAt: 0,
    };
    this.#running.set(index, run);
    this.#ask(run);
  }

  /** Reads a datagram that the client `index` got, `bytes[start, end)` of the memory. @throws Error when it refuses */
  take(index: number, start: number, end: number): void {
    const run = this.#running.get(index);
    if (run === undefined) return;
    const answer = readAnswer(this.#path.memory.arena.bytes.subarray(start, end));
    if (answer?.transactionId === run.transactionId) this.#onAnswer(run, answer);
  }

  #ask(run: Run): void {
    const { method, fields } = run.script[run.step] as Exchange;
    const id = randomBytes(TRANSACTION_ID_LENGTH);
    run.transactionId = id.toString('hex');
    run.request = writeRequest(method, id, fields(run.client), run.client.authentication);
    run.sent = 0;
    this.#transmit(run);
  }

  // A full buffer or a port that is not there yet: the retransmission mends it.
  #transmit(run: Run): void {
    const { libc, memory, clock } = this.#path;
    memory.setRequest(run.request);
    libc.sendmmsg(run.client.fd, memory.request, 1, MSG_DONTWAIT);
    run.sent++;
    run.sentAt = clock.now();
  }

  /** Sends again what has not been answered in time. @throws Error when it never was */
  retransmit(now: number): void {
    for (const run of this.#running.values()) {
      if (now - run.sentAt < RTO_NS * 2 ** (run.sent - 1)) continue;
      if (run.sent === TRANSMISSIONS) throw new Error(`${run.script[run.step]?.what}: no answer`);
      this.#transmit(run);
    }
  }

  #receive(): void {
    const { libc, memory, epoll } = this.#path;
    const { size, data } = libc.epollLayout;
    const ready = libc.epollWait(epoll, memory.events, EVENTS, 1);
    for (let e = 0; e < ready; e++) {
      const tag = memory.arena.u32[(memory.eventsAt + e * size + data) >>> 2] as number;
      const run = this.#running.get(tag >>> 1);
      if ((tag & 1) === 0 && run !== undefined) this.#readAnswers(run);
    }
  }

  #readAnswers(run: Run): void {
    const { libc, memory } = this.#path;
    const { messages, first, lengthWord } = memory.clientInbox;
    const count = libc.recvmmsg(run.client.fd, messages, BATCH, MSG_DONTWAIT, null);
    for (let i = 0; i < count; i++) {
      const start = first + i * memory.slot;
      const length = memory.arena.u32[lengthWord + i * 16] as number;
      this.take(run.index, start, start + length);
    }
  }

  #onAnswer(run: Run, answer: Answer): void {
    const exchange = run.script[run.step] as Exchange;
    if (answer.errorCode === 0) {
      exchange.onSuccess?.(run.client, run.index, answer);
      run.step++;
      if (run.step < run.script.length) this.#ask(run);
      else this.#end(run);
      return;
    }
    const challenged = answer.errorCode === UNAUTHORIZED || answer.errorCode === STALE_NONCE;
    if (!challenged || run.challenges === CHALLENGES) {
      throw new Error(`${exchange.what} was refused with ${answer.errorCode}`);
    }
    run.challenges++;
    run.client.authentication = this.#authenticationOf(answer);
    this.#ask(run);
  }

  // The same answer may come once more, to a retransmission.
  #end(run: Run): void {
    run.transactionId = '';
    this.#running.delete(run.index);
  }

  #authenticationOf({ realm, nonce }: Answer): Authentication {
    if (realm === null || nonce === null) throw new Error('a challenge without REALM or NONCE');
    const { username, password } = this.#credentials;
    const key = this.#keys.get(realm) ?? longTermKeyMd5(username, realm, password);
    this.#keys.set(realm, key);
    return { username, realm, nonce, key };
  }
}
