// Reports of events with values that tests know.

import type { EventReport } from '../../src/events/event-schemas.ts';

/** What reports of a session have in common. */
export function session(id: number) {
  return {
    session: id,
    realm: 'example.org',
    user: 'alice',
    client: '192.0.2.1:4000',
    transport: 'udp',
    relayed: ['203.0.113.1:50000'],
  };
}

/** A login that failed. */
export function authFailed(user: string): EventReport {
  return {
    type: 'auth-failed',
    realm: 'example.org',
    user,
    client: '192.0.2.9:4000',
    transport: 'udp',
    reason: 'wrong-password',
  };
}

/** Traffic of a session. */
export const TRAFFIC = { packetsFromClient: 1, bytesFromClient: 100, packetsToClient: 2, bytesToClient: 200 } as const;

/** One report of each kind. */
export const REPORTS: readonly EventReport[] = [
  { ...session(1001), type: 'allocated', lifetime: 600 },
  { ...session(1001), type: 'refreshed', lifetime: 600 },
  { ...session(1001), type: 'permission', peer: '198.51.100.7' },
  { ...session(1001), type: 'channel', peer: '198.51.100.7:9000', channel: 0x4000 },
  { ...session(1001), type: 'traffic', ...TRAFFIC },
  { ...session(1001), type: 'released', ...TRAFFIC, duration: 60, reason: 'deleted' },
  { ...session(1001), type: 'denied', peer: '10.0.0.1', port: 0, reason: 'private' },
  authFailed('alice'),
  { type: 'dropped', of: 'auth-failed', count: 3 },
];
