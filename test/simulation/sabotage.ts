// Ways to break a server on purpose: a simulation that does not notice them proves nothing.

import { whenReady } from '../../src/turn/awaitable.ts';
import type { Engine } from '../../src/turn/engine.ts';
import type { Env, Observer, OpenedRelay, RelaySocket } from '../../src/turn/env.ts';
import { containObserver } from '../../src/turn/observer.ts';

type Given = Pick<Env, 'relays' | 'credentials' | 'quota' | 'observer'>;

/** One way. */
export interface Sabotage {
  readonly name: string;
  /** How the simulation says that it has noticed. */
  readonly noticed: RegExp;
  /** What the engine is given instead. */
  readonly env?: (given: Given) => Partial<Env>;
  /** What is done to the engine before it runs. */
  readonly engine?: (engine: Engine) => void;
}

/** Replaces a method of one object; the replacement gets the original. */
function replace<T extends object, K extends keyof T>(target: T, name: K, make: (original: T[K]) => T[K]): void {
  const original = target[name];
  Object.defineProperty(target, name, {
    value: make(typeof original === 'function' ? original.bind(target) : original),
  });
}

function everyFifth(): () => boolean {
  let count = 0;
  return () => ++count % 5 === 0;
}

export const SABOTAGES: readonly Sabotage[] = [
  {
    name: 'permissions never expire',
    noticed: /arrived: .+; expected: $/,
    engine: ({ allocations }) =>
      replace(allocations, 'installPermission', (install) => (allocation, peer) => {
        const permission = install(allocation, peer);
        permission.deadline = Number.POSITIVE_INFINITY;
        return permission;
      }),
  },
  {
    name: 'permissions expire a second early',
    noticed: /arrived: ; expected: ./,
    engine: ({ allocations }) =>
      replace(allocations, 'installPermission', (install) => (allocation, peer) => {
        const permission = install(allocation, peer);
        permission.deadline -= 1000;
        return permission;
      }),
  },
  {
    name: 'channels extend the allocation',
    noticed: /arrived: .+; expected: $|437|allocations, but/,
    engine: ({ allocations }) =>
      replace(allocations, 'bindChannel', (bind) => (allocation, relay, number, peer, port) => {
        bind(allocation, relay, number, peer, port);
        relay.deadline += 60_000;
      }),
  },
  {
    name: 'some quota is never given back',
    noticed: /quota left at the end/,
    env: (given) => {
      const lost = everyFifth();
      const { quota } = given;
      return {
        ...given,
        quota: {
          acquire: (request) => quota.acquire(request),
          release: (request) => (lost() ? undefined : quota.release(request)),
        },
      };
    },
  },
  {
    name: 'quota is given back twice',
    noticed: /given back, but none is held|released of allocation \d+, which is not alive/,
    engine: ({ allocations }) =>
      replace(allocations, 'release', (release) => (allocation, reason) => {
        const closed = allocation.closed;
        release(allocation, reason);
        if (!closed) allocation.closed = false;
        release(allocation, reason);
      }),
  },
  {
    name: 'some relay sockets are never closed',
    noticed: /sockets are open, /,
    env: (given) => {
      const lost = everyFifth();
      const leak = (opened: OpenedRelay | null): OpenedRelay | null => {
        if (opened !== null && lost()) replace(opened.socket, 'close', () => () => undefined);
        return opened;
      };
      const { relays } = given;
      return {
        ...given,
        relays: {
          serves: (family) => relays.serves(family),
          open: (family, request) => whenReady(relays.open(family, request), leak),
        },
      };
    },
  },
  {
    name: 'reservations are never given back',
    noticed: /sockets are open, /,
    engine: ({ reservations }) => replace(reservations, 'tick', () => () => undefined),
  },
  {
    name: 'a token works twice',
    noticed: /allocate 500, not one of 508/,
    engine: ({ reservations }) => {
      const used = new Map<string, RelaySocket | null>();
      replace(reservations, 'redeem', (redeem) => (token) => {
        return whenReady(redeem(token), (socket) => {
          used.set(token, socket ?? used.get(token) ?? null);
          return used.get(token) ?? null;
        });
      });
    },
  },
  {
    name: 'every peer is allowed',
    noticed: /(permission|channel) 0, not one of 403|where no host is/,
    env: (given) => ({ ...given, peers: { check: () => null, checkShown: () => null, isOpened: () => true } }),
  },
  {
    name: 'some endings are not told',
    noticed: /\d+ allocations, but \d+ live/,
    env: (given) => {
      const lost = everyFifth();
      const { observer } = given;
      const released: Observer['released'] = (allocation, reason) => {
        if (!lost()) observer.released(allocation, reason);
      };
      return { ...given, observer: { ...containObserver(observer), released } };
    },
  },
  {
    name: 'the clock stands still for the engine',
    noticed: /allocations, but|sockets are open|arrived: .+; expected: $/,
    env: (given) => ({ ...given, clock: { now: () => 5_000_000, wallTime: () => Date.UTC(2026, 0, 1) } }),
  },
  {
    name: 'every message is handled twice',
    noticed: /2 answers to 1 requests/,
    engine: (engine) =>
      replace(engine, 'fromClient', (handle) => (endpoint, buffer, start, end) => {
        handle(endpoint, buffer, start, end);
        handle(endpoint, buffer, start, end);
      }),
  },
];
