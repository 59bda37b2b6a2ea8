// Metrics of events: who reads them, and what becomes of those that webhooks are to get.

import type { Metric } from './metric.ts';
import type { EventMetrics, MetricsSnapshot } from './snapshot.ts';

/** The stream, and webhooks. */
export const EVENT_METRICS: readonly Metric[] = [
  {
    name: 'turnd_event_readers',
    type: 'gauge',
    help: 'Readers of the event stream (GET /v1/events).',
    labels: {},
    read: ({ events }) => one(events.readers),
  },
  {
    name: 'turnd_event_readers_lost_total',
    type: 'counter',
    help: 'Events that readers of the stream were too slow for.',
    labels: {},
    read: ({ events }) => one(events.lost),
  },
  {
    name: 'turnd_webhook_events_total',
    type: 'counter',
    help: 'Events for webhooks by what became of them: dropped = too many waited, failed = given up after refusals or an hour.',
    labels: { result: ['delivered', 'failed', 'dropped'] },
    read: byResult(['delivered', 'failed', 'dropped'], ({ delivered, failed, dropped }) => [
      delivered,
      failed,
      dropped,
    ]),
  },
  {
    name: 'turnd_webhook_posts_total',
    type: 'counter',
    help: 'Requests to webhooks, each with one event or more.',
    labels: { result: ['taken', 'failed'] },
    read: byResult(['taken', 'failed'], ({ postsTaken, postsFailed }) => [postsTaken, postsFailed]),
  },
  {
    name: 'turnd_webhook_waiting_events',
    type: 'gauge',
    help: 'Events that wait until a webhook takes them.',
    labels: {},
    read: ({ events }) => one(events.webhooks.waiting),
  },
];

function one(value: number) {
  return [{ labels: {}, value }];
}

function byResult(results: readonly string[], read: (webhooks: EventMetrics['webhooks']) => readonly number[]) {
  return ({ events }: MetricsSnapshot) =>
    read(events.webhooks).map((value, index) => ({ labels: { result: results[index] ?? '' }, value }));
}
