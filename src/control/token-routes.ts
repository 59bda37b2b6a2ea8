// The routes of the control API for its own tokens.

import { newTokenAnswer, tokenAnswer, tokensAnswer } from './answers.ts';
import { newTokenBody } from './request-input.ts';
import { type Route, route } from './route.ts';
import type { TokenAdministration } from './tokens.ts';

/** All of them. */
export function tokenRoutes(tokens: TokenAdministration): readonly Route[] {
  return [
    route({
      ...{ method: 'get', path: '/v1/tokens', id: 'listTokens', tag: 'tokens', scope: 'read', status: 200 },
      summary: 'Tokens by name, never with their text.',
      faults: ['unavailable'],
      answer: tokensAnswer,
      handle: async () => ({ tokens: await tokens.listTokens() }),
    }),
    route({
      ...{ method: 'post', path: '/v1/tokens', id: 'addToken', tag: 'tokens', scope: 'admin', status: 201 },
      summary: 'Makes a token; its text is in this answer only.',
      faults: ['conflict', 'unavailable'],
      body: newTokenBody,
      answer: newTokenAnswer,
      handle: ({ body }) => tokens.addToken(body),
    }),
    route({
      ...{ method: 'delete', path: '/v1/tokens/:name', id: 'removeToken', tag: 'tokens', scope: 'admin', status: 200 },
      summary: 'Removes a token: it lets nobody in any more.',
      faults: ['not-found', 'conflict', 'unavailable'],
      answer: tokenAnswer,
      handle: ({ segment }) => tokens.removeToken(segment('name')),
    }),
  ];
}
