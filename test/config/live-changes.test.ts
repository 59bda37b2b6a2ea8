// What a reload may change: by key, from the true schema.

import { test } from 'tap';
import { compareConfigs } from '../../src/config/live-changes.ts';
import { configOf } from './parse.ts';

const config = (yaml: string) => configOf({ yaml: `auth: {secrets: [0123456789abcdef]}\n${yaml}` });

test('the same configuration changes nothing', async (t) => {
  const { live, restart } = compareConfigs(config('realm: a'), config('realm: a'));
  t.same([live, restart], [[], []]);
});

test('what can change live and what cannot are told apart, and only the former is taken', async (t) => {
  const old = config('realm: a\nlimits: {allocations: 5, max-lifetime: 700}');
  const next = config(
    'realm: b\nlimits: {allocations: 6, max-lifetime: 800}\npeers: {deny: [203.0.113.0/24]}\nlog: {level: debug}',
  );
  const changes = compareConfigs(old, next);
  t.same(changes.live, ['limits.allocations', 'peers.deny', 'log.level']);
  t.same(changes.restart, ['realm', 'limits.max-lifetime']);
  t.match(changes.config, {
    realm: 'a',
    limits: { allocations: 6, maxLifetime: 700 },
    peers: { deny: ['203.0.113.0/24'] },
    log: { level: 'debug' },
  });
});

test('R15 the external address and the ports of relays are live, the addresses that they are bound to are not', async (t) => {
  const next = config(
    'relay: {address: 192.0.2.1, external-address: 203.0.113.1, stun-servers: ["192.0.2.9:3478"], ports: 50000-50099}',
  );
  const changes = compareConfigs(config(''), next);
  t.same(changes.live, ['relay.external-address', 'relay.ports', 'relay.stun-servers']);
  t.same(changes.restart, ['relay.address']);
  t.match(changes.config.relay, {
    address: { kind: 'auto' },
    externalAddress: next.relay.externalAddress,
    ports: { min: 50_000, max: 50_099 },
    stunServers: next.relay.stunServers,
  });
});

test('how the server is drained can be changed while it runs', async (t) => {
  const { live, restart, config: taken } = compareConfigs(config(''), config('drain: {timeout: 90, threshold: 4}'));
  t.same([live, restart], [['drain.timeout', 'drain.threshold'], []]);
  t.same(taken.drain, { timeout: 90, threshold: 4, alternateServers: [] });
});

test('S48: every limit that an operator turns in an attack is live', async (t) => {
  const names = [
    'allocations',
    'allocations-per-user',
    'allocations-per-rest-user',
    'allocations-per-client-address',
    'permissions-per-allocation',
    'channels-per-allocation',
    'bandwidth',
    'bandwidth-per-user',
    'bandwidth-per-allocation',
    'packets-per-second',
    'packets-per-second-per-user',
    'packets-per-second-per-allocation',
  ];
  const next = config(`limits: {${names.map((name) => `${name}: 7`).join(', ')}}`);
  const { live, restart, config: taken } = compareConfigs(config(''), next);
  t.same(
    live,
    names.map((name) => `limits.${name}`),
  );
  t.same(restart, []);
  t.same(taken.limits, next.limits);
});

test('trusted proxies are live, and their listeners', async (t) => {
  const old = config('proxy-protocol: {trusted: [192.0.2.1]}');
  const next = config('proxy-protocol: {trusted: [192.0.2.0/24]}\nlisten: ["tcp://*:3478?proxy-protocol"]');
  const changes = compareConfigs(old, next);
  t.same([changes.live, changes.restart], [['listen', 'proxy-protocol.trusted'], []]);
  t.same(changes.config.proxyProtocol.trusted, ['192.0.2.0/24']);
});

test('S21: what becomes of expired names, and how old a session may be, are live', async (t) => {
  const next = configOf({
    yaml: 'auth: {secrets: [0123456789abcdef], expiry: strict}\nlimits: {max-session-age: 86400}',
  });
  const changes = compareConfigs(config(''), next);
  t.same([changes.live, changes.restart], [['auth.expiry', 'limits.max-session-age'], []]);
  t.match(changes.config, { auth: { expiry: 'strict' }, limits: { maxSessionAge: 86_400 } });
});

test('R24: the memory limit is live', async (t) => {
  const changes = compareConfigs(config(''), config('limits: {memory: 512M}'));
  t.same([changes.live, changes.restart], [['limits.memory'], []]);
  t.equal(changes.config.limits.memory, 512 * 2 ** 20);
});

test('the URLs that apps get are live', async (t) => {
  const {
    live,
    restart,
    config: taken,
  } = compareConfigs(
    configOf({ yaml: 'auth: {secrets: [0123456789abcdef]}' }),
    configOf({ yaml: 'auth: {secrets: [0123456789abcdef], ice-urls: ["turn:turn.example.com"]}' }),
  );
  t.same([live, restart], [['auth.ice-urls'], []]);
  t.same(taken.auth.iceUrls, ['turn:turn.example.com']);
});

test('users and secrets are live; their values are compared, never named', async (t) => {
  const old = configOf({ yaml: 'auth: {users: [alice:CANARY-1]}' });
  const next = configOf({ yaml: 'auth: {users: [alice:CANARY-2], secrets: [CANARY-CANARY-CANARY]}' });
  const changes = compareConfigs(old, next);
  t.same([changes.live, changes.restart], [['auth.secrets', 'auth.users'], []]);
  t.same(changes.config.auth.users, [{ name: 'alice', password: 'CANARY-2' }]);
});

test('S20, S42: what strangers get can be changed while the server runs', async (t) => {
  const next = config(
    'limits: {unauthenticated-replies-per-second: 1, binding-replies-per-second: 2, failed-logins-per-second: 3}',
  );
  const changes = compareConfigs(config(''), next);
  t.equal(changes.live.length, 3);
  t.same(changes.restart, []);
  t.match(changes.config.limits, {
    unauthenticatedRepliesPerSecond: 1,
    bindingRepliesPerSecond: 2,
    failedLoginsPerSecond: 3,
  });
});
