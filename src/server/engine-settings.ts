// The configuration in the engine's words.

import type { AlternateServerAddress } from '../config/alternate-server.ts';
import type { Config } from '../config/config.ts';
import { parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import type { Rate } from '../turn/rate-meter.ts';
import type { AlternateServer, EngineLimits, EngineSettings } from '../turn/settings.ts';

/**
 * @param realm prepared with OpaqueString
 * @param worker the process's number among several; 0 where one process is the whole server
 */
export function engineSettings(config: Config, realm: string, worker: number): EngineSettings {
  const { auth, limits, protocol } = config;
  return {
    realm,
    anonymous: auth.anonymous,
    authenticateBinding: auth.requireForBinding && !auth.anonymous,
    passwordAlgorithms: auth.passwordAlgorithms !== false,
    usernameAnonymity: auth.usernameAnonymity,
    nonceLifetime: auth.nonceLifetime,
    defaultLifetime: limits.defaultLifetime,
    maxLifetime: limits.maxLifetime,
    limits: engineLimits(config),
    rfc5766ChannelNumbers: protocol.rfc5766ChannelNumbers,
    worker,
    software: protocol.software,
  };
}

/** What of a configuration an engine holds to, and what may change while it runs. */
export interface EngineBounds {
  readonly limits: Config['limits'];
  readonly auth: Pick<Config['auth'], 'expiry'>;
  readonly drain: Pick<Config['drain'], 'alternateServers'>;
}

/** The same in the engine's words. */
export function engineLimits({ limits, auth, drain }: EngineBounds): EngineLimits {
  return {
    permissionsPerAllocation: limits.permissionsPerAllocation,
    channelsPerAllocation: limits.channelsPerAllocation,
    newPeersPerSecond: limits.newPeersPerSecond,
    newPeersBurst: limits.newPeersBurst,
    rates: {
      server: rate(limits.bandwidth, limits.packetsPerSecond),
      user: rate(limits.bandwidthPerUser, limits.packetsPerSecondPerUser),
      allocation: rate(limits.bandwidthPerAllocation, limits.packetsPerSecondPerAllocation),
    },
    strictExpiry: auth.expiry === 'strict',
    maxSessionAge: limits.maxSessionAge,
    alternates: drain.alternateServers.map(alternate),
  };
}

function alternate({ transport, ip: text, port, domain }: AlternateServerAddress): AlternateServer {
  const ip = parseIp(text);
  if (ip === null) throw new TypeError(`the schema let ${text} pass as an address`);
  return { transport, address: new TransportAddress(ip, port), domain };
}

// Operators think of bandwidth in bits.
function rate(bitsPerSecond: number, packetsPerSecond: number): Rate {
  return { bytesPerSecond: bitsPerSecond / 8, packetsPerSecond };
}
