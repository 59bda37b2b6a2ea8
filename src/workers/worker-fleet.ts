// All workers as main sees them: their processes, what is said to each, and the services that they ask for. What a dead
// worker held returns here. Knows neither sockets nor configuration.

import type { CallHandlers } from './calls.ts';
import { answerCall, Caller } from './calls.ts';
import { CounterTotals, type CounterTree } from './counter-tree.ts';
import type { TaggedDescriptors } from './descriptors.ts';
import {
  type ReadAnswer,
  readBatch,
  readCount,
  readCounterTree,
  readSessionDetail,
  readSessionPage,
} from './from-worker.ts';
import type { FromWorker, MainCalls, ToWorker, WorkerCalls } from './messages.ts';
import type { SessionDetail, SessionInfo, SessionQuery, SessionSelector } from './sessions.ts';
import type { WorkerEvents } from './spawn-worker.ts';
import {
  Supervisor,
  type Timers,
  type WorkerLoss,
  type WorkerProcess,
  type WorkerProcessOwner,
  type WorkerState,
} from './supervisor.ts';

/** What one worker is reached by. */
export interface WorkerLine {
  readonly process: WorkerProcess;
  readonly descriptors: TaggedDescriptors;
}

/** What the fleet is made with. */
export interface WorkerFleetOptions {
  readonly workers: number;
  readonly timers: Timers;
  /** Starts a worker and greets it. */
  readonly spawn: (worker: number, owner: WorkerEvents) => WorkerLine;
  /** How a worker's questions are answered. */
  readonly handlers: (worker: number, line: WorkerLine) => CallHandlers<MainCalls>;
  /** A message of {@link FromWorker} that is no question, answer or sign of life. */
  readonly said: (worker: number, message: FromWorker) => void;
  /** A worker has said what is no message of {@link FromWorker}; told once for each process. */
  readonly babbled: (worker: number) => void;
  /** A worker serves. */
  readonly ready: (worker: number, pid: number) => void;
  /** A worker is gone: whatever it held is free. `loss` is null for one that was told to stop. */
  readonly gone: (worker: number, loss: WorkerLoss | null) => void;
  readonly gaveUp: (reason: string) => void;
}

/** The counters of all workers. */
export interface CollectedCounters {
  readonly counters: CounterTree;
  readonly workers: readonly CollectedWorker[];
}

/** A worker, and whether its counters are of this moment. */
export interface CollectedWorker extends WorkerState {
  readonly hasAnswered: boolean;
}

interface Live extends WorkerLine {
  readonly caller: Caller<WorkerCalls>;
  readonly handlers: CallHandlers<MainCalls>;
}

/** Questions that may wait for one worker. */
const MAX_QUESTIONS = 1000;
/** A worker that hangs must not hold up whoever asks all of them. */
const ANSWER_MS = 2000;

/** Speaks with all workers. */
export class WorkerFleet {
  readonly #options: WorkerFleetOptions;
  readonly #supervisor: Supervisor;
  readonly #live = new Map<number, Live>();
  readonly #totals = new CounterTotals();

