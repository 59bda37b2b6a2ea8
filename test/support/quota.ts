// The quota of a server with slots for a few users.

import { AllocationQuota, type QuotaLimits } from '../../src/limits/quota.ts';
import { UserSlots } from '../../src/limits/user-slots.ts';
import { METER_BUCKETS } from '../../src/turn/rate-meter.ts';

const USERS = 2048;

/** A quota whose clock stands still. */
export function quotaOf(limits: QuotaLimits, users: number = USERS): AllocationQuota {
  return new AllocationQuota(limits, new UserSlots(new Float64Array(users * METER_BUCKETS), () => 0));
}
