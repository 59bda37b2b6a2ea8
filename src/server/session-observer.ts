// Turns the engine's events into the lines of the log. Knows the log and the engine's types, nothing of sockets.

import type { Logger } from '../log/logger.ts';
import type { SessionLog } from '../log/session-log.ts';
import type { Allocation } from '../turn/allocation.ts';
import { AuthFailure, type Clock, type Observer } from '../turn/env.ts';
import type { RateHolder, RateRefusal } from '../turn/rate-meter.ts';
import { SCAN_RULE } from '../turn/scan-brake.ts';

/** Makes the observer that writes the session log. */
export function makeSessionObserver(sessions: SessionLog, logger: Logger, clock: Clock): Observer {
  const relayed = new WeakMap<Allocation, string[]>();
  return {
    allocated: (allocation) => {
      const addresses = allocation.relays().map((relay) => relay.relayed.text);
      relayed.set(allocation, addresses);
      if (logger.isLevelEnabled('debug')) {
        logger.debug({ session: allocation.id, ...whose(allocation), relayed: addresses }, 'allocation made');
      }
    },
    refreshed: () => {},
    relayReleased: () => {},
    released: (allocation, reason) =>
      sessions.allocationEnded({
        session: allocation.id,
        ...whose(allocation),
        relayed: relayed.get(allocation) ?? [],
        bytesFromClient: allocation.bytesToPeer,
        bytesToClient: allocation.bytesToClient,
        packetsFromClient: allocation.packetsToPeer,
        packetsToClient: allocation.packetsToClient,
        overRateFromClient: allocation.overRateToPeer,
        overRateToClient: allocation.overRateToClient,
        duration: Math.round((clock.now() - allocation.createdAt) / 1000),
        reason,
      }),
    permissionInstalled: () => {},
    channelBound: () => {},
    channelUnbound: () => {},
    authFailed: (endpoint, user, reason) => {
      if (reason === AuthFailure.UNAVAILABLE) return;
      const address = endpoint.client.ip.text;
      if (reason === AuthFailure.BRAKED) sessions.authenticationBraked({ address, user });
      else sessions.authenticationFailed({ address, user, reason });
    },
    peerDenied: (allocation, peer, port, rule) => {
      const denial = { session: allocation.id, ...whose(allocation), peer: peer.text, port, rule };
      if (rule === SCAN_RULE) sessions.scanLimited(denial);
      else sessions.peerDenied(denial);
    },
    overRate: (allocation, dropped, refusal) => {
      const { user, client } = whose(allocation);
      sessions.overRate({ session: allocation.id, user, client, dropped, limit: nameOf(refusal) });
    },
    rejected: () => {},
    failed: (error) => logger.error({ err: error }, 'a request failed: please report this'),
  };
}

const LIMITS: Readonly<Record<RateHolder, Readonly<Record<RateRefusal['of'], string>>>> = Object.freeze({
  allocation: {
    bytes: 'limits.bandwidth-per-allocation (or the max-bps of its realm)',
    packets: 'limits.packets-per-second-per-allocation',
  },
  user: { bytes: 'limits.bandwidth-per-user', packets: 'limits.packets-per-second-per-user' },
  server: { bytes: 'limits.bandwidth', packets: 'limits.packets-per-second' },
});

// Null: the limit is gone by now.
function nameOf(refusal: RateRefusal | null): string {
  return refusal === null ? 'a limit that was lifted since' : LIMITS[refusal.holder][refusal.of];
}

function whose(allocation: Allocation) {
  const { endpoint, credential } = allocation;
  return { user: credential?.username ?? '', client: endpoint.client.text, transport: endpoint.transport };
}
