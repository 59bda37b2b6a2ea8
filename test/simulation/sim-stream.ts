// A TCP or TLS connection of the simulation: the real StreamConnection over a socket that brings bytes in pieces of any
// size, in order, and that either end may close at any moment. What comes out of the framer is compared with what went in.

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { AcceptedSocket } from '../../src/streams/accepted-socket.ts';
import { PartialFrames } from '../../src/streams/partial-frames.ts';
import { type ConnectionHost, StreamConnection } from '../../src/streams/stream-connection.ts';
import { DEFAULT_STREAM_SETTINGS, StreamCounters } from '../../src/streams/stream-handler.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import type { ClientEndpoint } from '../../src/turn/client-endpoint.ts';
import { HEADER_ROOM } from '../../src/turn/env.ts';
import { SERVER, transportAddress } from '../support/lab.ts';
import { unitLength } from '../support/wire.ts';
import type { Network } from './network.ts';
import type { Prng } from './prng.ts';
import type { Packet, SimClient } from './sim-client.ts';
import type { Timeline } from './timeline.ts';

/** Handles a frame that the server has found: `packet` is what the client meant by it. */
export type TakeFrame = (
  packet: Packet,
  frame: { readonly endpoint: ClientEndpoint; readonly buffer: Buffer; readonly start: number; readonly end: number },
) => void;

/** What a connection lives in. */
export interface StreamParts {
  readonly timeline: Timeline;
  readonly random: Prng;
  readonly network: Network;
  readonly frame: TakeFrame;
  /** The server has put this message into the stream. */
  readonly emit: (bytes: Buffer) => void;
  /** The message has come to the client. */
  readonly heard: (bytes: Buffer) => void;
  /** The server knows that the connection is gone; `byServer`: it has closed it itself. */
  readonly closed: (endpoint: ClientEndpoint, byServer: boolean) => void;
}

/** One connection, both ends of it. */
export class SimStream {
  readonly client: SimClient;
  readonly #parts: StreamParts;
  readonly #socket = new SimSocket((bytes, landed) => this.#toClient(bytes, landed));
  readonly #connection: StreamConnection;
  /** What the client has written and the server not yet read, and what of that it has read but not yet framed. */
  #outgoing: Buffer = Buffer.alloc(0);
  #unframed: Buffer = Buffer.alloc(0);
  #written = 0;
  #framed = 0;
  /** Whole messages by where they begin in the stream. */
  readonly #packets = new Map<number, Packet>();
  /** What the server has emitted and the client not yet heard. */
  readonly #emitted: Buffer[] = [];
  #incoming: Buffer = Buffer.alloc(0);
  #lastDue = 0;
  #isOver = false;

  constructor(client: SimClient, parts: StreamParts) {
    this.client = client;
    this.#parts = parts;
    const source = new TransportWords();
    source.set(client.address);
    const socket = this.#socket.asSocket();
    const accepted = new AcceptedSocket(socket, { local: transportAddress(SERVER), source }, parts.timeline.now());
    this.#connection = new WatchedConnection(this.#host(), socket, client.transport, accepted);
    (this.#connection as WatchedConnection).watcher = (bytes) => {
      this.#emitted.push(bytes);
      parts.emit(bytes);
    };
    this.#connection.start(null);
  }

  get endpoint(): ClientEndpoint {
    return this.#connection.endpoint;
  }

