// The loop of a relay worker: while datagrams come, the process parks in the plane's own epoll, with libuv's nested in it,
// so that sockets run at full speed and Node's timers, streams and promises beside them. When none has come for a while,
// Node's loop takes over and waits for the plane's epoll: a quiet worker costs nothing. Knows no datagrams.

import { CLOCK_MONOTONIC, PR_SET_TIMERSLACK, TIMESPEC_SIZE } from './abi.ts';
import type { Coalescing } from './coalescing.ts';
import type { Watch } from './libc.ts';
import { Metronome } from './metronome.ts';
import type { PlaneCore } from './plane-core.ts';

/** Node's loop has its turn at the latest after so many microseconds, by the clock, however busy the plane is. */
const LONGEST_ROUNDS = 5_000;

/** Milliseconds after which a wait ends though nothing has come. */
const LONGEST_WAIT = 5;

// The metronome ends it.
const WITHOUT_LIMIT = -1;

/** So many microseconds without a datagram are quiet. */
const QUIET = 100_000;

/** The clock is read at least once in so many rounds that follow each other closely, and after one of so many datagrams. */
const ROUNDS_PER_READING = 8;
const DATAGRAMS_PER_READING = 32;

/** Microseconds after which a reading is due anyhow. */
const READING_WORTHWHILE = 1_000;

const TIMER_SLACK_NANOSECONDS = 1_000;

/** What must have its turn at the end of each round. */
export interface LoopGuests {
  /** Writes what is due to stream clients. @returns whether anything was */
  flushStreams(): boolean;
  /** A number that grows whenever something has to be awaited: then Node's loop is needed at once. */
  promises(): number;
}

