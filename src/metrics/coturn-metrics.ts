// coturn's metrics: each under its own name where turnd counts the same, for dashboards that exist, or by what replaces
// it. Both the exposition and docs/metrics.md are made of this table.

import type { Transport } from '../turn/transport.ts';
import { type Metric, numberAt, type Sample, sumAt } from './metric.ts';
import type { MetricsSnapshot } from './snapshot.ts';

/** A metric of coturn. */
export interface CoturnMetric {
  readonly name: string;
  /** What replaces it; null = nothing. */
  readonly successor: string | null;
  /** What differs from coturn, or why there is none. */
  readonly note: string;
  /** Its samples; null where turnd has none under this name. */
  readonly metric: Metric | null;
}

const LIVE = 'live, payload only; no labels for realm and user';
const NO_BUCKETS = 'budgets of answers lie in a table of fixed size: there is nothing to watch';
const NO_CALLS = 'system calls are not counted: turnd_udp_packets_total says what they moved';

/** coturn's names for the type of an allocation. */
const TYPES: Readonly<Record<Transport, string>> = Object.freeze({ udp: 'UDP', tcp: 'TCP', tls: 'TLS', dtls: 'DTLS' });

/** In coturn's order. */
export const COTURN_METRICS: readonly CoturnMetric[] = [
  method('stun_binding_request', 'turnd_requests_total{method="binding"}', 'requests'),
  method('stun_binding_response', 'turnd_responses_total{method="binding",class="success"}', 'successes'),
  method('stun_binding_error', 'turnd_responses_total{method="binding",class="error"}', 'errors'),
  counter('turn_unauthenticated_401_requests', 'turnd_auth_challenges_total', 'sum of both results', (snapshot) =>
    sumAt(snapshot.counters, 'engine', 'challenges'),
  ),
  counter(
    'turn_unauthenticated_401_responses',
    'turnd_auth_challenges_total{result="sent"}',
    'answers to failed logins are among them',
    ({ counters }) => numberAt(counters, 'engine', 'challenges', 'sent'),
  ),
  counter(
    'turn_unauthenticated_401_dropped_responses',
    'turnd_auth_challenges_total{result="over-budget"}',
    '',
    ({ counters }) => numberAt(counters, 'engine', 'challenges', 'overBudget'),
  ),
  gone('turn_ratelimit_hash_collisions', null, NO_BUCKETS),
  gone('turn_ratelimit_occupied_buckets', null, NO_BUCKETS),
  gone('turn_ratelimit_total_buckets', null, NO_BUCKETS),
  ...['turn_traffic', 'turn_total_traffic'].flatMap((name) => [
    ...traffic(name, 'packetsToPeer', 'packetsToClient', 'p'),
    ...traffic(name, 'bytesToPeer', 'bytesToClient', 'b'),
  ]),
  {
    name: 'turn_total_allocations',
    successor: 'turnd_allocations',
    note: 'the label `type` is the transport of the client',
    metric: {
      name: 'turn_total_allocations',
      type: 'gauge',
      help: "coturn's name of turnd_allocations.",
      labels: { type: Object.values(TYPES) },
      read: ({ counters }) =>
        Object.entries(TYPES).map(([transport, type]) => ({
          labels: { type },
          value: numberAt(counters, 'now', 'allocations', transport),
        })),
    },
  },
  counter('turn_packet_processed', 'turnd_relayed_packets_total', 'relayed packets, both ways', ({ counters }) =>
    ['packetsToPeer', 'packetsToClient'].reduce((sum, name) => sum + numberAt(counters, 'engine', name), 0),
  ),
  counter('turn_packet_dropped', 'turnd_dropped_total', 'over all reasons', ({ counters }) =>
    sumAt(counters, 'engine', 'dropped'),
  ),
  gone('turn_udp_recvmmsg_calls', 'turnd_udp_packets_total', NO_CALLS),
  gone('turn_udp_recvmmsg_packets', 'turnd_udp_packets_total', 'direction="in"'),
  gone('turn_udp_sendmmsg_flushes', 'turnd_udp_packets_total', NO_CALLS),
  gone('turn_udp_sendmmsg_datagrams', 'turnd_udp_packets_total', 'direction="out"'),
  gone('turn_udp_sendmmsg_gso_datagrams', 'turnd_udp_packets_total', NO_CALLS),
];

/** Those that are exposed. */
export const COTURN_EXPOSED: readonly Metric[] = COTURN_METRICS.flatMap(({ metric }) => metric ?? []);

// coturn counts what came from a client and what went to it, and the same on the side of the peer.
function traffic(name: string, toPeer: string, toClient: string, unit: 'p' | 'b'): readonly CoturnMetric[] {
  const total = (path: string) => (snapshot: MetricsSnapshot) => numberAt(snapshot.counters, 'engine', path);
  const successor = unit === 'p' ? 'turnd_relayed_packets_total' : 'turnd_relayed_bytes_total';
  const to = (direction: string): string => `${successor}{direction="${direction}"}`;
  return [
    counter(`${name}_rcv${unit}`, to('to_peer'), LIVE, total(toPeer)),
    counter(`${name}_sent${unit}`, to('to_client'), LIVE, total(toClient)),
    counter(`${name}_peer_rcv${unit}`, to('to_client'), LIVE, total(toClient)),
    counter(`${name}_peer_sent${unit}`, to('to_peer'), LIVE, total(toPeer)),
  ];
}

function method(name: string, successor: string, counted: string): CoturnMetric {
  return counter(name, successor, '', ({ counters }) => numberAt(counters, 'engine', 'methods', 'binding', counted));
}

function counter(
  name: string,
  successor: string,
  note: string,
  value: (snapshot: MetricsSnapshot) => number,
): CoturnMetric {
  const read = (snapshot: MetricsSnapshot): readonly Sample[] => [{ labels: {}, value: value(snapshot) }];
  const help = `coturn's name of ${successor}.`;
  return { name, successor, note, metric: { name, type: 'counter', help, labels: {}, read } };
}

function gone(name: string, successor: string | null, note: string): CoturnMetric {
  return { name, successor, note, metric: null };
}
