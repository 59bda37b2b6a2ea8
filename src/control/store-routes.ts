// The routes of the control API for what a store keeps: users, secrets, peer rules, realms and origins.

import type { Context, Hono } from 'hono';
import type { RealmOption } from '../store/store.ts';
import { AdminError, type Administration, type SecretView } from './administration.ts';
import { segment } from './path-segments.ts';
import {
  newUserBody,
  originBody,
  originQuery,
  passwordBody,
  peerRuleBody,
  peerRuleQuery,
  peersQuery,
  readBody,
  readQuery,
  realmOptionsBody,
  rotateBody,
  secretBody,
  secretsQuery,
  usersQuery,
} from './request-input.ts';

/** Adds the routes. `administration` rejects where the server has no store. */
export function addStoreRoutes(app: Hono, administration: () => Administration): void {
  addUserRoutes(app, administration);
  addSecretRoutes(app, administration);
  addPeerRoutes(app, administration);
  addRealmRoutes(app, administration);
}

/** What stands for the administration where there is no store. */
export function noStore(): never {
  throw new AdminError('unavailable', 'turnd runs without a store (store: none): set one in its configuration');
}

function addUserRoutes(app: Hono, administration: () => Administration): void {
  const userId = (context: Context) => ({ realm: segment(context, 'realm'), name: segment(context, 'name') });
  app.get('/v1/users', async (context) => {
    const { realm = null, limit, after, 'after-realm': afterRealm } = readQuery(context, usersQuery);
    const from = after === undefined ? null : { realm: afterRealm ?? realm ?? '', name: after };
    return context.json({ users: await administration().listUsers({ realm, after: from, limit }) });
  });
  app.get('/v1/realms/:realm/users/:name', async (context) => {
    return context.json(await administration().showUser(userId(context)));
  });
  app.post('/v1/realms/:realm/users', async (context) => {
    const { name, password } = await readBody(context, newUserBody);
    return context.json(await administration().addUser({ realm: segment(context, 'realm'), name }, password), 201);
  });
  app.put('/v1/realms/:realm/users/:name/password', async (context) => {
    const { password } = await readBody(context, passwordBody);
    return context.json(await administration().setPassword(userId(context), password));
  });
  app.delete('/v1/realms/:realm/users/:name', async (context) => {
    await administration().removeUser(userId(context));
    return context.body(null, 204);
  });
}

function addSecretRoutes(app: Hono, administration: () => Administration): void {
  app.get('/v1/secrets', async (context) => {
    const { realm = null, reveal } = readQuery(context, secretsQuery);
    return context.json({ secrets: await administration().listSecrets(realm, reveal) });
  });
  app.post('/v1/realms/:realm/secrets', async (context) => {
    const { value, reveal } = await readBody(context, secretBody);
    const view = await administration().addSecret(segment(context, 'realm'), value);
    return context.json(shown(view, reveal), 201);
  });
  app.post('/v1/realms/:realm/secrets/rotate', async (context) => {
    const { value, reveal, graceSeconds } = await readBody(context, rotateBody);
    const view = await administration().rotateSecret(segment(context, 'realm'), value, graceSeconds);
    return context.json(shown(view, reveal), 201);
  });
  app.delete('/v1/realms/:realm/secrets/:id', async (context) => {
    const view = await administration().removeSecret(segment(context, 'realm'), segment(context, 'id'));
    return context.json(shown(view, false));
  });
}

function addPeerRoutes(app: Hono, administration: () => Administration): void {
  app.get('/v1/peers', async (context) => {
    const { realm = null } = readQuery(context, peersQuery);
    return context.json({ rules: await administration().listPeerRules(realm) });
  });
  app.post('/v1/peers', async (context) => {
    const rule = await readBody(context, peerRuleBody);
    await administration().addPeerRule(rule);
    return context.json(rule, 201);
  });
  app.delete('/v1/peers', async (context) => {
    await administration().removePeerRule(readQuery(context, peerRuleQuery));
    return context.body(null, 204);
  });
}

function addRealmRoutes(app: Hono, administration: () => Administration): void {
  app.get('/v1/realms', async (context) => context.json({ realms: await administration().listRealms() }));
  app.patch('/v1/realms/:realm', async (context) => {
    const options = await readBody(context, realmOptionsBody);
    for (const [option, value] of Object.entries(options)) {
      await administration().setRealmOption(segment(context, 'realm'), option as RealmOption, value ?? null);
    }
    return context.body(null, 204);
  });
  app.post('/v1/origins', async (context) => {
    const origin = await readBody(context, originBody);
    await administration().addOrigin(origin);
    return context.json(origin, 201);
  });
  app.delete('/v1/origins', async (context) => {
    await administration().removeOrigin(readQuery(context, originQuery).origin);
    return context.body(null, 204);
  });
}

function shown({ value, ...view }: SecretView, reveal: boolean): SecretView {
  return reveal && value !== undefined ? { ...view, value } : view;
}
