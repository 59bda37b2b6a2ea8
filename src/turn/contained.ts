// Collaborators promise never to throw or reject. Should one break its word, the fault is reported and counts as a
// refusal: it must not leak a quota or block a five-tuple for good.

import type { Awaitable, Observer, Quota, RelaySockets, ReservedPorts } from './env.ts';

/** Wraps relay sockets so that a fault reads as "none is free". */
export function containRelays(relays: RelaySockets, observer: Observer): RelaySockets {
  return {
    serves: (family) => relays.serves(family),
    open: (family, request) => contain(() => relays.open(family, request), null, observer),
  };
}

/** Wraps reservations so that a fault reads as "not to be had". */
export function containReservations(reservations: ReservedPorts, observer: Observer): ReservedPorts {
  return {
    get size() {
      return contain(() => reservations.size, 0, observer);
    },
    mayHold: (holder, limit) => contain(() => reservations.mayHold(holder, limit), false, observer),
    hold: (socket, holder) => contain(() => reservations.hold(socket, holder), null, observer),
    redeem: (token) => contain(() => reservations.redeem(token), null, observer),
    tick: () => contain(() => reservations.tick(), undefined, observer),
    close: () => contain(() => reservations.close(), undefined, observer),
  };
}

/** Wraps a quota so that a fault reads as "not granted". */
export function containQuota(quota: Quota, observer: Observer): Quota {
  return {
    acquire: (request) => contain(() => quota.acquire(request), null, observer),
    release: (request) => contain(() => quota.release(request), undefined, observer),
  };
}

function contain<T>(call: () => T, fallback: Awaited<T>, observer: Observer): T;
function contain<T>(call: () => Awaitable<T>, fallback: T, observer: Observer): Awaitable<T> {
  const refuse = (error: unknown): T => {
    observer.failed(error);
    return fallback;
  };
  try {
    const value = call();
    return value instanceof Promise ? value.catch(refuse) : value;
  } catch (error) {
    return refuse(error);
  }
}
