// Whether a running server is ready for new clients (R31): what of it is open, alive and full, looked at when somebody
// asks. Asks no worker: one that hangs must not hold up the answer.

import { isIP } from 'node:net';
import type { HealthCheck, Readiness, ServerHealth } from '../control/server-health.ts';
import type { RelayPorts } from '../metrics/snapshot.ts';
import type { WorkerState } from '../workers/supervisor.ts';

/** What is looked at. */
export interface HealthSources {
  readonly workerStates: () => readonly WorkerState[];
  readonly relayPorts: () => readonly RelayPorts[];
  /** Listening addresses now; those that could not be opened at all have kept the server from starting. */
  readonly listening: () => number;
  /** Null where there is no store. */
  readonly store: () => { readonly isAnswering: boolean; readonly hasBeenRead: boolean } | null;
  /** Whether a Binding request to a listener of this server is answered; null where none can be asked. Never rejects. */
  readonly selfTest: () => Promise<boolean | null>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** What a server is about to do. */
export type ServerPhase = 'serving' | 'draining' | 'stopping';

/** A worker that says nothing for so long is not counted on: its heartbeats come every second. */
const SILENCE_MS = 3500;
/** How old the last self-test may be. A new one runs beside answers, which do not wait for it. */
const TEST_AGE_MS = 1000;
/** A busy moment may cost one answer; two in a row are no accident. */
const MOST_FAILURES = 1;

/** The health of one server. */
export class RunningHealth implements ServerHealth {
  /** What is about to happen: whoever ends or drains the server says so first. */
  phase: ServerPhase = 'serving';
  readonly #sources: HealthSources;
  /** Failed self-tests in a row. The first of all counts at once: nothing was seen to work yet. */
  #failures = MOST_FAILURES;
  #testedAt = Number.NEGATIVE_INFINITY;
  #testing: Promise<void> | null = null;

  constructor(sources: HealthSources) {
    this.#sources = sources;
  }

  async readiness(): Promise<Readiness> {
    await this.#test();
    const checks = [this.#phase(), this.#listeners(), this.#workers(), this.#ports(), this.#store(), this.#selfTest()];
    return { ready: checks.every(({ ok }) => ok), checks };
  }

  // The first one is waited for; later ones show in the next answer.
  async #test(): Promise<void> {
    const { selfTest, now } = this.#sources;
    const isFirst = this.#testedAt === Number.NEGATIVE_INFINITY;
    if (now() - this.#testedAt < TEST_AGE_MS) return;
    this.#testing ??= selfTest().then((result) => {
      this.#failures = result === false ? this.#failures + 1 : 0;
      this.#testedAt = now();
      this.#testing = null;
    });
    if (isFirst) await this.#testing;
  }

  #phase(): HealthCheck {
    return judge('phase', this.phase === 'serving', `the server is ${this.phase}`);
  }

  #listeners(): HealthCheck {
    return judge('listeners', this.#sources.listening() > 0, 'no listening address is open');
  }

  #workers(): HealthCheck {
    const states = this.#sources.workerStates();
    const missing = states.filter(({ isServing, silentFor }) => !isServing || silentFor > SILENCE_MS);
    const named = missing.map(({ worker }) => worker).join(', ');
    return judge('workers', missing.length === 0, `of ${states.length} workers these do not serve: ${named}`);
  }

  #ports(): HealthCheck {
    const full = this.#sources.relayPorts().filter(({ free }) => free === 0);
    return judge(
      'relay-ports',
      full.length === 0,
      `no relay port is free for ${full.map(({ family }) => family).join()}`,
    );
  }

  // A store that is away costs only those who were never here: taking every server of a fleet out of use because of the
  // one database that they share would be the greater harm. One that was never read is another matter.
  #store(): HealthCheck {
    const store = this.#sources.store();
    if (store === null || store.isAnswering) return { name: 'store', ok: true, detail: null };
    const detail = 'the store does not answer: only users that are known already are served';
    return { name: 'store', ok: store.hasBeenRead, detail };
  }

  #selfTest(): HealthCheck {
    return judge(
      'self-test',
      this.#failures <= MOST_FAILURES,
      'a Binding request to a listener of this server has no answer',
    );
  }
}

function judge(name: string, ok: boolean, problem: string): HealthCheck {
  return { name, ok, detail: ok ? null : problem };
}

/** A listening address that can be asked over loopback or by its own address, as the probe of {@link HealthSources}. */
export function probeTarget(
  listeners: readonly { readonly transport: string; readonly address: string; readonly port: number }[],
): { readonly address: string; readonly port: number } | null {
  return listeners.find(({ transport, address }) => transport === 'udp' && isIP(address) !== 0) ?? null;
}
