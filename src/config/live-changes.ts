// What of a new configuration can take effect while the server runs, and what needs a restart. Knows keys, not how they
// are applied.

import type { Config } from './config.ts';
import { type ConfigKey, listKeys } from './keys.ts';

/** What differs between two configurations. */
export interface ConfigChanges {
  /** Keys that can take effect at once. */
  readonly live: readonly string[];
  /** Keys that need a restart. */
  readonly restart: readonly string[];
  /** The old configuration with the live keys of the new one. */
  readonly config: Config;
}

const LIVE_LIMITS = Object.freeze([
  'allocations',
  'allocationsPerUser',
  'allocationsPerRestUser',
  'allocationsPerClientAddress',
  'permissionsPerAllocation',
  'channelsPerAllocation',
  'bandwidth',
  'bandwidthPerUser',
  'bandwidthPerAllocation',
  'packetsPerSecond',
  'packetsPerSecondPerUser',
  'packetsPerSecondPerAllocation',
  'newPeersPerSecond',
  'newPeersBurst',
  'maxSessionAge',
  'memory',
  'connections',
  'connectionsPerClientAddress',
  'writeQueue',
  'idleTimeout',
  'unauthenticatedRepliesPerSecond',
  'bindingRepliesPerSecond',
  'failedLoginsPerSecond',
] as const);

/** Keys whose new value applies to a running server. */
const LIVE: ReadonlySet<string> = new Set([
  'auth.secrets',
  'auth.users',
  'auth.expiry',
  'control.cors-origins',
  'control.hosts',
  'control.requests-per-second',
  'control.tokens',
  'drain.alternate-servers',
  'drain.threshold',
  'drain.timeout',
  'listen',
  'auth.ice-urls',
  'log.level',
  'peers.allow',
  'peers.deny',
  'peers.realms',
  'peers.unsafe-allow-loopback',
  'proxy-protocol.trusted',
  'relay.external-address',
  'relay.ports',
  'relay.stun-servers',
  'tls.certificates',
  'webhooks',
  ...LIVE_LIMITS.map((name) => `limits.${kebab(name)}`),
]);

/** Compares two configurations. */
export function compareConfigs(old: Config, next: Config): ConfigChanges {
  const changed = listKeys().filter((key) => textAt(old, key) !== textAt(next, key));
  const names = changed.map(({ name }) => name);
  const limits = Object.fromEntries(LIVE_LIMITS.map((name) => [name, next.limits[name]]));
  // Without certificates of the operator there is a self-made one, which stays where it was made.
  const certificates = next.tls.certificates.length > 0 ? next.tls.certificates : old.tls.certificates;
  const { users, secrets, expiry } = next.auth;
  const { externalAddress, ports, stunServers } = next.relay;
  const isLive = (name: string): boolean =>
    LIVE.has(name) && (name !== 'tls.certificates' || certificates === next.tls.certificates);
  return {
    live: names.filter(isLive),
    restart: names.filter((name) => !isLive(name)),
    config: Object.freeze({
      ...old,
      control: controlOf(old.control, next.control),
      auth: Object.freeze({ ...old.auth, users, secrets, expiry, iceUrls: next.auth.iceUrls }),
      relay: Object.freeze({ ...old.relay, externalAddress, ports, stunServers }),
      limits: Object.freeze({ ...old.limits, ...limits }),
      tls: Object.freeze({ ...old.tls, certificates }),
      peers: next.peers,
      proxyProtocol: next.proxyProtocol,
      drain: next.drain,
      webhooks: next.webhooks,
      listen: next.listen,
      log: Object.freeze({ ...old.log, level: next.log.level }),
    }),
  };
}

function controlOf(old: Config['control'], next: Config['control']): Config['control'] {
  const { corsOrigins, hosts, requestsPerSecond, tokens } = next;
  return Object.freeze({ ...old, corsOrigins, hosts, requestsPerSecond, tokens });
}

// `auth.user-file` has no place of its own: its users are among `auth.users`.
function textAt(config: Config, { path }: ConfigKey): string | undefined {
  const steps = path.map((step) => step.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()));
  const value = steps.reduce<unknown>((node, step) => (isRecord(node) ? node[step] : undefined), config);
  return JSON.stringify(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
