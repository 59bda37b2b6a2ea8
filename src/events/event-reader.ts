// One reader of the event stream: what he wants to hear of, and what waits for him, which is bounded. Knows no HTTP.

import { DropOldestQueue } from './drop-oldest-queue.ts';
import type { EventHub, NumberedEvent } from './event-hub.ts';
import { EVENT_TYPES, type EventType } from './event-types.ts';

/** What somebody wants to hear of. */
export interface EventFilter {
  /** Null: all types. */
  readonly types: readonly EventType[] | null;
  /** Null: all realms, as for users. */
  readonly realm: string | null;
  readonly user: string | null;
}

/** What a reader gets at once. */
export interface ReadEvents {
  /** How many he has missed before these; null = it is not known how many; 0 = none. */
  readonly lost: number | null;
  readonly events: readonly NumberedEvent[];
}

/** So many events wait for a reader that is slow. */
export const WAITING_EVENTS = 1000;
/** So many leave at once. */
const AT_ONCE = 64;

/** A reader. */
export class EventReader {
  readonly #filter: EventFilter;
  readonly #waiting = new DropOldestQueue<NumberedEvent>(WAITING_EVENTS);
  readonly #stop: () => void;
  readonly #onLost: (count: number) => void;
  /** Where he begins: whoever comes back before the first event goes on from here. */
  readonly position: string;
  #hasGap = false;
  #wake: () => void = () => {};
  #end: () => void = () => {};
  #hasEnded = false;

  /** @param onLost gets the number of events that the reader was too slow for */
  constructor(hub: EventHub, filter: EventFilter, lastId: string | null, onLost: (count: number) => void) {
    this.#filter = filter;
    this.#onLost = onLost;
    const types = filter.types ?? EVENT_TYPES;
    // Before he listens: what his coming brings about must not hide that nothing was told while he was away.
    const replay = lastId === null ? { hasGap: false, events: [] } : hub.replay(lastId, types);
    this.#hasGap = replay.hasGap;
    this.position = lastId ?? hub.position;
    for (const event of replay.events) this.#take(event);
    this.#stop = hub.listen(types, (event) => this.#take(event));
  }

  /** Whether {@link read} gives something. */
  get hasNews(): boolean {
    return this.#hasGap || this.#waiting.size > 0;
  }

  /** Calls `wake` whenever there is something to read. */
  onNews(wake: () => void): void {
    this.#wake = wake;
  }

  /** Whether there is nothing to come any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Calls `end` when the reader has ended. */
  onEnd(end: () => void): void {
    const before = this.#end;
    this.#end = () => {
      before();
      end();
    };
  }

  /** What waits: the oldest of it. */
  read(): ReadEvents {
    const dropped = this.#waiting.takeDropped();
    const lost = this.#hasGap ? null : dropped;
    this.#hasGap = false;
    return { lost, events: this.#waiting.take(AT_ONCE) };
  }

  /** Idempotent. */
  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stop();
    this.#waiting.clear();
    this.#hasGap = false;
    this.#end();
  }

  #take(numbered: NumberedEvent): void {
    if (!isWanted(numbered, this.#filter)) return;
    const dropped = this.#waiting.push(numbered);
    if (dropped > 0) this.#onLost(dropped);
    this.#wake();
  }
}

// What was not told of may have been anybody's.
function isWanted({ event }: NumberedEvent, { realm, user }: EventFilter): boolean {
  if (event.type === 'dropped') return true;
  return (realm === null || realm === event.realm) && (user === null || user === event.user);
}
