// What the simulated engine is given: relay sockets, credentials, quota and reservations that sometimes answer at once and sometimes
// later, in any order, and sometimes fail. They note what they refused, so that an error answer can be told from an
// invented one.

import type { Credential, Env, Quota, QuotaRequest, RelaySockets, ReservedPorts } from '../../src/turn/env.ts';
import { NO_USER } from '../../src/turn/grant.ts';
import { Reservations } from '../../src/turn/reservations.ts';
import { Gate } from '../support/gate.ts';
import { type Lab, labCredentials, USERS } from '../support/lab.ts';
import type { Prng } from './prng.ts';

/** Allocations that a user may have. */
export const QUOTA = 9;

/** Relay ports: scarce enough to run out now and then. */
export const PORTS: readonly [number, number] = [50_000, 50_023];

type Found = Awaited<ReturnType<Env['credentials']['find']>>;

/** The collaborators of one simulated engine. */
export class Surroundings {
  readonly gate = new Gate();
  /** Refusals that may still turn up as answers. */
  readonly refused = { quota: 0, sockets: 0, credentials: 0 };
  readonly held: Map<string, number> = new Map();
  readonly faults: string[] = [];
  readonly #random: Prng;
  readonly #known = labCredentials();
  readonly #found: Map<string, Found> = new Map();

  constructor(random: Prng) {
    this.#random = random;
  }

  /** Quota units that are held. */
  get quotaHeld(): number {
    return [...this.held.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The parts of an environment that this plays; `lab` is asked for once it exists. */
  env(lab: () => Lab): Pick<Env, 'relays' | 'credentials' | 'quota' | 'reservations'> {
    const { usernameOf } = this.#known;
    const credentials = { usernameOf, find: (name: string, realm: string) => this.#find(name, realm) };
    return { relays: this.#relays(lab), credentials, quota: this.#quota(), reservations: this.#reservations(lab) };
  }

  #find(name: string, realm: string): Found | Promise<Found> {
    if (this.#random.chance(0.005)) {
      this.refused.credentials++;
      return this.#random.chance(0.5) ? 'unavailable' : this.gate.hold<Found>('unavailable');
    }
    const found = this.#found.get(name) ?? (this.#known.find(name, realm) as Found);
    if (USERS.has(name)) this.#found.set(name, found);
    return this.#random.chance(0.2) ? this.gate.hold(found) : found;
  }

  #relays(lab: () => Lab): RelaySockets {
    return {
      serves: (family) => lab().relays.serves(family),
      open: (family, request) => {
        const opened = this.#random.chance(0.02) ? null : lab().relays.open(family, request);
        if (opened === null) this.refused.sockets++;
        return this.#random.chance(0.4) ? this.gate.hold(opened) : opened;
      },
    };
  }

  // A token begins to run when its port is held, so what is late is the holding: then the model's clock is the same.
  #reservations(lab: () => Lab): ReservedPorts {
    const clock = { now: () => lab().clock.now(), wallTime: () => lab().clock.wallTime() };
    const held = new Reservations(clock, { fill: (target) => target.set(target.map(() => this.#random.int(256))) });
    return {
      get size() {
        return held.size;
      },
      mayHold: (holder, limit) => held.mayHold(holder, limit),
      hold: (socket, holder) => {
        if (!this.#random.chance(0.05)) {
          const hold = () => held.hold(socket, holder);
          return this.#random.chance(0.4) ? this.gate.hold(null).then(hold) : hold();
        }
        this.refused.sockets++;
        return this.#random.chance(0.4) ? this.gate.hold(null) : null;
      },
      redeem: (token) => held.redeem(token),
      tick: () => held.tick(),
      close: () => held.close(),
    };
  }

  #quota(): Quota {
    return {
      acquire: ({ credential }) => {
        const granted = this.#take(credential) ? NO_USER : null;
        if (granted === null) this.refused.quota++;
        return this.#random.chance(0.2) ? this.gate.hold(granted) : granted;
      },
      release: ({ credential }: QuotaRequest) => {
        const count = this.held.get(userOf(credential)) ?? 0;
        if (count <= 0) this.faults.push(`quota of ${userOf(credential)} is given back, but none is held`);
        this.held.set(userOf(credential), count - 1);
      },
    };
  }

  #take(credential: Credential | null): boolean {
    const count = this.held.get(userOf(credential)) ?? 0;
    if (count >= QUOTA) return false;
    this.held.set(userOf(credential), count + 1);
    return true;
  }
}

function userOf(credential: Credential | null): string {
  return credential?.username ?? '';
}
