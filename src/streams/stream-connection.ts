// One TCP or TLS connection: frames from the client to the engine, messages from the engine to the client through a
// bounded queue. The same for both transports: it sees a stream. Knows no listeners and no TLS.

import type { Socket } from 'node:net';
import { FrameStatus, StreamFramer } from '../stun/stream-framer.ts';
import { ClientEndpoint } from '../turn/client-endpoint.ts';
import type { ClientLink, Clock } from '../turn/env.ts';
import type { Transport } from '../turn/transport.ts';
import type { AcceptedSocket } from './accepted-socket.ts';
import { OutputQueue } from './output-queue.ts';
import type { PartialFrames } from './partial-frames.ts';
import type { StreamCounters, StreamHandler, StreamSettings } from './stream-handler.ts';
import { StreamOpening } from './stream-opening.ts';

/** What connections share: their group. */
export interface ConnectionHost {
  readonly clock: Clock;
  readonly handler: StreamHandler;
  readonly settings: StreamSettings;
  readonly counters: StreamCounters;
  /** What strangers may have begun to say, all together. */
  readonly partialFrames: PartialFrames;
  /** Room for the head of a relayed message. One will do: connections copy it at once. */
  readonly header: Buffer;
  /** Takes what the handler threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
  /** Something is due to the client: {@link StreamConnection.flush} is wanted once in this loop turn. */
  due(connection: StreamConnection): void;
  /** The socket is closed. */
  forget(connection: StreamConnection): void;
}

const NEVER = -1;

/** Milliseconds that the last bytes have for leaving once a connection ends. */
export const LINGER = 1000;

/** A connection and its five-tuple. Register it with the host before {@link start}. */
export class StreamConnection implements ClientLink {
  readonly endpoint: ClientEndpoint;
  /** Whether the host has it on its list for flushing. */
  isDue = false;
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #opening = new StreamOpening();
  readonly #framer = new StreamFramer();
  readonly #output = new OutputQueue();
  /** When the socket was accepted: a TLS handshake is no fresh start. */
  readonly #acceptedAt: number;
  #hasSpoken = false;
  /** Bytes of an unfinished frame that count in the host's {@link PartialFrames}. */
  #counted = 0;
  /** When there was an allocation last, as far as sweeps have seen. */
  #idleSince: number;
  /** When the queue was first found full with no write completed since. */
  #fullSince = NEVER;
  #endedAt = NEVER;

  /** @param socket the accepted one, or TLS over it */
  constructor(host: ConnectionHost, socket: Socket, transport: Transport, accepted: AcceptedSocket) {
    this.#host = host;
    this.#socket = socket;
    this.#acceptedAt = accepted.acceptedAt;
    this.#idleSince = accepted.acceptedAt;
    this.endpoint = new ClientEndpoint(this, transport, accepted.addresses.local);
    this.endpoint.source.copyFrom(accepted.addresses.source);
  }

  /** Bytes that wait for the client or are on their way. */
  get queued(): number {
    return this.#output.queued;
  }

  /** Bytes of memory that the queue holds. */
  get queueMemory(): number {
    return this.#output.memory;
  }