  #host(): ConnectionHost {
    return {
      clock: this.#parts.timeline,
      handler: {
        fromClient: (endpoint, buffer, start, end) => this.#frame(endpoint, buffer, start, end),
        endpointClosed: (endpoint) => this.#parts.closed(endpoint, !this.#isOver),
      },
      settings: { ...DEFAULT_STREAM_SETTINGS, writeQueue: 1 << 22 },
      counters: new StreamCounters(),
      partialFrames: new PartialFrames(),
      header: Buffer.alloc(HEADER_ROOM, 0xa5),
      report: (fault) => {
        throw fault;
      },
      due: (connection) => void this.#parts.timeline.after(0, () => connection.flush()),
      forget: () => {},
    };
  }

  /** The client writes a message. */
  write(packet: Packet): void {
    if (this.#isOver) return;
    this.#packets.set(this.#written, packet);
    this.#written += packet.bytes.length;
    this.#outgoing = Buffer.concat([this.#outgoing, packet.bytes]);
    this.#later(() => this.#piece());
  }

  // A piece of any size arrives: with what others were written to before, or cut in the middle of anything.
  #piece(): void {
    const { random, network } = this.#parts;
    const { length } = this.#outgoing;
    if (this.#isOver || length === 0) return;
    const size = network.isCalm || random.chance(0.5) ? length : 1 + random.int(length);
    const chunk = Buffer.from(this.#outgoing.subarray(0, size));
    this.#outgoing = this.#outgoing.subarray(size);
    this.#unframed = Buffer.concat([this.#unframed, chunk]);
    this.#socket.emit('data', chunk);
    if (size < length) this.#later(() => this.#piece());
  }

  #frame(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    const bytes = Buffer.from(buffer.subarray(start, end));
    const length = unitLength(this.#unframed);
    const due = this.#unframed.subarray(0, bytes.length);
    if (length !== bytes.length || !due.equals(bytes))
      throw new Error(`a frame of ${bytes.length} bytes, not ${length}`);
    const meant = this.#packets.get(this.#framed);
    for (const at of this.#packets.keys()) if (at < this.#framed + length) this.#packets.delete(at);
    this.#framed += length;
    this.#unframed = this.#unframed.subarray(length);
    const packet = meant?.bytes.equals(bytes) === true ? meant : { bytes, request: null, expect: null };
    this.#parts.frame(packet, { endpoint, buffer, start, end });
    buffer.fill(0xee, start, end);
  }

  // In the order in which it was written.
  #toClient(bytes: Buffer, landed: () => void): void {
    this.#later(() => {
      landed();
      this.#incoming = Buffer.concat([this.#incoming, bytes]);
      for (let length = unitLength(this.#incoming); length > 0; length = unitLength(this.#incoming)) {
        const unit = this.#incoming.subarray(0, length);
        if (this.#emitted.shift()?.equals(unit) !== true) throw new Error('the stream is not what was written to it');
        this.#incoming = this.#incoming.subarray(length);
        this.#parts.heard(unit);
      }
    });
  }

  /** The client closes, after what it has written or in the midst of it. */
  close(): void {
    if (this.#isOver) return;
    if (this.#parts.random.chance(0.5)) return this.reset();
    this.#later(() => {
      while (!this.#isOver && this.#outgoing.length > 0) this.#piece();
      this.#over();
      this.#socket.emit('end');
      this.#socket.emit('close');
    });
  }

  /** The connection breaks. */
  reset(): void {
    if (this.#isOver) return;
    this.#over();
    this.#socket.emit('close');
  }

  /** The process that had it is dead: nobody there closes anything. */
  abandon(): void {
    this.#over();
  }

  /** Whether what the server has not framed cannot be the beginning of anything. */
  get isNonsense(): boolean {
    const [first = 0] = this.#unframed;
    if (first >= 0x80 || (first >= 4 && first < 0x40)) return true;
    // Nobody begins with a channel that cannot be bound, or with text: that is another protocol.
    if (this.#framed === 0 && (first > 0x4f || /^[ -~]{4}/.test(this.#unframed.toString('latin1', 0, 4)))) return true;
    if (first >= 0x40) return false;
    if (this.#unframed.length >= 4 && this.#unframed.readUInt16BE(2) % 4 !== 0) return true;
    return this.#unframed.length >= 8 && this.#unframed.readUInt32BE(4) !== 0x2112a442;
  }

  #over(): void {
    this.#isOver = true;
    this.#outgoing = Buffer.alloc(0);
  }

  #later(act: () => void): void {
    const { timeline, network } = this.#parts;
    const now = timeline.now();
    this.#lastDue = Math.max(this.#lastDue, now + network.delay());
    timeline.after(this.#lastDue - now, () => {
      timeline.stirred = true;
      if (!this.#isOver) act();
    });
  }
}

// Shows what the engine sends before it goes into the queue.
class WatchedConnection extends StreamConnection {
  watcher: (bytes: Buffer) => void = () => {};

  override send(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    if (!this.endpoint.closed) this.watcher(Buffer.from(buffer.subarray(start, end)));
    super.send(endpoint, buffer, start, end);
  }

  override sendRelayed(
    endpoint: ClientEndpoint,
    header: Buffer,
    headerEnd: number,
    buffer: Buffer,
    start: number,
    end: number,
    padding: number,
  ): void {
    const parts = [header.subarray(0, headerEnd), buffer.subarray(start, end), Buffer.alloc(padding)];
    if (!this.endpoint.closed) this.watcher(Buffer.concat(parts));
    super.sendRelayed(endpoint, header, headerEnd, buffer, start, end, padding);
  }
}

// As much of a socket as a connection touches.
class SimSocket extends EventEmitter {
  writable = true;
  readonly #sink: (bytes: Buffer, landed: () => void) => void;

  constructor(sink: (bytes: Buffer, landed: () => void) => void) {
    super();
    this.#sink = sink;
  }

  asSocket(): Socket {
    return this as unknown as Socket;
  }

  resume(): void {}

  write(bytes: Buffer, landed: () => void): void {
    this.#sink(Buffer.from(bytes), landed);
  }

  destroy(): void {
    if (!this.writable) return;
    this.writable = false;
    this.emit('close');
  }

  destroySoon(): void {
    this.destroy();
  }
}
