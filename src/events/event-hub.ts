// Where the events of all processes come together, get their ids, and go out to whoever listens. It tells the processes
// what is wanted, so that they report nothing that nobody hears, and keeps the latest events for readers that come back.
// Knows neither HTTP nor sockets.

import type { EventReport, ServerEvent } from './event-schemas.ts';
import { EVENT_TYPES, type EventType } from './event-types.ts';
import type { EventTimers } from './timers.ts';

/** What a hub works with. */
export interface EventHubOptions {
  readonly timers: EventTimers;
  /** Unix milliseconds. */
  readonly wallTime: () => number;
}

/** An event with what it is sent as. */
export interface NumberedEvent {
  /** 1 and up. */
  readonly number: number;
  readonly event: ServerEvent;
  /** The event as JSON: made once for all listeners. */
  readonly json: string;
}

/** What a reader that comes back has missed. */
export interface Replay {
  /** Whether there may have been more that is no longer known. */
  readonly hasGap: boolean;
  readonly events: readonly NumberedEvent[];
}

/** Gets events. Must not throw. */
export type TakeEvent = (event: NumberedEvent) => void;

/** So many events are kept for readers that come back. */
export const KEPT_EVENTS = 1000;
/** For so long whoever has left is expected to come back, and events are made and kept for him. */
export const LINGER_MS = 60_000;

interface Listener {
  readonly types: ReadonlySet<EventType>;
  readonly take: TakeEvent;
}

/** The events of one server. */
export class EventHub {
  readonly #options: EventHubOptions;
  /** Tells the ids of this run from those of others. */
  readonly #run: string;
  readonly #listeners = new Set<Listener>();
  readonly #lingering = new Map<EventType, () => void>();
  /** Types that are reported, each with the number that the first event from then on could have. */
  readonly #wantedSince = new Map<EventType, number>();
  #kept: NumberedEvent[] = [];
  /** From this number on, all that was told is kept. */
  #keptSince = 1;
  #next = 1;
  #changed: (types: readonly EventType[]) => void = () => {};

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.#run = options.wallTime().toString(36);
  }

  /** What processes have to report now. */
  get wanted(): readonly EventType[] {
    const { wantsEnds } = this;
    return EVENT_TYPES.filter((type) => this.#wantedSince.has(type) || (type === 'allocated' && wantsEnds));
  }

  /** Whether somebody wants to know how sessions end: then it must be known which there are, should a worker die. */
  get wantsEnds(): boolean {
    return this.#wantedSince.has('released');
  }

  /** Calls `changed` with {@link wanted}: at once, and whenever it is another. */
  onWanted(changed: (types: readonly EventType[]) => void): void {
    this.#changed = changed;
    changed(this.wanted);
  }

  /** Something has happened. Never throws. */
  publish(report: EventReport): void {
    const type = report.type === 'dropped' ? report.of : report.type;
    // What was on its way when the last listener left, or is for the hub's owner alone.
    if (!this.#wantedSince.has(type)) return;
    const number = this.#next++;
    const event: ServerEvent = { id: `${this.#run}-${number}`, time: this.#options.wallTime(), ...report };
    const numbered: NumberedEvent = { number, event, json: JSON.stringify(event) };
    this.#kept.push(numbered);
    if (this.#kept.length > KEPT_EVENTS) this.#keptSince = (this.#kept.shift()?.number ?? 0) + 1;
    for (const { types, take } of this.#listeners) if (types.has(type)) take(numbered);
  }

  /** Hears of events of these types from now on. Returns how to end it. */
  listen(types: readonly EventType[], take: TakeEvent): () => void {
    const listener: Listener = { types: new Set(types), take };
    this.#listeners.add(listener);
    const before = this.#wantedSince.size;
    for (const type of listener.types) {
      this.#lingering.get(type)?.();
      this.#lingering.delete(type);
      if (!this.#wantedSince.has(type)) this.#wantedSince.set(type, this.#next);
    }
    if (this.#wantedSince.size !== before) this.#changed(this.wanted);
    return () => {
      if (this.#listeners.delete(listener)) this.#linger(listener.types);
    };
  }

  /** The events of these types after the one with this id, as far as they are kept. */
  replay(lastId: string, types: readonly EventType[]): Replay {
    const [, run, digits] = /^([0-9a-z]{1,12})-(\d{1,15})$/.exec(lastId) ?? [];
    const last = run === this.#run && Number(digits) < this.#next ? Number(digits) : null;
    const wanted = new Set(types);
    const events = this.#kept.filter(({ number, event }) => number > (last ?? 0) && wanted.has(typeOf(event)));
    const isAnew = types.some((type) => (this.#wantedSince.get(type) ?? this.#next) > (last ?? 0) + 1);
    return { hasGap: last === null || this.#keptSince > last + 1 || isAnew, events };
  }

  /** The id of the latest event, or what stands for it while there is none. */
  get position(): string {
    return `${this.#run}-${this.#next - 1}`;
  }

  /** Nobody is expected any more. Idempotent. */
  close(): void {
    for (const stop of this.#lingering.values()) stop();
    this.#lingering.clear();
    this.#listeners.clear();
    this.#wantedSince.clear();
    this.#kept = [];
  }

  #linger(types: ReadonlySet<EventType>): void {
    for (const type of types) {
      if (this.#lingering.has(type) || this.#isHeard(type)) continue;
      this.#lingering.set(
        type,
        this.#options.timers.after(LINGER_MS, () => this.#forget(type)),
      );
    }
  }

  #isHeard(type: EventType): boolean {
    return [...this.#listeners].some(({ types }) => types.has(type));
  }

  #forget(type: EventType): void {
    this.#lingering.delete(type);
    this.#wantedSince.delete(type);
    // Whoever comes back with the latest id has missed something all the same: a number that no event has shows it.
    this.#next += 1;
    if (this.#wantedSince.size === 0) {
      this.#kept = [];
      this.#keptSince = this.#next;
    }
    this.#changed(this.wanted);
  }
}

function typeOf(event: ServerEvent): EventType {
  return event.type === 'dropped' ? event.of : event.type;
}
