// The route of the control API for events as they happen.

import { serverEvent } from '../events/event-schemas.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import { makeEventStream } from './event-stream.ts';
import { ApiError } from './problem.ts';
import { eventsQuery } from './request-input.ts';
import { type Route, route } from './route.ts';
import type { ServerControl } from './server-control.ts';

/** Readers that come back may find a place soon. */
const RETRY_SECONDS = '10';

/** All of them. */
export function eventRoutes(control: ServerControl): readonly Route[] {
  return [
    route({
      ...{ method: 'get', path: '/v1/events', id: 'followEvents', tag: 'events', scope: 'read', status: 200 },
      summary: 'Events of sessions as they happen, one after another, until whoever asks has enough.',
      produces: 'text/event-stream',
      query: eventsQuery,
      answer: serverEvent,
      handle: ({ query: { type = null, realm = null, user = null }, header, rights: { stillMay } }) => {
        const reader = control.events({ types: type, realm, user }, header('last-event-id'));
        if (reader === null)
          throw new ApiError('too-many', 'too many read events already', { 'retry-after': RETRY_SECONDS });
        return makeEventStream({ reader, timers: nodeTimers, stillMay });
      },
    }),
  ];
}
