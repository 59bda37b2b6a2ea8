// Every metric of turnd, in the order of the exposition and of docs/metrics.md.

import { COTURN_EXPOSED } from './coturn-metrics.ts';
import { EVENT_METRICS } from './event-metrics.ts';
import type { Metric } from './metric.ts';
import { REQUEST_METRICS } from './request-metrics.ts';
import { SERVER_METRICS } from './server-metrics.ts';
import type { MetricsSnapshot } from './snapshot.ts';
import { writeMetrics } from './text-format.ts';
import { TRAFFIC_METRICS } from './traffic-metrics.ts';

/** turnd's own metrics, with the heading that each group stands under. */
export const METRIC_GROUPS: readonly { readonly title: string; readonly metrics: readonly Metric[] }[] = [
  { title: 'Traffic and drops', metrics: TRAFFIC_METRICS },
  { title: 'Requests, logins, allocations, connections', metrics: REQUEST_METRICS },
  { title: 'The server', metrics: SERVER_METRICS },
  { title: 'Events and webhooks', metrics: EVENT_METRICS },
];

const OWN: readonly Metric[] = METRIC_GROUPS.flatMap(({ metrics }) => metrics);
const WITH_COTURN: readonly Metric[] = [...OWN, ...COTURN_EXPOSED];

/** What a scrape is answered with. @param coturnNames whether coturn's names are exposed too */
export function exposition(snapshot: MetricsSnapshot, coturnNames: boolean): string {
  return writeMetrics(coturnNames ? WITH_COTURN : OWN, snapshot);
}