  /** Begins to read, with the bytes that were read already. */
  start(first: Buffer | null): void {
    const socket = this.#socket;
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    // Ahead of Node's own listener, which ends the writing side: what is due still leaves.
    socket.prependListener('end', this.#onEnd);
    if (first !== null) this.#onData(first);
    socket.on('data', this.#onData);
    // Whoever looked at the first bytes has paused it.
    socket.resume();
  }

  send(_endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    if (this.endpoint.closed) return;
    const limit = 2 * this.#host.settings.writeQueue;
    const length = end - start;
    if (this.#output.queued + length > limit) {
      this.#host.counters.overflowed++;
      this.destroy();
      return;
    }
    this.#output.reserve(length, limit);
    this.#output.append(buffer, start, end);
    this.#due();
  }

  header(): Buffer {
    return this.#host.header;
  }

  sendRelayed(
    _endpoint: ClientEndpoint,
    header: Buffer,
    headerEnd: number,
    buffer: Buffer,
    start: number,
    end: number,
    padding: number,
  ): void {
    if (this.endpoint.closed) return;
    const limit = this.#host.settings.writeQueue;
    const length = headerEnd + end - start + padding;
    if (this.#output.queued + length > limit) {
      this.#drop(length);
      return;
    }
    this.#output.reserve(length, limit);
    this.#output.append(header, 0, headerEnd);
    this.#output.append(buffer, start, end);
    if (padding > 0) this.#output.appendZeros(padding);
    this.#due();
  }

  // A connection has one endpoint, whatever copy of it the engine kept while it waited.
  retain(_endpoint: ClientEndpoint): ClientEndpoint {
    return this.endpoint;
  }

  find(_endpoint: ClientEndpoint): ClientEndpoint {
    return this.endpoint;
  }

  // Nothing to forget. Nor is it a sign of an allocation that has ended: a refused Allocate releases as well.
  release(_endpoint: ClientEndpoint): void {}

  /** Writes what is due, unless a write is on its way: its completion will. */
  flush(): void {
    this.isDue = false;
    if (!this.#socket.writable) return;
    const bytes = this.#output.takeOff();
    if (bytes !== null) this.#socket.write(bytes, this.#onWritten);
  }

  /** Closes what has outlived a limit. */
  sweep(now: number): void {
    if (this.endpoint.closed) {
      if (now - this.#endedAt >= LINGER) this.#socket.destroy();
      return;
    }
    if (this.endpoint.allocation !== null) this.#idleSince = now;
    const { counters, settings } = this.#host;
    if (this.#fullSince !== NEVER && now - this.#fullSince >= settings.stallTimeout * 1000) {
      counters.stalled++;
      this.destroy();
    } else if (!this.#hasSpoken && now - this.#acceptedAt >= settings.firstFrameTimeout * 1000) {
      counters.firstFrameTimeouts++;
      this.destroy();
    } else if (now - this.#idleSince >= settings.idleTimeout * 1000) {
      counters.idleTimeouts++;
      this.destroy();
    } else {
      this.#output.trim();
    }
  }

  /** Lets what is due leave, then closes. */
  end(): void {
    this.flush();
    if (this.#output.queued === 0) this.#socket.destroy();
    else this.#socket.destroySoon();
    this.#gone();
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
    this.#gone();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.endpoint.closed) return;
    if (this.#opening.isForeign(chunk)) {
      this.#refuse();
      return;
    }
    try {
      this.#takeFrames(chunk);
    } catch (fault) {
      this.#host.report(fault);
      this.destroy();
    }
  };

  readonly #onWritten = (error?: Error | null): void => {
    if (error) return;
    this.#output.landed();
    this.#fullSince = NEVER;
    this.flush();
  };

  readonly #onEnd = (): void => {
    this.flush();
    this.#gone();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') this.#host.counters.socketErrors++;
  };

  readonly #onClose = (): void => {
    this.#gone();
    this.#host.forget(this);
  };

  #takeFrames(chunk: Buffer): void {
    const { handler, counters } = this.#host;
    const { endpoint } = this;
    const framer = this.#framer;
    framer.push(chunk);
    let status = framer.next();
    while (status === FrameStatus.FRAME) {
      this.#hasSpoken = true;
      counters.framesIn++;
      handler.fromClient(endpoint, framer.buffer, framer.start, framer.end);
      if (endpoint.closed) return;
      status = framer.next();
    }
    if (status === FrameStatus.FATAL) this.#refuse();
    else if (!this.#keeps(framer.pending)) this.#overPartials();
  }

  // Not a byte in answer to this; but frames before it may have answers.
  #refuse(): void {
    this.#host.counters.unframeable++;
    this.end();
  }

  #overPartials(): void {
    this.#host.counters.overPartials++;
    this.destroy();
  }

  // Whether it may. Whoever has an allocation is bounded by its user's quota.
  #keeps(bytes: number): boolean {
    const { partialFrames } = this.#host;
    const before = this.#counted;
    this.#counted = this.endpoint.allocation === null ? bytes : 0;
    return partialFrames.change(before, this.#counted);
  }

  #due(): void {
    this.#host.counters.messagesOut++;
    if (this.isDue) return;
    this.isDue = true;
    this.#host.due(this);
  }

  // Tail drop: media is perishable, and what a client does not read must not fill memory.
  #drop(length: number): void {
    const { clock, counters } = this.#host;
    counters.droppedMessages++;
    counters.droppedBytes += length;
    if (this.#fullSince === NEVER) this.#fullSince = clock.now();
  }

  #gone(): void {
    if (this.endpoint.closed) return;
    this.endpoint.closed = true;
    this.#endedAt = this.#host.clock.now();
    this.#keeps(0);
    this.#host.handler.endpointClosed(this.endpoint);
  }
}
