// The routes of the control API for the users and secrets of a store.

import { AdminError, type Administration, type SecretView } from './administration.ts';
import { secretAnswer, secretsAnswer, userAnswer, usersAnswer } from './answers.ts';
import { newUserBody, passwordBody, rotateBody, secretBody, secretsQuery, usersQuery } from './request-input.ts';
import { type Route, type RouteInput, route } from './route.ts';

/** Gives the administration, or throws where the server has no store. */
export type FindAdministration = () => Administration;

/** What stands for the administration where there is no store. */
export function noStore(): never {
  throw new AdminError('unavailable', 'turnd runs without a store (store: none): set one in its configuration');
}

/** All of them. */
export function storeRoutes(administration: FindAdministration): readonly Route[] {
  return [...userRoutes(administration), ...secretRoutes(administration)];
}

function userRoutes(administration: FindAdministration): readonly Route[] {
  const userId = ({ segment }: Pick<RouteInput<unknown, unknown>, 'segment'>) => ({
    realm: segment('realm'),
    name: segment('name'),
  });
  const user = { tag: 'users', path: '/v1/realms/:realm/users/:name', faults: ['not-found', 'unavailable'] } as const;
  return [
    route({
      ...{ method: 'get', path: '/v1/users', id: 'listUsers', tag: 'users', scope: 'read', status: 200 },
      summary: 'Users of the store, page by page, in the order of realm and name.',
      faults: ['unavailable'],
      query: usersQuery,
      answer: usersAnswer,
      handle: async ({ query: { realm = null, limit, after, 'after-realm': afterRealm } }) => {
        const from = after === undefined ? null : { realm: afterRealm ?? realm ?? '', name: after };
        return { users: await administration().listUsers({ realm, after: from, limit }) };
      },
    }),
    route({
      ...{ ...user, method: 'get', id: 'showUser', scope: 'read', status: 200 },
      summary: 'One user, without its key.',
      answer: userAnswer,
      handle: (input) => administration().showUser(userId(input)),
    }),
    route({
      ...{ method: 'post', path: '/v1/realms/:realm/users', id: 'addUser', tag: 'users', scope: 'admin', status: 201 },
      summary: 'Adds a user.',
      faults: ['conflict', 'unavailable'],
      body: newUserBody,
      answer: userAnswer,
      handle: ({ segment, body: { name, password } }) =>
        administration().addUser({ realm: segment('realm'), name }, password),
    }),
    route({
      ...{ ...user, method: 'put', id: 'setPassword', scope: 'admin', status: 200 },
      path: '/v1/realms/:realm/users/:name/password',
      summary: 'Gives a user another password.',
      body: passwordBody,
      answer: userAnswer,
      handle: (input) => administration().setPassword(userId(input), input.body.password),
    }),
    route({
      ...{ ...user, method: 'delete', id: 'removeUser', scope: 'admin', status: 204 },
      summary: 'Removes a user; its allocations end.',
      answer: null,
      handle: (input) => administration().removeUser(userId(input)),
    }),
  ];
}

function secretRoutes(administration: FindAdministration): readonly Route[] {
  const secret = { tag: 'secrets', scope: 'admin', faults: ['not-found', 'conflict', 'unavailable'] } as const;
  return [
    route({
      ...{ method: 'get', path: '/v1/secrets', id: 'listSecrets', tag: 'secrets', scope: 'read', status: 200 },
      summary: 'Shared secrets by their ids; with reveal (scope admin) the secrets themselves.',
      faults: ['unavailable'],
      query: secretsQuery,
      answer: secretsAnswer,
      handle: async ({ query: { realm = null, reveal }, rights: { demand } }) => {
        if (reveal) demand('admin');
        return { secrets: await administration().listSecrets(realm, reveal) };
      },
    }),
    route({
      ...{ ...secret, method: 'post', path: '/v1/realms/:realm/secrets', id: 'addSecret', status: 201 },
      summary: 'Adds a secret: the given one, or a random one.',
      body: secretBody,
      answer: secretAnswer,
      handle: async ({ segment, body: { value, reveal } }) =>
        shown(await administration().addSecret(segment('realm'), value), reveal),
    }),
    route({
      ...{ ...secret, method: 'post', path: '/v1/realms/:realm/secrets/rotate', id: 'rotateSecret', status: 201 },
      summary: 'Adds a secret; those that are there end after the grace time.',
      body: rotateBody,
      answer: secretAnswer,
      handle: async ({ segment, body: { value, reveal, graceSeconds } }) =>
        shown(await administration().rotateSecret(segment('realm'), value, graceSeconds), reveal),
    }),
    route({
      ...{ ...secret, method: 'delete', path: '/v1/realms/:realm/secrets/:id', id: 'removeSecret', status: 200 },
      summary: 'Removes a secret by its id, or the beginning of it.',
      answer: secretAnswer,
      handle: async ({ segment }) => shown(await administration().removeSecret(segment('realm'), segment('id')), false),
    }),
  ];
}

function shown({ value, ...view }: SecretView, reveal: boolean): SecretView {
  return reveal && value !== undefined ? { ...view, value } : view;
}
