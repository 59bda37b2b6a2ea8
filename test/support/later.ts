// Collaborators that do their work when a gate lets them: what main answers to a worker, or a store to both.

import { randomFillSync } from 'node:crypto';
import type { Clock, Quota, ReservedPorts } from '../../src/turn/env.ts';
import { Reservations } from '../../src/turn/reservations.ts';
import type { Gate } from './gate.ts';
import { Lab, type LabOptions } from './lab.ts';

/** Reservations that are looked at, made and redeemed when the gate lets them. */
export function laterReservations(gate: Gate, clock: Clock): ReservedPorts {
  const held = new Reservations(clock, { fill: (target) => randomFillSync(target) });
  return {
    get size() {
      return held.size;
    },
    mayHold: (holder, limit) => gate.hold(null).then(() => held.mayHold(holder, limit)),
    hold: (socket, holder) => gate.hold(null).then(() => held.hold(socket, holder)),
    redeem: (token) => gate.hold(null).then(() => held.redeem(token)),
    tick: () => held.tick(),
    close: () => held.close(),
  };
}

/** A lab in which relay sockets, quota and reservations all wait for the gate. */
export function laterLab(gate: Gate, options: LabOptions = {}): Lab {
  const clock: Clock = { now: () => lab.clock.now(), wallTime: () => lab.clock.wallTime() };
  const quota: Quota = {
    acquire: (request) => gate.hold(null).then(() => lab.quota.acquire(request)),
    release: (request) => lab.quota.release(request),
  };
  const env = { quota, reservations: laterReservations(gate, clock), ...options.env };
  const lab: Lab = new Lab({ asyncOpen: gate, ...options, env });
  return lab;
}
