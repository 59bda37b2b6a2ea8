// coturn's options of users, databases, quotas and peers: what each becomes.

import { alwaysOn, droppedSwitch, droppedValue, mapped, type OptionGroup } from './option.ts';

const FIXED = 'turnd keeps to the RFC';
const OAUTH = 'OAuth tokens (RFC 7635) are not built yet: use secrets for time-limited credentials';

export const ACCESS_OPTIONS: readonly OptionGroup[] = [
  {
    title: 'Authentication',
    options: [
      mapped(
        'lt-cred-mech',
        'auth',
        'long-term credentials are the only way in; off beside users, it is on as in coturn',
      ),
      mapped('no-auth', 'auth.anonymous'),
      mapped('user', 'auth.users', '`name:0x…` is a key'),
      mapped(
        'realm',
        'realm',
        'if absent `turnd`: coturn takes the domain of the host, which keys in a database depend on',
      ),
      mapped('use-auth-secret', 'auth.secrets store', 'the secrets of static-auth-secret and of the store count'),
      mapped('static-auth-secret', 'auth.secrets', 'users count beside secrets, which coturn does not allow'),
      mapped('rest-api-separator', 'auth.rest-separator'),
      mapped('secure-stun', 'auth.require-for-binding'),
      mapped('stale-nonce', 'auth.nonce-lifetime', 'at most 3500, RFC 8656 §5; 0 (for ever) becomes 3500'),
      alwaysOn('stateless-nonce', 'nonces are always stateless', 'nonces are always stateless'),
      droppedValue(
        'stateless-nonce-secret',
        'servers cannot share nonces yet: a client that moves gets a 438 and goes on',
      ),
      droppedSwitch('no-auth-pings', 'not needed: turnd sees a lost database by itself'),
      droppedSwitch('no-dynamic-ip-list', 'peer lists of the store count: remove them there (turnctl peer list)'),
      droppedSwitch('no-dynamic-realms', 'realms of the store count: remove them there (turnctl realm list)'),
      droppedSwitch('check-origin-consistency', 'turnd does not compare the ORIGIN of the messages of a session'),
      droppedSwitch('oauth', OAUTH),
      droppedValue('server-name', OAUTH),
    ],
  },
  {
    title: 'Databases',
    options: [
      mapped('userdb', 'store', '`sqlite://`; searched where coturn searches'),
      mapped('db', 'store', 'as userdb'),
      mapped('psql-userdb', 'store', '`postgres://`, from a URI or a connection string'),
      mapped('sql-userdb', 'store', 'as psql-userdb'),
      mapped('mysql-userdb', 'store', '`mysql://`'),
      mapped('redis-userdb', 'store', '`redis://`, or `rediss://` with TLS'),
      mapped('redis-statsdb', 'statsdb', 'as redis-userdb'),
      mapped('secret-key-file', 'store', 'refused: an encrypted password cannot be read; write the plain one'),
      droppedValue('mongo-userdb', 'MongoDB is not supported: move the users to SQLite, PostgreSQL, MySQL or Redis'),
    ],
  },
  {
    title: 'Quotas, limits, lifetimes',
    options: [
      mapped('user-quota', 'limits.allocations-per-user limits.allocations-per-rest-user', '0 = none, also if absent'),
      mapped('total-quota', 'limits.allocations', '0 = none; for the whole server'),
      mapped('max-allocate-lifetime', 'limits.max-lifetime limits.default-lifetime', 'at most 3600'),
      mapped('max-allocate-timeout', 'limits.idle-timeout', 'for TCP and TLS'),
      mapped(
        'max-bps',
        'limits.bandwidth-per-allocation',
        'bytes a second become bits a second; each way by itself, as in coturn; 0 = none',
      ),
      mapped(
        'bps-capacity',
        'limits.bandwidth limits.allocations',
        'bytes a second become bits a second; as many allocations as coturn admits by it: capacity / max-bps, rounded up',
      ),
      droppedValue('channel-lifetime', `${FIXED}: a channel lasts 600 s`, '600', ''),
      droppedValue('permission-lifetime', `${FIXED}: a permission lasts 300 s`, '300', ''),
      mapped('drain-min-allocations', 'drain.threshold'),
    ],
  },
  {
    title: 'Peers',
    options: [
      mapped('denied-peer-ip', 'peers.deny', 'less what allowed-peer-ip names, which wins in coturn'),
      mapped('allowed-peer-ip', 'peers.allow', ''),
      mapped('allow-loopback-peers', 'peers.unsafe-allow-loopback'),
      mapped(
        'unauthorized-ratelimit',
        'limits.unauthenticated-replies-per-second',
        'on is the default of turnd; off is 0',
      ),
      mapped('unauthorized-ratelimit-rps', 'limits.unauthenticated-replies-per-second'),
      alwaysOn('no-multicast-peers', 'multicast is always closed', 'multicast peers stay closed, whatever is set'),
      alwaysOn('no-loopback-peers', 'loopback is closed', 'loopback stays closed; allow-loopback-peers opens it'),
    ],
  },
];
