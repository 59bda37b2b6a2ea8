// What kind of world a simulation runs in: how many processes and clients, and which faults how often.

/** A kind of world. Probabilities are of one step, or of one datagram. */
export interface Climate {
  readonly name: string;
  /** 0: one process that keeps quota, users and reservations itself. */
  readonly workers: number;
  readonly clients: number;
  /** Relay ports of each family, scarce enough to run out now and then. */
  readonly ports: number;
  /** A worker is killed. */
  readonly kills: number;
  /** Of a datagram, while the weather is bad. */
  readonly loss: number;
  /** The wall clock jumps, is slewed, or the machine sleeps. */
  readonly clockFaults: number;
  /** The store begins to fail, or mends; users, secrets, realms and limits change. */
  readonly storeFaults: number;
}

/** One process on a bad network whose clock cannot be trusted. */
export const ALONE: Climate = Object.freeze({
  ...{ name: 'one process', workers: 0, clients: 20, ports: 24, kills: 0 },
  ...{ loss: 0.1, clockFaults: 0.005, storeFaults: 0.004 },
});

/** Workers of which one dies in every hundredth step (R33). */
export const DYING: Climate = Object.freeze({
  ...{ name: 'workers that die', workers: 3, clients: 40, ports: 40, kills: 0.01 },
  ...{ loss: 0.05, clockFaults: 0.0005, storeFaults: 0.001 },
});

/** Many clients (R33). */
export const CROWDED: Climate = Object.freeze({
  ...{ name: 'two hundred clients', workers: 4, clients: 200, ports: 160, kills: 0.001 },
  ...{ loss: 0.05, clockFaults: 0.0005, storeFaults: 0.001 },
});

/** A store that fails all the time, and users who come and go. */
export const FORGETFUL: Climate = Object.freeze({
  ...{ name: 'a store that fails', workers: 2, clients: 20, ports: 24, kills: 0.0005 },
  ...{ loss: 0.02, clockFaults: 0.002, storeFaults: 0.03 },
});

/** All of them. */
export const CLIMATES: readonly Climate[] = Object.freeze([ALONE, DYING, CROWDED, FORGETFUL]);