/** Who turns now. */
const Phase = {
  /** Node's loop, which waits for the plane's epoll among others. */
  QUIET: 0,
  /** Node's loop, once; then the plane's goes on. */
  YIELDED: 1,
  /** The plane's own. */
  ROUNDS: 2,
  STOPPED: 3,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

// Indices of the loop's times.
const NOW = 0;
const LAST_TURN = 1;
const LAST_DATAGRAM = 2;

/** Turns until it is stopped. */
export class EventLoop {
  readonly #core: PlaneCore;
  readonly #coalescing: Coalescing;
  readonly #guests: LoopGuests;
  readonly #libuv: number;
  readonly #watch: Watch;
  readonly #metronome: Metronome;
  readonly #time: Uint8Array;
  readonly #timeWord: number;
  readonly #pauseTime: Uint8Array;
  readonly #pauseWord: number;
  /** Monotonic microseconds: now, when Node's loop had its last turn, the last datagram. In cells: no boxing. */
  readonly #times = new Float64Array(3);
  #phase: Phase = Phase.STOPPED;
  #promises = 0;
  /** Datagrams since the clock was read, and rounds until it is read again. */
  #sinceReading = 0;
  #roundsLeft = 0;
  #isFlushScheduled = false;

  constructor(core: PlaneCore, coalescing: Coalescing, guests: LoopGuests) {
    this.#core = core;
    this.#coalescing = coalescing;
    this.#guests = guests;
    this.#libuv = core.libc.uvBackendFd();
    const timeAt = core.arena.reserve(TIMESPEC_SIZE);
    this.#time = core.arena.slice(timeAt, TIMESPEC_SIZE);
    this.#timeWord = timeAt >>> 2;
    const pauseAt = core.arena.reserve(TIMESPEC_SIZE);
    this.#pauseTime = core.arena.slice(pauseAt, TIMESPEC_SIZE);
    this.#pauseWord = pauseAt >>> 2;
    this.#watch = core.libc.watch(core.poller.fd, this.#wake);
    this.#metronome = new Metronome(core.libc, core.arena);
    core.poller.add(this.#metronome);
  }

  /** Starts to turn; the first round is for what has come already. */
  start(): void {
    // Or else the kernel adds 50 microseconds to every pause.
    this.#core.libc.prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NANOSECONDS);
    this.#core.queue.onFirst = this.#onFirstDue;
    this.#takeOver();
  }

  /** Ends for good: what is due leaves. */
  stop(): void {
    if (this.#phase === Phase.STOPPED) return;
    this.#core.queue.flush();
    this.#phase = Phase.STOPPED;
    this.#watch.close();
    this.#core.poller.remove(this.#metronome);
    this.#metronome.close();
  }

  // From libuv's poll phase. The rounds begin in the check phase, where Node runs microtasks behind them.
  readonly #wake = (): void => {
    if (this.#phase === Phase.QUIET) this.#takeOver();
  };

  // Node's callbacks queue datagrams too: what a stream client sends, and answers that had to wait.
  readonly #onFirstDue = (): void => {
    if (this.#phase !== Phase.QUIET || this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(this.#flush);
  };

  readonly #flush = (): void => {
    this.#isFlushScheduled = false;
    if (this.#phase !== Phase.STOPPED) this.#core.queue.flush();
  };

  #takeOver(): void {
    if (this.#phase === Phase.QUIET) this.#watch.stop();
    this.#phase = Phase.YIELDED;
    this.#readClock();
    this.#times[LAST_DATAGRAM] = this.#times[NOW] as number;
    // Only while Node's loop does not wait for the plane's epoll: nested both ways, the two would form a circle.
    this.#core.poller.setForeign(this.#libuv, true);
    this.#metronome.beat(LONGEST_WAIT);
    setImmediate(this.#turn);
  }

  #goQuiet(): void {
    this.#phase = Phase.QUIET;
    this.#core.poller.setForeign(this.#libuv, false);
    this.#metronome.beat(0);
    this.#watch.start();
  }

  // Node's loop has had its turn; datagrams that its callbacks have queued leave first.
  readonly #turn = (): void => {
    if (this.#phase !== Phase.YIELDED) return;
    this.#phase = Phase.ROUNDS;
    this.#readClock();
    this.#times[LAST_TURN] = this.#times[NOW] as number;
    this.#core.queue.flush();
    while (!this.#round());
    // What runs in a round may have stopped the loop.
    if ((this.#phase as Phase) === Phase.STOPPED) return;
    if (this.#isQuiet()) return this.#goQuiet();
    this.#phase = Phase.YIELDED;
    setImmediate(this.#turn);
  };

  /** @returns whether Node's loop is needed, or nothing comes any more */
  #round(): boolean {
    const core = this.#core;
    const before = core.received;
    const events = core.poller.wait(core.poller.isUnfinished ? 0 : WITHOUT_LIMIT);
    const isNodeReady = core.poller.dispatch(events);
    core.queue.flush();
    core.ring.reset();
    const datagrams = core.received - before;
    this.#sinceReading += datagrams;
    const isReading = datagrams === 0 || datagrams >= DATAGRAMS_PER_READING || this.#coalescing.isBusy;
    if (isReading || --this.#roundsLeft <= 0) this.#look();
    if (this.#guests.flushStreams() || isNodeReady) return true;
    if (this.#guests.promises() !== this.#promises || this.#phase === Phase.STOPPED) return this.#await();
    return (this.#times[NOW] as number) - (this.#times[LAST_TURN] as number) >= LONGEST_ROUNDS || this.#isQuiet();
  }

  #await(): true {
    this.#promises = this.#guests.promises();
    return true;
  }

  #isQuiet(): boolean {
    return (this.#times[NOW] as number) - (this.#times[LAST_DATAGRAM] as number) >= QUIET;
  }

  // Reads the clock, and pauses if that pays.
  #look(): void {
    const datagrams = this.#sinceReading;
    this.#sinceReading = 0;
    const before = this.#times[NOW] as number;
    this.#readClock();
    // Few rounds that took long mean little traffic: then the clock is read after each.
    this.#roundsLeft = (this.#times[NOW] as number) - before < READING_WORTHWHILE ? ROUNDS_PER_READING : 1;
    if (datagrams > 0) this.#times[LAST_DATAGRAM] = this.#times[NOW] as number;
    const pause = this.#coalescing.afterRound(this.#times[NOW] as number, datagrams);
    if (pause === 0 || this.#core.poller.isUnfinished) return;
    this.#core.arena.u32[this.#pauseWord + 2] = pause * 1000;
    this.#core.libc.nanosleep(this.#pauseTime, null);
  }

  #readClock(): void {
    const { u32 } = this.#core.arena;
    this.#core.libc.clockGettime(CLOCK_MONOTONIC, this.#time);
    const seconds = u32[this.#timeWord] as number;
    const nanoseconds = u32[this.#timeWord + 2] as number;
    this.#times[NOW] = seconds * 1_000_000 + nanoseconds / 1000;
    this.#core.now = seconds * 1000 + Math.floor(nanoseconds / 1_000_000);
  }
}
