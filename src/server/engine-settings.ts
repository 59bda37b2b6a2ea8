// The configuration in the engine's words.

import type { Config } from '../config/config.ts';
import type { Rate } from '../turn/rate-meter.ts';
import type { EngineLimits, EngineSettings } from '../turn/settings.ts';

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
}

/** The same in the engine's words. */
export function engineLimits({ limits, auth }: EngineBounds): EngineLimits {
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
  };
}

// Operators think of bandwidth in bits.
function rate(bitsPerSecond: number, packetsPerSecond: number): Rate {
  return { bytesPerSecond: bitsPerSecond / 8, packetsPerSecond };
}
