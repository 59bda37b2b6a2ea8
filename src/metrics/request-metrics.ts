// Metrics of requests, logins, allocations and connections: names, labels and where their numbers lie.

import { ErrorCode } from '../stun/error-codes.ts';
import { AuthFailure, ReleaseReason } from '../turn/env.ts';
import { LATENCY_BOUNDS } from '../turn/histogram.ts';
import { histogramAt, type Metric, numberAt } from './metric.ts';
import { single, TRANSPORTS } from './traffic-metrics.ts';

/** Methods, and how the engine calls their counters. */
const METHODS = Object.freeze({
  binding: 'binding',
  allocate: 'allocate',
  refresh: 'refresh',
  'create-permission': 'createPermission',
  'channel-bind': 'channelBind',
});
const CLASSES = Object.freeze({ success: 'successes', error: 'errors' });
const CODES = Object.values(ErrorCode).map(String);
const CHALLENGES = Object.freeze({ sent: 'sent', 'over-budget': 'overBudget' });

/** Why connections are closed, and how streams count it. */
const CLOSED = Object.freeze({
  'over-total-limit': 'overTotalLimit',
  'over-client-limit': 'overClientLimit',
  'made-room': 'madeRoom',
  'out-of-descriptors': 'outOfDescriptors',
  'out-of-memory': 'outOfMemory',
  'untrusted-proxy': 'untrustedProxies',
  'bad-proxy-header': 'proxyHeadersRefused',
  'wrong-protocol': 'wrongProtocol',
  unframeable: 'unframeable',
  'over-partials': 'overPartials',
  'first-frame-timeout': 'firstFrameTimeouts',
  'idle-timeout': 'idleTimeouts',
  stalled: 'stalled',
  overflowed: 'overflowed',
});
const HANDSHAKES = Object.freeze({
  done: 'handshakes',
  failed: 'handshakeFailures',
  timeout: 'handshakeTimeouts',
  'made-room': 'handshakesMadeRoom',
  refused: 'handshakesRefused',
});

/** Requests, logins, allocations and connections. */
export const REQUEST_METRICS: readonly Metric[] = [
  numbered('turnd_requests_total', 'Requests that were read, by method.', 'method', METHODS, (name) => [
    ...['engine', 'methods', name, 'requests'],
  ]),
  {
    name: 'turnd_responses_total',
    type: 'counter',
    help: 'Responses that were sent, by method and class.',
    labels: { method: Object.keys(METHODS), class: Object.keys(CLASSES) },
    read: ({ counters }) =>
      Object.entries(METHODS).flatMap(([method, counted]) =>
        Object.entries(CLASSES).map(([kind, name]) => ({
          labels: { method, class: kind },
          value: numberAt(counters, 'engine', 'methods', counted, name),
        })),
      ),
  },
  numbered('turnd_error_responses_total', 'Error responses that were sent, by code.', 'code', same(CODES), (code) => [
    ...['engine', 'errors', code],
  ]),
  numbered(
    'turnd_auth_failures_total',
    'Failed logins by reason; braked ones were not even verified.',
    'reason',
    same(Object.values(AuthFailure)),
    (reason) => ['engine', 'authFailures', reason],
  ),
  numbered(
    'turnd_auth_challenges_total',
    'Answers 401, those that begin a login among them: sent, or left out because their source has had its share.',
    'result',
    CHALLENGES,
    (name) => ['engine', 'challenges', name],
  ),
  single('turnd_denied_peers_total', 'Refusals of peers by policy: many of one moment are a scan.', [
    ...['engine', 'peerDenied'],
  ]),
  single('turnd_scan_limited_total', 'Requests answered 508 because they name new peers too fast.', [
    ...['engine', 'scanLimited'],
  ]),
  single('turnd_memory_limited_total', 'Allocates answered 508 because memory is short.', ['engine', 'memoryLimited']),
  {
    name: 'turnd_allocation_setup_duration_seconds',
    type: 'histogram',
    help: 'Time from an Allocate request to its success response, look-ups of users and quota included.',
    labels: {},
    read: ({ counters }) => [histogramAt(counters, ['engine', 'setUp'], LATENCY_BOUNDS)],
  },
  {
    name: 'turnd_allocations',
    type: 'gauge',
    help: 'Live allocations by the transport of the client.',
    labels: { transport: TRANSPORTS },
    read: ({ counters }) =>
      TRANSPORTS.map((transport) => ({
        labels: { transport },
        value: numberAt(counters, 'now', 'allocations', transport),
      })),
  },
  numbered('turnd_allocations_made_total', 'Allocations that were made.', 'transport', same(TRANSPORTS), (name) => [
    ...['engine', 'transports', name, 'allocations'],
  ]),
  numbered(
    'turnd_allocations_ended_total',
    'Allocations that ended, by reason; those of a worker that died are not among them.',
    'reason',
    same(Object.values(ReleaseReason)),
    (reason) => ['engine', 'ended', reason],
  ),
  {
    name: 'turnd_connections',
    type: 'gauge',
    help: 'TCP and TLS connections now.',
    labels: {},
    read: ({ counters }) => [{ labels: {}, value: numberAt(counters, 'now', 'connections') }],
  },
  single('turnd_connections_accepted_total', 'TCP and TLS connections that were accepted.', ['streams', 'accepted']),
  numbered(
    'turnd_connections_closed_total',
    'Connections that the server closed, by reason.',
    'reason',
    CLOSED,
    (name) => [...['streams', name]],
  ),
  numbered('turnd_tls_handshakes_total', 'TLS handshakes by how they went.', 'result', HANDSHAKES, (name) => [
    ...['tls', name],
  ]),
];

/** A counter with one label; `values` says how each of its values is called in the tree. */
function numbered(
  name: string,
  help: string,
  label: string,
  values: Readonly<Record<string, string>>,
  pathOf: (counted: string) => readonly string[],
): Metric {
  return {
    name,
    type: 'counter',
    help,
    labels: { [label]: Object.keys(values) },
    read: ({ counters }) =>
      Object.entries(values).map(([value, counted]) => ({
        labels: { [label]: value },
        value: numberAt(counters, ...pathOf(counted)),
      })),
  };
}

function same(values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(values.map((value) => [value, value]));
}
