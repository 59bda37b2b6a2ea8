// Runs the steps of one check: times them, catches what a client says, and has it explained. Knows no step.

import { ClientError } from '../../client/client-error.ts';
import type { Timers } from '../../client/timers.ts';
import type { Fact, Problem, StepName, StepReport } from './report.ts';

/** A step that was done. */
export interface Done<T> {
  readonly value: T;
  readonly summary: string;
  readonly facts?: Readonly<Record<string, Fact>>;
  readonly warnings?: readonly string[];
  /** Makes the step a failed one although the check goes on with its value. */
  readonly problem?: Problem | null;
}

/** A step that cannot be done, which is nobody's fault. */
export class SkipStep extends Error {
  readonly facts: Readonly<Record<string, Fact>>;

  constructor(why: string, facts: Readonly<Record<string, Fact>> = {}) {
    super(why);
    this.facts = facts;
  }
}

/** Explains what a client says. */
export type Explain = (step: StepName, error: ClientError) => Problem;

/** Told of each step as it ends. */
export type OnStep = (report: StepReport) => void;

/** The steps so far. */
export class StepLog {
  readonly steps: StepReport[] = [];
  readonly #timers: Timers;
  readonly #explain: Explain;
  readonly #onStep: OnStep;

  constructor(timers: Timers, explain: Explain, onStep: OnStep) {
    this.#timers = timers;
    this.#explain = explain;
    this.#onStep = onStep;
  }

  get hasFailed(): boolean {
    return this.steps.some(({ status }) => status === 'failed');
  }

  /** Does a step and notes it; null when it failed or was skipped. */
  async run<T>(step: StepName, act: () => Promise<Done<T>>): Promise<T | null> {
    const { report, value } = await this.attempt(step, act);
    this.add(report);
    return value;
  }

  /** Does a step without noting it. What is no {@link ClientError} is a bug and passes. */
  async attempt<T>(step: StepName, act: () => Promise<Done<T>>): Promise<{ report: StepReport; value: T | null }> {
    const start = this.#timers.now();
    const ms = (): number => Math.round((this.#timers.now() - start) * 10) / 10;
    try {
      const { value, summary, facts = {}, warnings = [], problem = null } = await act();
      const status = problem === null ? 'ok' : 'failed';
      return { report: { step, status, ms: ms(), summary, facts, warnings, problem }, value };
    } catch (error) {
      if (error instanceof SkipStep) return { report: skipped(step, error.message, error.facts), value: null };
      if (!(error instanceof ClientError)) throw error;
      return { report: this.#failure(step, ms(), error), value: null };
    }
  }

  /** Notes a step that was not even tried. */
  skip(step: StepName, why: string): void {
    this.add(skipped(step, why, {}));
  }

  add(report: StepReport): void {
    this.steps.push(report);
    this.#onStep(report);
  }

  #failure(step: StepName, ms: number, error: ClientError): StepReport {
    const problem = this.#explain(step, error);
    const code = error.errorCode === 0 ? {} : { errorCode: error.errorCode };
    const facts = { fault: error.fault, ...code };
    return { step, status: 'failed', ms, summary: problem.what, facts, warnings: [], problem };
  }
}

function skipped(step: StepName, why: string, facts: Readonly<Record<string, Fact>>): StepReport {
  return { step, status: 'skipped', ms: 0, summary: why, facts, warnings: [], problem: null };
}
