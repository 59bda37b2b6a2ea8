// The connections without allocation, in the order in which they came: whoever has been here longest makes room for
// newcomers when there is none. Knows no limits.

import type { AcceptedSocket } from './accepted-socket.ts';

/** Those that nobody has paid for. Whether that still holds is looked up when it matters: an engine tells nobody. */
export class Strangers {
  // A set keeps the order of insertion.
  readonly #all = new Set<AcceptedSocket>();
  /** Those that had an allocation when they were looked at. */
  readonly #settled = new Set<AcceptedSocket>();

  add(accepted: AcceptedSocket): void {
    this.#all.add(accepted);
  }

  delete(accepted: AcceptedSocket): void {
    this.#all.delete(accepted);
    this.#settled.delete(accepted);
  }

  /** Whoever has lost an allocation is a stranger again, and the youngest. */
  sort(): void {
    for (const accepted of this.#settled) if (accepted.isStranger) this.#move(accepted, this.#settled, this.#all);
    for (const accepted of this.#all) if (!accepted.isStranger) this.#move(accepted, this.#all, this.#settled);
  }

  /** The one that has been a stranger for longest; null where everyone has an allocation. */
  takeOldest(): AcceptedSocket | null {
    for (const accepted of this.#all) {
      if (accepted.isStranger) {
        this.#all.delete(accepted);
        return accepted;
      }
      this.#move(accepted, this.#all, this.#settled);
    }
    return null;
  }

  #move(accepted: AcceptedSocket, from: Set<AcceptedSocket>, to: Set<AcceptedSocket>): void {
    from.delete(accepted);
    to.add(accepted);
  }
}
