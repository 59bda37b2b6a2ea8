// Turns the engine's events into the lines of the log. Knows the log and the engine's types, nothing of sockets.

import type { FaultLog } from '../log/fault-log.ts';
import type { ShowAddress } from '../log/hidden-addresses.ts';
import type { Logger } from '../log/logger.ts';
import type { SessionLog } from '../log/session-log.ts';
import type { Allocation } from '../turn/allocation.ts';
import { AuthFailure, type Clock, type Observer } from '../turn/env.ts';
import type { RateHolder, RateRefusal } from '../turn/rate-meter.ts';
import { SCAN_RULE } from '../turn/scan-brake.ts';
import { PermittedPeers } from './permitted-peers.ts';

/** What the observer writes to, and how. */
export interface SessionObserverParts {
  readonly sessions: SessionLog;
  readonly faults: FaultLog;
  readonly logger: Logger;
  readonly clock: Clock;
  /** How addresses of clients and peers are shown. */
  readonly show: ShowAddress;
  /** Whether the peers of an allocation are told. */
  readonly tellsPeers: boolean;
}

/** Makes the observer that writes the session log. */
export function makeSessionObserver(parts: SessionObserverParts): Observer {
  const { sessions, faults, logger, clock, show } = parts;
  const relayed = new WeakMap<Allocation, string[]>();
  const peers = parts.tellsPeers ? new PermittedPeers(show) : null;
  const whose = (allocation: Allocation) => describe(allocation, show);
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
        ...peers?.of(allocation),
        bytesFromClient: allocation.bytesToPeer,
        bytesToClient: allocation.bytesToClient,
        packetsFromClient: allocation.packetsToPeer,
        packetsToClient: allocation.packetsToClient,
        overRateFromClient: allocation.overRateToPeer,
        overRateToClient: allocation.overRateToClient,
        duration: Math.round((clock.now() - allocation.createdAt) / 1000),
        reason,
      }),
    permissionInstalled: (allocation, { peer }) => peers?.add(allocation, peer.text),
    channelBound: () => {},
    channelUnbound: () => {},
    authFailed: (endpoint, user, reason) => {
      if (reason === AuthFailure.UNAVAILABLE) return;
      const address = show(endpoint.client.ip.text);
      if (reason === AuthFailure.BRAKED) sessions.authenticationBraked({ address, user });
      else sessions.authenticationFailed({ address, user, reason });
    },
    peerDenied: (allocation, peer, port, rule) => {
      const denial = { session: allocation.id, ...whose(allocation), peer: show(peer.text), port, rule };
      if (rule === SCAN_RULE) sessions.scanLimited(denial);
      else sessions.peerDenied(denial);
    },
    overRate: (allocation, dropped, refusal) => {
      const { user, client } = whose(allocation);
      sessions.overRate({ session: allocation.id, user, client, dropped, limit: nameOf(refusal) });
    },
    rejected: () => {},
    failed: (error) => faults.report(error),
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

function describe(allocation: Allocation, show: ShowAddress) {
  const { endpoint, credential } = allocation;
  const { ip, port } = endpoint.client;
  const shown = show(ip.text);
  const client = shown === ip.text ? endpoint.client.text : `${shown}:${port}`;
  const { username = '', realm = '' } = credential ?? {};
  return { user: username, realm, client, transport: endpoint.transport };
}
