// The sums that turnctl shows, from counters that a test makes up: each drop counts for one direction, under its name.

import { test } from 'tap';
import { trafficOf } from '../../src/control/traffic.ts';
import { DROP_REASON_COUNT, DropReason } from '../../src/turn/drop-reason.ts';

test('R30 each reason counts once: for what clients sent, for what peers sent, or for an ICMP error', async (t) => {
  const seen: Record<string, string> = {};
  for (const reason of Object.values(DropReason)) {
    const dropped = Array.from({ length: DROP_REASON_COUNT }, (_, index) => (index === reason ? 7 : 0));
    const { fromClients, fromPeers } = trafficOf({ engine: { dropped } });
    const sides = [...Object.keys(fromClients.dropped), ...Object.keys(fromPeers.dropped)];
    t.ok(sides.length <= 1);
    for (const name of Object.keys(fromPeers.dropped)) seen[name] = 'peers';
    if (sides.length === 0) seen[String(reason)] = 'errors';
  }
  t.same(seen, {
    'no-permission-from-peer': 'peers',
    'too-big': 'peers',
    'over-rate-to-client': 'peers',
    [String(DropReason.ICMP_TYPE)]: 'errors',
    [String(DropReason.ICMP_NO_PERMISSION)]: 'errors',
  });
});

test('R30 what a plane, the system or a stream did not take was not relayed', async (t) => {
  const counters = {
    engine: { packetsToPeer: 100, packetsToClient: 50, packetsCrossed: 5, responses: 9, keepAlives: 1, dropped: [] },
    plane: {
      clients: { packetsIn: 80, droppedTooBig: 1, droppedUnusable: 2, sendErrors: { EPERM: 3 } },
      peers: { packetsIn: 45, droppedQueueFull: 4, sendErrors: { EMSGSIZE: 6 } },
    },
    streams: { framesIn: 32, droppedMessages: 10 },
  };
  t.same(trafficOf(counters), {
    fromClients: {
      ...{ received: 112, answered: 9, keepAlives: 1, relayed: 90 },
      dropped: { unusable: 2, 'queue-full': 4, 'send-EMSGSIZE': 6 },
    },
    fromPeers: {
      ...{ received: 50, answered: 0, keepAlives: 0, relayed: 36 },
      dropped: { 'datagram-too-big': 1, 'send-EPERM': 3, 'client-too-slow': 10 },
    },
  });
});

test('counters that are not there count nothing', async (t) => {
  const nothing = { received: 0, answered: 0, keepAlives: 0, relayed: 0, dropped: {} };
  t.same(trafficOf({}), { fromClients: nothing, fromPeers: nothing });
});
