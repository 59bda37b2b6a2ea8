// The routes of the control API for the server itself, and credentials for apps.

import {
  configAnswer,
  credentialsAnswer,
  drainAnswer,
  endedAnswer,
  logLevelAnswer,
  reloadAnswer,
  statsAnswer,
  statusAnswer,
  undrainAnswer,
} from './answers.ts';
import { makeCredentials } from './ice-credentials.ts';
import { credentialsBody, drainBody, logLevelBody, nothing } from './request-input.ts';
import { type Route, route } from './route.ts';
import type { ServerControl } from './server-control.ts';

/** @param now Unix milliseconds */
export function serverRoutes(control: ServerControl, now: () => number): readonly Route[] {
  return [
    ...lookingRoutes(control, now),
    ...changingRoutes(control),
    ...drainRoutes(control),
    ...credentialRoutes(control, now),
  ];
}

function lookingRoutes(control: ServerControl, now: () => number): readonly Route[] {
  return [
    route({
      ...{ method: 'get', path: '/v1/status', id: 'getStatus', tag: 'server', scope: 'read', status: 200 },
      summary: 'What the server says of itself.',
      answer: statusAnswer,
      handle: () => control.status(),
    }),
    route({
      ...{ method: 'get', path: '/v1/stats', id: 'getStats', tag: 'server', scope: 'read', status: 200 },
      summary: 'Allocations and counters since the start.',
      answer: statsAnswer,
      handle: async () => {
        const { startedAt, allocations, counters } = await control.status();
        return { startedAt, at: now(), allocations, counters };
      },
    }),
    route({
      ...{ method: 'get', path: '/v1/config', id: 'getConfig', tag: 'server', scope: 'read', status: 200 },
      summary: 'The configuration without its secrets.',
      answer: configAnswer,
      handle: () => control.config(),
    }),
  ];
}

function changingRoutes(control: ServerControl): readonly Route[] {
  return [
    route({
      ...{ method: 'post', path: '/v1/reload', id: 'reload', tag: 'server', scope: 'admin', status: 200 },
      summary: 'Reads the configuration again; a faulty one changes nothing.',
      body: nothing,
      answer: reloadAnswer,
      handle: () => control.reload(),
    }),
    route({
      ...{ method: 'put', path: '/v1/log-level', id: 'setLogLevel', tag: 'server', scope: 'admin', status: 200 },
      summary: 'Sets the level of the log until the next reload.',
      body: logLevelBody,
      answer: logLevelAnswer,
      handle: async ({ body: { level } }) => {
        await control.setLogLevel(level);
        return { level };
      },
    }),
  ];
}

function drainRoutes(control: ServerControl): readonly Route[] {
  return [
    route({
      ...{ method: 'post', path: '/v1/drain', id: 'drain', tag: 'server', scope: 'admin', status: 200 },
      summary: 'Makes no allocations any more; ends the server when few enough are left, unless it stays.',
      body: drainBody,
      answer: drainAnswer,
      faults: ['conflict'],
      handle: ({ body }) => control.drain(body),
    }),
    route({
      ...{ method: 'delete', path: '/v1/drain', id: 'undrain', tag: 'server', scope: 'admin', status: 200 },
      summary: 'Makes allocations again.',
      answer: undrainAnswer,
      faults: ['conflict'],
      handle: async () => {
        await control.undrain();
        return { draining: false };
      },
    }),
  ];
}

function credentialRoutes(control: ServerControl, now: () => number): readonly Route[] {
  const about = { tag: 'credentials', scope: 'credentials' } as const;
  return [
    route({
      ...{ ...about, method: 'post', path: '/v1/credentials', id: 'makeCredentials', status: 201 },
      summary: 'Makes time-limited TURN credentials: iceServers for a browser.',
      body: credentialsBody,
      answer: credentialsAnswer,
      faults: ['not-found'],
      handle: async ({ body: { ttl, user, label, host, realm } }) => {
        const source = await control.iceSource(realm);
        return makeCredentials(source, { ttlSeconds: ttl, userId: user, label, host, realm }, now());
      },
    }),
    route({
      ...{ ...about, method: 'delete', path: '/v1/credentials/:username', id: 'revokeCredentials', status: 200 },
      summary: 'Refuses a time-limited username before its time, and ends its allocations.',
      answer: endedAnswer,
      faults: ['unavailable'],
      handle: async ({ segment }) => ({ ended: await control.revoke(segment('username')) }),
    }),
  ];
}
