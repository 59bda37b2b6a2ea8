// The routes of the control API for the OAuth keys of a store.

import type { OauthKeyView } from './administration.ts';
import { oauthKeyAnswer, oauthKeysAnswer } from './answers.ts';
import { newOauthKeyBody, oauthKeyBody, oauthKeyQuery, oauthKeysQuery } from './request-input.ts';
import { type Route, route } from './route.ts';
import type { FindAdministration } from './store-routes.ts';

/** All of them. */
export function oauthKeyRoutes(administration: FindAdministration): readonly Route[] {
  const keys = { path: '/v1/oauth-keys', tag: 'oauth-keys' } as const;
  const key = { path: '/v1/oauth-keys/:kid', tag: 'oauth-keys', faults: ['not-found', 'unavailable'] } as const;
  return [
    route({
      ...{ ...keys, method: 'get', id: 'listOauthKeys', scope: 'read', status: 200 },
      summary: 'OAuth keys (RFC 7635) by their IDs, never with the keys themselves.',
      faults: ['unavailable'],
      query: oauthKeysQuery,
      answer: oauthKeysAnswer,
      handle: async ({ query: { realm = null } }) => ({ keys: await administration().listOauthKeys(realm) }),
    }),
    route({
      ...{ ...key, method: 'get', id: 'showOauthKey', scope: 'read', status: 200 },
      summary: 'One OAuth key; with reveal (scope admin) the key itself.',
      query: oauthKeyQuery,
      answer: oauthKeyAnswer,
      handle: async ({ segment, query: { reveal }, rights: { demand } }) => {
        if (reveal) demand('admin');
        return administration().showOauthKey(segment('kid'), reveal);
      },
    }),
    route({
      ...{ ...keys, method: 'post', id: 'addOauthKey', scope: 'admin', status: 201 },
      summary: 'Adds an OAuth key: the given one, or a random one.',
      faults: ['conflict', 'unavailable'],
      body: newOauthKeyBody,
      answer: oauthKeyAnswer,
      handle: async ({ body: { reveal, ...wish } }) => shown(await administration().addOauthKey(wish), reveal),
    }),
    route({
      ...{ ...key, method: 'patch', id: 'changeOauthKey', scope: 'admin', status: 200 },
      summary: 'Changes the realm or the end of an OAuth key; null lets it stay.',
      body: oauthKeyBody,
      answer: oauthKeyAnswer,
      handle: ({ segment, body }) => administration().changeOauthKey(segment('kid'), body),
    }),
    route({
      ...{ ...key, method: 'delete', id: 'removeOauthKey', scope: 'admin', status: 200 },
      summary: 'Removes an OAuth key.',
      answer: oauthKeyAnswer,
      handle: ({ segment }) => administration().removeOauthKey(segment('kid')),
    }),
  ];
}

function shown({ key, ...view }: OauthKeyView, reveal: boolean): OauthKeyView {
  return reveal && key !== undefined ? { ...view, key } : view;
}
