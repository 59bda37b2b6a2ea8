// The routes of the control API for allocations.

import { parseIp } from '../stun/ip-address.ts';
import { AdminError } from './administration.ts';
import { endedAnswer, sessionDetailAnswer, sessionsAnswer } from './answers.ts';
import { endQuery, judge, sessionId, sessionsQuery } from './request-input.ts';
import { type Route, route } from './route.ts';
import type { ServerControl } from './server-control.ts';

/** All of them. */
export function sessionRoutes(control: ServerControl): readonly Route[] {
  const one = { tag: 'sessions', path: '/v1/sessions/:id', status: 200, faults: ['not-found'] } as const;
  return [
    listRoute(control),
    route({
      ...{ method: 'delete', path: '/v1/sessions', id: 'endSessions', tag: 'sessions', scope: 'admin', status: 200 },
      summary: 'Ends all allocations of a user.',
      query: endQuery,
      answer: endedAnswer,
      handle: async ({ query: { user, realm = null } }) => ({ ended: await control.end({ user, realm }) }),
    }),
    route({
      ...{ ...one, method: 'get', id: 'showSession', scope: 'read' },
      summary: 'One allocation with its permissions and channels.',
      answer: sessionDetailAnswer,
      handle: async ({ segment }) => {
        const id = idOf(segment('id'));
        const session = await control.session(id);
        if (session === null) throw noSession(id);
        return session;
      },
    }),
    route({
      ...{ ...one, method: 'delete', id: 'endSession', scope: 'admin' },
      summary: 'Ends one allocation.',
      answer: endedAnswer,
      handle: async ({ segment }) => {
        const id = idOf(segment('id'));
        const ended = await control.end({ id });
        if (ended === 0) throw noSession(id);
        return { ended };
      },
    }),
  ];
}

function listRoute(control: ServerControl): Route {
  return route({
    ...{ method: 'get', path: '/v1/sessions', id: 'listSessions', tag: 'sessions', scope: 'read', status: 200 },
    summary: 'Live allocations, page by page.',
    query: sessionsQuery,
    answer: sessionsAnswer,
    handle: async ({ query }) => {
      const { user = null, realm = null, transport = null, after, limit } = query;
      const client = query.client === undefined ? null : (parseIp(query.client)?.text ?? query.client);
      const sessions = await control.sessions({ user, realm, client, transport, after, limit });
      // A full page may have a next one.
      const next = sessions.length < limit ? null : (sessions.at(-1)?.id ?? null);
      return { sessions, next };
    },
  });
}

function idOf(text: string): number {
  return judge(sessionId, { id: text }, 'the path').id;
}

function noSession(id: number): AdminError {
  return new AdminError('not-found', `there is no session ${id}`);
}
