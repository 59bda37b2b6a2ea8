// What a fuzz target is, and what a find is.

import type { SeededRandom } from './random.ts';

/** Tells the fuzzer what an input made happen; an input that makes something new happen is kept and mutated further. */
export type Notice = (feature: string) => void;

/** A thing to fuzz. Every input is bytes, so that any of them can be saved and replayed. */
export interface Target {
  readonly name: string;
  /**
   * Parts of the URLs of the modules that it is about, such as `/src/stun/`: inputs that reach new code of them are kept
   * too, at half the speed. Empty where what the target notices says more.
   */
  readonly code: readonly string[];
  /** Inputs to begin with, beside the saved corpus. */
  seeds(): readonly Buffer[];
  /** A changed copy of `input`; `other` is one to splice from. */
  mutate(input: Buffer, other: Buffer, random: SeededRandom): Buffer;
  /**
   * Runs any bytes, which must not be changed, and throws on a find. Depends on nothing but its input.
   * @returns how many executions it was: an input may hold many datagrams
   */
  run(input: Buffer, notice: Notice): number | Promise<number>;
}

/** Throws a find unless `condition` holds. */
export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
