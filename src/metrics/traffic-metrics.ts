// Metrics of what is relayed and what is dropped: names, labels and where their numbers lie.

import { DropReason } from '../turn/drop-reason.ts';
import { Transport } from '../turn/transport.ts';
import { listAt, type Metric, numberAt, type Sample, sumAt } from './metric.ts';
import type { MetricsSnapshot } from './snapshot.ts';

/** Transports of clients. */
export const TRANSPORTS: readonly string[] = Object.values(Transport);

/** Of relayed data, as seen from the server. */
const DIRECTIONS = Object.freeze({ to_peer: 'ToPeer', to_client: 'ToClient' });
const SIDES = Object.freeze(['clients', 'peers'] as const);
const WAYS = Object.freeze({ in: 'In', out: 'Out' });

/** In the order of their numbers. */
const DROP_REASONS: readonly string[] = Object.keys(DropReason).map((name) => name.toLowerCase().replaceAll('_', '-'));

/** Why a datagram that was due to leave did not, and how planes count it. */
const UNSENT = Object.freeze({
  'queue-full': 'droppedQueueFull',
  'too-big': 'droppedTooBig',
  unusable: 'droppedUnusable',
  refused: 'sendErrors',
});

/** Relayed data, datagrams and drops. */
export const TRAFFIC_METRICS: readonly Metric[] = [
  relayed('packets', 'Packets relayed, by the transport of the client. Live, not at the end of a session.'),
  relayed('bytes', 'Bytes of payload relayed, without TURN framing.'),
  {
    name: 'turnd_relayed_inside_packets_total',
    type: 'counter',
    help: 'Packets among those relayed that went from one relayed address of this server to another.',
    labels: { path: ['process', 'kernel'] },
    read: ({ counters }) => [
      { labels: { path: 'process' }, value: numberAt(counters, 'engine', 'packetsCrossed') },
      { labels: { path: 'kernel' }, value: numberAt(counters, 'engine', 'packetsToNeighbours') },
    ],
  },
  udp('packets', 'UDP datagrams that came in and went out, control messages among them.'),
  udp('bytes', 'Bytes of UDP datagrams that came in and went out, framing included.'),
  {
    name: 'turnd_stream_messages_total',
    type: 'counter',
    help: 'STUN messages and ChannelData that came in and went out over TCP and TLS.',
    labels: { direction: Object.keys(WAYS) },
    read: ({ counters }) => [
      { labels: { direction: 'in' }, value: numberAt(counters, 'streams', 'framesIn') },
      { labels: { direction: 'out' }, value: numberAt(counters, 'streams', 'messagesOut') },
    ],
  },
  single('turnd_keep_alives_total', 'Binding indications, which keep NAT bindings alive.', ['engine', 'keepAlives']),
  {
    name: 'turnd_dropped_total',
    type: 'counter',
    help: 'Datagrams, frames and requests that were dropped without an answer, by reason.',
    labels: { reason: DROP_REASONS },
    read: ({ counters }) => {
      const dropped = listAt(counters, 'engine', 'dropped');
      return DROP_REASONS.map((reason, index) => ({ labels: { reason }, value: dropped[index] ?? 0 }));
    },
  },
  {
    name: 'turnd_unsent_packets_total',
    type: 'counter',
    help: 'UDP datagrams that were due and did not leave: a full queue, a size or port that cannot be, an error of the system.',
    labels: { side: SIDES, reason: Object.keys(UNSENT) },
    read: ({ counters }) =>
      SIDES.flatMap((side) =>
        Object.entries(UNSENT).map(([reason, name]) => ({
          labels: { side, reason },
          value: sumAt(counters, 'plane', side, name),
        })),
      ),
  },
  {
    name: 'turnd_kernel_dropped_packets_total',
    type: 'counter',
    help: 'UDP datagrams that the kernel dropped because a socket was read too slowly (Linux plane).',
    labels: { side: SIDES },
    read: bySide('kernelDrops'),
  },
  {
    name: 'turnd_receive_errors_total',
    type: 'counter',
    help: 'Errors that UDP sockets reported while receiving.',
    labels: { side: SIDES },
    read: bySide('receiveErrors'),
  },
  single(
    'turnd_stream_dropped_messages_total',
    'Relayed messages dropped because a TCP or TLS client reads too slowly.',
    ['streams', 'droppedMessages'],
  ),
  single('turnd_icmp_errors_total', 'ICMP errors that came back for datagrams to peers.', ['plane', 'icmpErrors']),
  single('turnd_icmp_errors_told_total', 'ICMP errors that clients were told of.', ['engine', 'errorsToClient']),
];

/** A counter of one number. */
export function single(name: string, help: string, path: readonly string[]): Metric {
  const read = ({ counters }: MetricsSnapshot): readonly Sample[] => [{ labels: {}, value: sumAt(counters, ...path) }];
  return { name, type: 'counter', help, labels: {}, read };
}

function relayed(unit: 'packets' | 'bytes', help: string): Metric {
  return {
    name: `turnd_relayed_${unit}_total`,
    type: 'counter',
    help,
    labels: { transport: TRANSPORTS, direction: Object.keys(DIRECTIONS) },
    read: ({ counters }) =>
      TRANSPORTS.flatMap((transport) =>
        Object.entries(DIRECTIONS).map(([direction, suffix]) => ({
          labels: { transport, direction },
          value: numberAt(counters, 'engine', 'transports', transport, `${unit}${suffix}`),
        })),
      ),
  };
}

function udp(unit: 'packets' | 'bytes', help: string): Metric {
  return {
    name: `turnd_udp_${unit}_total`,
    type: 'counter',
    help,
    labels: { side: SIDES, direction: Object.keys(WAYS) },
    read: ({ counters }) =>
      SIDES.flatMap((side) =>
        Object.entries(WAYS).map(([direction, suffix]) => ({
          labels: { side, direction },
          value: numberAt(counters, 'plane', side, `${unit}${suffix}`),
        })),
      ),
  };
}

function bySide(name: string): (snapshot: MetricsSnapshot) => readonly Sample[] {
  return ({ counters }) => SIDES.map((side) => ({ labels: { side }, value: sumAt(counters, 'plane', side, name) }));
}
