// Ways to break a server on purpose: a simulation that does not notice them proves nothing.

import type { CredentialLookup } from '../../src/auth/credential-source.ts';
import { whenReady } from '../../src/turn/awaitable.ts';
import type { Engine } from '../../src/turn/engine.ts';
import type { Awaitable, Credentials, Env, Observer, OpenedRelay, RelaySocket } from '../../src/turn/env.ts';
import { containObserver } from '../../src/turn/observer.ts';
import { ALONE, type Climate, DYING, FORGETFUL } from './climate.ts';
import type { SimMain } from './main-process.ts';

/** One way. */
export interface Sabotage {
  readonly name: string;
  /** Where it shows. */
  readonly climate: Climate;
  /** How the simulation says that it has noticed. */
  readonly noticed: RegExp;
  /** What the engine is given instead. */
  readonly env?: (given: Env) => Partial<Env>;
  /** What is done to the engine before it runs. */
  readonly engine?: (engine: Engine) => void;
  /** What is asked about users instead. */
  readonly credentials?: (given: Credentials) => Credentials;
  /** What is done to the main process before it serves. */
  readonly main?: (main: SimMain) => void;
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
    climate: ALONE,
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
    climate: ALONE,
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
    climate: ALONE,
    noticed: /arrived: .+; expected: $|437|allocations, but|allocations have begun/,
    engine: ({ allocations }) =>
      replace(allocations, 'bindChannel', (bind) => (allocation, relay, number, peer, port) => {
        bind(allocation, relay, number, peer, port);
        relay.deadline += 60_000;
      }),
  },
  {
    name: 'some quota is never given back',
    climate: ALONE,
    noticed: /units of the quota/,
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
    climate: ALONE,
    noticed: /units of the quota|released of allocation \d+, which is not alive/,
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
    climate: ALONE,
    noticed: /sockets are open/,
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
    climate: ALONE,
    noticed: /reservations are held/,
    engine: ({ reservations }) => replace(reservations, 'tick', () => () => undefined),
  },
  {
    name: 'a token works twice',
    climate: ALONE,
    noticed: /allocate (500|0), not one of 508|attached twice/,
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
    climate: ALONE,
    noticed: /(permission|channel) 0, not one of 403|arrived: peer/,
    env: (given) => ({ ...given, peers: { check: () => null, checkShown: () => null, isOpened: () => true } }),
  },
  {
    name: 'some endings are not told',
    climate: ALONE,
    noticed: /have begun and not ended|is allocated twice/,
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
    climate: ALONE,
    noticed: /allocations, but|reservations are held|arrived: .+; expected: $|not one of 437|is taken/,
    env: (given) => ({ ...given, clock: { now: () => 5_000_000, wallTime: () => Date.UTC(2026, 0, 1) } }),
  },
  {
    name: 'every message is handled twice',
    climate: ALONE,
    noticed: /2 answers to 1 requests|an answer to no request|not one of/,
    engine: (engine) =>
      replace(engine, 'fromClient', (handle) => (endpoint, buffer, start, end) => {
        handle(endpoint, buffer, start, end);
        handle(endpoint, buffer, start, end);
      }),
  },
  {
    name: 'a retransmission is not told the same again',
    climate: ALONE,
    noticed: /allocate 437, not one of/,
    engine: ({ allocations }) =>
      replace(allocations, 'create', (create) => (owner, sockets, lifetime) => {
        const allocation = create(owner, sockets, lifetime);
        return Object.defineProperty(allocation, 'cachedReply', { get: () => null, set: () => {} });
      }),
  },
  {
    name: 'lifetimes follow the wall clock',
    climate: ALONE,
    noticed: /arrived|not one of|allocations, but|reservations are held/,
    env: ({ clock }) => {
      const ahead = clock.wallTime() - clock.now();
      return { clock: { now: () => clock.wallTime() - ahead, wallTime: () => clock.wallTime() } };
    },
  },
  {
    name: 'what is over lives on until the next tick',
    climate: ALONE,
    noticed: /437, not one of|not one of 437/,
    engine: ({ allocations }) => replace(allocations, 'expire', () => () => undefined),
  },
  {
    name: 'a dead worker keeps its quota',
    climate: DYING,
    noticed: /units of the quota are held/,
    main: ({ quota }) => replace(quota, 'releaseAll', () => () => undefined),
  },
  {
    name: 'a dead worker keeps its ports',
    climate: DYING,
    noticed: /ports are marked/,
    main: (main) => replace(main, 'gone', () => (worker) => main.quota.releaseAll(worker)),
  },
  {
    name: 'what comes from another process shows its private address',
    climate: FORGETFUL,
    noticed: /arrived: ; expected: client/,
    env: ({ neighbours }) => ({
      neighbours: { privateOf: (ip, port) => neighbours?.privateOf(ip, port) ?? null, toShown: () => {} },
    }),
  },
  {
    name: 'the relays of other processes are not known',
    climate: DYING,
    noticed: /arrived: ; expected: client|channel 403, not one of/,
    env: () => ({ neighbours: null }),
  },
  {
    name: 'users are never asked for again',
    climate: FORGETFUL,
    noticed: /(401|500), not one of|not one of 401/,
    credentials: (credentials) => {
      const known = new Map<string, Awaitable<CredentialLookup>>();
      const find: Credentials['find'] = (username, realm) => {
        const key = `${realm} ${username}`;
        const found = known.get(key) ?? credentials.find(username, realm);
        known.set(key, found);
        return found;
      };
      return { find, usernameOf: () => null };
    },
  },
  {
    name: 'some look-ups are waited for in vain',
    climate: FORGETFUL,
    noticed: /no answer to/,
    credentials: (credentials) => {
      const lost = everyFifth();
      const find: Credentials['find'] = (username, realm) => {
        const found = credentials.find(username, realm);
        return found instanceof Promise && lost() ? new Promise(() => {}) : found;
      };
      return { find, usernameOf: () => null };
    },
  },
  {
    name: 'users get one allocation more',
    climate: FORGETFUL,
    noticed: /gets one more, but may have/,
    main: ({ allocationQuota }) =>
      replace(allocationQuota, 'acquire', (acquire) => ({ client, credential }) => {
        const quotaLimit = credential !== null && credential.quotaLimit > 0 ? credential.quotaLimit + 1 : 0;
        return acquire({ client, credential: credential && { ...credential, quotaLimit } });
      }),
  },
];
