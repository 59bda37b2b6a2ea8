// How long an allocation lasts: the same rule for Allocate and Refresh (RFC 8656 §7.2, §8.2).

import { ABSENT } from '../stun/message-view.ts';
import type { EngineSettings } from './settings.ts';

/**
 * Seconds to grant for a requested LIFETIME (or its absence): min(requested, maximum) if that is more than the
 * default, else the default.
 */
export function grantedLifetime(requested: number, settings: EngineSettings): number {
  if (requested === ABSENT) return settings.defaultLifetime;
  return Math.max(settings.defaultLifetime, Math.min(requested, settings.maxLifetime));
}
