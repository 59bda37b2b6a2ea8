// The routes of the control API for peer rules, realms and origins.

import type { RealmOption } from '../store/store.ts';
import { originAnswer, peerRuleAnswer, peerRulesAnswer, realmsAnswer } from './answers.ts';
import { originBody, originQuery, peerRuleBody, peerRuleQuery, peersQuery, realmOptionsBody } from './request-input.ts';
import { type Route, route } from './route.ts';
import type { FindAdministration } from './store-routes.ts';

/** All of them. */
export function realmRoutes(administration: FindAdministration): readonly Route[] {
  return [...peerRoutes(administration), ...optionRoutes(administration), ...originRoutes(administration)];
}

function peerRoutes(administration: FindAdministration): readonly Route[] {
  const peers = { path: '/v1/peers', tag: 'peers', faults: ['unavailable'] } as const;
  return [
    route({
      ...{ ...peers, method: 'get', id: 'listPeerRules', scope: 'read', status: 200 },
      summary: 'Which networks clients may reach, or not, by the store.',
      query: peersQuery,
      answer: peerRulesAnswer,
      handle: async ({ query: { realm = null } }) => ({ rules: await administration().listPeerRules(realm) }),
    }),
    route({
      ...{ ...peers, method: 'post', id: 'addPeerRule', scope: 'admin', status: 201 },
      summary: 'Allows or denies a network.',
      body: peerRuleBody,
      answer: peerRuleAnswer,
      handle: async ({ body }) => {
        await administration().addPeerRule(body);
        return body;
      },
    }),
    route({
      ...{ ...peers, method: 'delete', id: 'removePeerRule', scope: 'admin', status: 204 },
      summary: 'Removes such a rule.',
      faults: ['not-found', 'unavailable'],
      query: peerRuleQuery,
      answer: null,
      handle: ({ query }) => administration().removePeerRule(query),
    }),
  ];
}

function optionRoutes(administration: FindAdministration): readonly Route[] {
  const realms = { tag: 'realms', faults: ['unavailable'] } as const;
  return [
    route({
      ...{ ...realms, method: 'get', path: '/v1/realms', id: 'listRealms', scope: 'read', status: 200 },
      summary: 'The default realm, and all that have options or origins.',
      answer: realmsAnswer,
      handle: async () => ({ realms: await administration().listRealms() }),
    }),
    route({
      ...{ ...realms, method: 'patch', path: '/v1/realms/:realm', id: 'setRealmOptions', scope: 'admin', status: 204 },
      summary: 'Sets limits of a realm; null takes one away.',
      body: realmOptionsBody,
      answer: null,
      handle: async ({ segment, body }) => {
        for (const [option, value] of Object.entries(body)) {
          await administration().setRealmOption(segment('realm'), option as RealmOption, value ?? null);
        }
      },
    }),
  ];
}

function originRoutes(administration: FindAdministration): readonly Route[] {
  const origins = { path: '/v1/origins', tag: 'realms', scope: 'admin' } as const;
  return [
    route({
      ...{ ...origins, method: 'post', id: 'addOrigin', status: 201 },
      summary: 'Gives clients of a web origin a realm.',
      faults: ['unavailable'],
      body: originBody,
      answer: originAnswer,
      handle: async ({ body }) => {
        await administration().addOrigin(body);
        return body;
      },
    }),
    route({
      ...{ ...origins, method: 'delete', id: 'removeOrigin', status: 204 },
      summary: 'Takes it away.',
      faults: ['not-found', 'unavailable'],
      query: originQuery,
      answer: null,
      handle: ({ query: { origin } }) => administration().removeOrigin(origin),
    }),
  ];
}
