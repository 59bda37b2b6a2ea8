// Sends events to one URL, in their order, in batches, until it takes them: what it does not take is sent again, ever more
// rarely, and what waits meanwhile is bounded. Knows no HTTP, and no time but what it is given.

import { describeSystemError } from '../errors.ts';
import { DropOldestQueue } from './drop-oldest-queue.ts';
import type { NumberedEvent } from './event-hub.ts';
import type { Poster } from './http-post.ts';
import type { EventTimers } from './timers.ts';
import { signatureHeaders } from './webhook-signature.ts';

/** What has become of events and requests; only ever grows. */
export interface WebhookCounters {
  /** Events that the receiver has taken. */
  delivered: number;
  /** Events that were given up: it refused them again and again. */
  failed: number;
  /** Events that were never sent: too many waited, or turnd ended. */
  dropped: number;
  postsTaken: number;
  postsFailed: number;
}

/** What a webhook works with. */
export interface WebhookParts {
  readonly poster: Poster;
  readonly timers: EventTimers;
  /** Unix milliseconds. */
  readonly wallTime: () => number;
  /** A number from 0 to 1 that spreads retries. */
  readonly jitter: () => number;
  /** An id for a message: unique, for good. */
  readonly makeId: () => string;
  readonly counters: WebhookCounters;
  /** Hears that the receiver takes nothing (why), and that it does again (null). */
  readonly onChange: (problem: string | null) => void;
}

interface Batch {
  readonly id: string;
  readonly body: string;
  readonly size: number;
  /** Monotonic milliseconds. */
  readonly since: number;
  refusals: number;
}

/** So many events wait for a receiver that is away or slow. */
export const WAITING_EVENTS = 1000;
const BATCH_EVENTS = 100;
/** How long the first event of a batch waits for others. */
const COLLECT_MS = 100;
/** In which an answer must come. */
export const POST_MS = 10_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** What is not taken for so long is given up. */
export const PATIENCE_MS = 3_600_000;
/** What is refused by name (401, 404, 413, a redirect) so often is given up: it will hardly be taken. */
export const MAX_REFUSALS = 5;
/** How long the last events may take when turnd ends. */
const CLOSE_MS = 2000;
/** Statuses that mean: later. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

/** One webhook. Its calls return at once and never throw. */
export class Webhook {
  readonly #parts: WebhookParts;
  readonly #waiting = new DropOldestQueue<NumberedEvent>(WAITING_EVENTS);
  #key: Buffer;
  #batch: Batch | null = null;
  #isPosting = false;
  #pauseMs = FIRST_PAUSE_MS;
  /** The timer that sends next. */
  #stopTimer: (() => void) | null = null;
  #abort = new AbortController();
  #isFailing = false;
  #ended: (() => void) | null = null;
  #isClosed = false;

  constructor(key: Buffer, parts: WebhookParts) {
    this.#key = key;
    this.#parts = parts;
  }

  /** Events that wait, those on their way among them. */
  get waiting(): number {
    return this.#waiting.size + (this.#batch?.size ?? 0);
  }

  /** Signs with another key from now on. */
  setKey(key: Buffer): void {
    this.#key = key;
  }

  take(event: NumberedEvent): void {
    if (this.#isClosed) return;
    this.#parts.counters.dropped += this.#waiting.push(event);
    this.#sendAfter(COLLECT_MS);
  }

  /** Tries once more to send what is left, and ends. Within {@link CLOSE_MS}. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
    if (this.waiting > 0) {
      const stop = this.#parts.timers.after(CLOSE_MS, () => this.#abort.abort());
      await new Promise<void>((resolve) => {
        this.#ended = resolve;
        if (!this.#isPosting) this.#send();
      });
      stop();
    }
    this.#parts.counters.dropped += this.waiting;
    this.#batch = null;
    this.#waiting.clear();
    this.#parts.poster.close();
  }

  #sendAfter(milliseconds: number): void {
    if (this.#isPosting || this.#stopTimer !== null) return;
    this.#stopTimer = this.#parts.timers.after(milliseconds, () => {
      this.#stopTimer = null;
      this.#send();
    });
  }

  #send(): void {
    const batch = this.#batch ?? this.#makeBatch();
    if (batch === null) return this.#ended?.();
    this.#batch = batch;
    this.#isPosting = true;
    const { poster, timers, wallTime } = this.#parts;
    const timestamp = Math.floor(wallTime() / 1000);
    const { id, body } = batch;
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'turnd',
      ...signatureHeaders(this.#key, { id, timestamp, body }),
    };
    const abort = new AbortController();
    this.#abort = abort;
    const stop = timers.after(POST_MS, () => abort.abort());
    const settle = (problem: string | null, isRefusal: boolean): void => {
      stop();
      this.#isPosting = false;
      this.#settled(batch, problem, isRefusal);
    };
    poster.post({ headers, body, signal: abort.signal }).then(
      (status) => settle(problemOf(status), isRefused(status)),
      (error: unknown) => settle(abort.signal.aborted ? 'no answer in time' : describeSystemError(error), false),
    );
  }

  // From here on it is the same message, however often it is sent.
  #makeBatch(): Batch | null {
    const events = this.#waiting.take(BATCH_EVENTS);
    if (events.length === 0) return null;
    const { makeId, wallTime, timers } = this.#parts;
    const timestamp = new Date(wallTime()).toISOString();
    const list = events.map(({ json }) => json).join();
    const body = `{"type":"turnd.events","timestamp":"${timestamp}","data":{"events":[${list}]}}`;
    return { id: makeId(), body, size: events.length, since: timers.now(), refusals: 0 };
  }

  #settled(batch: Batch, problem: string | null, isRefusal: boolean): void {
    const { counters, timers } = this.#parts;
    if (problem === null) {
      counters.postsTaken++;
      counters.delivered += batch.size;
      this.#batch = null;
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#tell(null);
      return this.#goOn();
    }
    counters.postsFailed++;
    batch.refusals += Number(isRefusal);
    this.#tell(problem);
    if (this.#isClosed) return this.#ended?.();
    if (batch.refusals >= MAX_REFUSALS || timers.now() - batch.since >= PATIENCE_MS) {
      counters.failed += batch.size;
      this.#batch = null;
      if (this.#waiting.size === 0) return;
    }
    const pause = this.#pauseMs;
    this.#pauseMs = Math.min(pause * 2, LONGEST_PAUSE_MS);
    this.#sendAfter(pause / 2 + (pause / 2) * this.#parts.jitter());
  }

  // What came while it was sent has waited long enough.
  #goOn(): void {
    if (this.#isClosed) return this.#abort.signal.aborted ? this.#ended?.() : this.#send();
    if (this.#waiting.size > 0) this.#sendAfter(this.#waiting.size < BATCH_EVENTS ? COLLECT_MS : 0);
  }

  #tell(problem: string | null): void {
    if (this.#isFailing === (problem !== null)) return;
    this.#isFailing = problem !== null;
    this.#parts.onChange(problem);
  }
}

function problemOf(status: number): string | null {
  return status >= 200 && status < 300 ? null : `it answers ${status}`;
}

function isRefused(status: number): boolean {
  return status >= 300 && status < 500 && !LATER.has(status);
}