  constructor(options: WorkerFleetOptions) {
    this.#options = options;
    const { workers, timers, gaveUp } = options;
    this.#supervisor = new Supervisor({
      workers,
      timers,
      gaveUp,
      spawn: (worker, owner) => this.#spawn(worker, owner),
      said: (worker, message) => this.#said(worker, message),
      lost: (loss) => this.#gone(loss.worker, loss),
      stopped: (worker) => this.#gone(worker, null),
    });
  }

  /** The processes of the workers that live. */
  get pids(): readonly number[] {
    return [...this.#live.values()].map(({ process }) => process.pid);
  }

  /** Workers that are spoken with now. */
  get living(): readonly number[] {
    return [...this.#live.keys()];
  }

  /** Whether every worker lives, or is being replaced in time. */
  get isWell(): boolean {
    return this.#supervisor.isWell;
  }

  /** Starts all workers. Rejects with what one said that cannot start; none lives then. */
  start(): Promise<void> {
    return this.#supervisor.start();
  }

  /** Ends all workers within `limit` milliseconds. */
  stop(limit: number): Promise<void> {
    return this.#supervisor.stop(limit);
  }

  /** Sends to all workers that live; `prepare` is called for each before. */
  broadcast(message: ToWorker, prepare: (worker: number, line: WorkerLine) => void = () => {}): void {
    for (const [worker, line] of this.#live) {
      prepare(worker, line);
      line.process.send(message);
    }
  }

  /** One page of all sessions, in the order of their ids. */
  async sessions(query: SessionQuery): Promise<readonly SessionInfo[]> {
    const pages = await this.#askAll((caller) => caller.call('sessions', query), readSessionPage);
    return pages
      .flatMap(([, page]) => page)
      .sort((left, right) => left.id - right.id)
      .slice(0, query.limit);
  }

  /** One session with its peers, or null if there is none of that id. */
  async session(id: number): Promise<SessionDetail | null> {
    const answers = await this.#askAll((caller) => caller.call('session', id), readSessionDetail);
    return answers.find(([, detail]) => detail !== null)?.[1] ?? null;
  }

  /** Ends sessions. @returns how many */
  async end(selector: SessionSelector): Promise<number> {
    const counts = await this.#askAll((caller) => caller.call('end', selector), readCount);
    return counts.reduce((sum, [, count]) => sum + count, 0);
  }

  /** All counters since the start. */
  async counters(): Promise<CounterTree> {
    return (await this.collect(ANSWER_MS)).counters;
  }

  /** As {@link counters}, within `limit` milliseconds: of a worker that does not answer counts what it has said last. */
  async collect(limit: number): Promise<CollectedCounters> {
    const answers = await this.#askAll((caller) => caller.call('counters', null), readCounterTree, limit);
    for (const [worker, counters] of answers) this.#totals.report(worker, counters);
    const answered = new Set(answers.map(([worker]) => worker));
    const workers = this.states.map((state) => ({ ...state, hasAnswered: answered.has(state.worker) }));
    return { counters: this.#totals.total(), workers };
  }

  /** All workers, whether they live or not. */
  get states(): readonly WorkerState[] {
    return this.#supervisor.states;
  }

  #spawn(worker: number, owner: WorkerProcessOwner): WorkerProcess {
    const line = this.#options.spawn(worker, this.#listener(worker, owner));
    const caller = new Caller<WorkerCalls>((message) => line.process.send(message), MAX_QUESTIONS);
    this.#live.set(worker, { ...line, caller, handlers: this.#options.handlers(worker, line) });
    return line.process;
  }

  // What is no message is passed over, and is no sign of life either.
  #listener(worker: number, owner: WorkerProcessOwner): WorkerEvents {
    let hasBabbled = false;
    const heard = (batch: unknown): void => {
      for (const message of readBatch(batch)) {
        if (message !== null) owner.said(message);
        else if (!hasBabbled) this.#options.babbled(worker);
        hasBabbled ||= message === null;
      }
    };
    return { heard, exited: (how) => owner.exited(how) };
  }

  #said(worker: number, message: FromWorker): void {
    const live = this.#live.get(worker);
    if (live === undefined) return;
    switch (message.kind) {
      case 'call':
        return answerCall(live.handlers, message, (answer) => live.process.send(answer));
      case 'answer':
      case 'refusal':
        return live.caller.settle(message);
      case 'beat':
      case 'stopped':
        return this.#totals.report(worker, message.counters);
      case 'ready':
        return this.#options.ready(worker, live.process.pid);
      case 'failed':
        return;
      default:
        this.#options.said(worker, message);
    }
  }

  #gone(worker: number, loss: WorkerLoss | null): void {
    const live = this.#live.get(worker);
    this.#live.delete(worker);
    live?.caller.close();
    live?.descriptors.close();
    this.#totals.end(worker);
    this.#options.gone(worker, loss);
  }

  // Whoever does not answer in time, or with what is no answer, or is gone meanwhile, is left out.
  async #askAll<T>(
    ask: (caller: Caller<WorkerCalls>) => Promise<unknown>,
    read: ReadAnswer<T>,
    limit: number = ANSWER_MS,
  ): Promise<[number, T][]> {
    const asked = [...this.#live].map(async ([worker, { caller }]) => {
      const answer = await this.#inTime(ask(caller), limit);
      const known = answer === null ? null : read(answer.value);
      return known === null ? [] : [[worker, known.value] as [number, T]];
    });
    return (await Promise.all(asked)).flat();
  }

  #inTime<T>(answer: Promise<T>, limit: number): Promise<{ readonly value: T } | null> {
    return new Promise((resolve) => {
      const stop = this.#options.timers.after(limit, () => resolve(null));
      const settle = (value: { readonly value: T } | null): void => {
        stop();
        resolve(value);
      };
      answer.then(
        (value) => settle({ value }),
        () => settle(null),
      );
    });
  }
}
