// What one reader of events gets over HTTP: text/event-stream as the HTML standard has it. It hands out no more than is
// read: what waits for a slow reader, waits in EventReader, which is bounded.

import type { NumberedEvent } from '../events/event-hub.ts';
import type { EventReader } from '../events/event-reader.ts';
import type { EventTimers } from '../events/timers.ts';

/** What a stream is made with. */
export interface EventStreamOptions {
  readonly reader: EventReader;
  readonly timers: Pick<EventTimers, 'now' | 'every'>;
  /** Whether the reader still may read: asked once a second. */
  readonly stillMay: () => boolean;
}

const LOOK_MS = 1000;
/** A comment is sent after so much silence, so that nobody in between takes the connection for dead. */
export const HEARTBEAT_MS = 15_000;
/** A connection that nobody has read from for so long was closed long before: the server's own limit is shorter. */
export const UNREAD_MS = 60_000;
/** For so long a reader waits before he comes back. */
const RETRY_MS = 3000;

/** Makes the stream of a reader, who ends with it. */
export function makeEventStream(options: EventStreamOptions): ReadableStream<Uint8Array> {
  const stream = new EventStream(options);
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => stream.start(controller),
      pull: () => stream.pull(),
      cancel: () => stream.end(),
    },
    { highWaterMark: 0 },
  );
}

class EventStream {
  readonly #options: EventStreamOptions;
  readonly #stopLooking: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** Ends the wait of the one who reads. */
  #wake: (() => void) | null = null;
  #hasBegun = false;
  #pulledAt: number;
  #sentAt: number;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    const { reader, timers } = options;
    this.#pulledAt = timers.now();
    this.#sentAt = timers.now();
    this.#stopLooking = timers.every(LOOK_MS, () => this.#look());
    reader.onNews(() => this.#wakeUp());
    reader.onEnd(() => this.#close());
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    if (this.#options.reader.hasEnded) this.#close();
  }

  /** Hands out what there is, or waits for it. */
  async pull(): Promise<void> {
    const { reader, timers } = this.#options;
    this.#pulledAt = timers.now();
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      return this.#send(`retry: ${RETRY_MS}\nid: ${reader.position}\n\n`);
    }
    while (this.#controller !== null) {
      if (reader.hasNews) return this.#sendNews();
      if (timers.now() - this.#sentAt >= HEARTBEAT_MS) return this.#send(': \n\n');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#pulledAt = timers.now();
    }
  }

  /** Nobody reads any more. Idempotent. */
  end(): void {
    this.#controller = null;
    this.#options.reader.close();
    this.#stopLooking();
    this.#wakeUp();
  }

  #look(): void {
    const { reader, timers, stillMay } = this.#options;
    const now = timers.now();
    const isWaiting = this.#wake !== null;
    if (!stillMay() || (!isWaiting && now - this.#pulledAt >= UNREAD_MS)) return reader.close();
    if (now - this.#sentAt >= HEARTBEAT_MS) this.#wakeUp();
  }

  #close(): void {
    const controller = this.#controller;
    this.end();
    controller?.close();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #sendNews(): void {
    const { lost, events } = this.#options.reader.read();
    const told = lost === 0 ? '' : `event: lost\ndata: ${JSON.stringify({ type: 'lost', count: lost })}\n\n`;
    this.#send(told + events.map(write).join(''));
  }

  #send(text: string): void {
    this.#sentAt = this.#options.timers.now();
    this.#controller?.enqueue(Buffer.from(text, 'utf8'));
  }
}

// JSON has no line ends of its own: no name can begin a field of the stream (S56).
function write({ event: { id, type }, json }: NumberedEvent): string {
  return `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`;
}
