// Observers watch the engine; they must not be able to disturb it.

import type { Observer } from './env.ts';

/** Wraps an observer so that whatever it throws is contained. */
export function containObserver(observer: Observer): Observer {
  const contain =
    <A extends unknown[]>(call: (...args: A) => void) =>
    (...args: A): void => {
      try {
        call(...args);
      } catch {
        // There is nobody left to tell: the observer is the one who tells.
      }
    };
  return {
    allocated: contain((allocation) => observer.allocated(allocation)),
    refreshed: contain((allocation) => observer.refreshed(allocation)),
    relayReleased: contain((allocation, relay) => observer.relayReleased(allocation, relay)),
    released: contain((allocation, reason) => observer.released(allocation, reason)),
    permissionInstalled: contain((allocation, permission) => observer.permissionInstalled(allocation, permission)),
    channelBound: contain((allocation, channel) => observer.channelBound(allocation, channel)),
    channelUnbound: contain((allocation, channel) => observer.channelUnbound(allocation, channel)),
    authFailed: contain((endpoint, username, reason, realm) => observer.authFailed(endpoint, username, reason, realm)),
    peerDenied: contain((allocation, peer, port, rule) => observer.peerDenied(allocation, peer, port, rule)),
    overRate: contain((allocation, packets, refusal) => observer.overRate(allocation, packets, refusal)),
    rejected: contain((endpoint, method, code) => observer.rejected(endpoint, method, code)),
    failed: contain((error) => observer.failed(error)),
  };
}
