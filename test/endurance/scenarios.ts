// All endurance scenarios.

import { allocations } from './allocations.ts';
import { badPath } from './bad-path.ts';
import { descriptors } from './descriptors.ts';
import { link } from './link.ts';
import { ports } from './ports.ts';
import type { Scenario } from './scenario.ts';

/** In the order in which they are played. */
export const SCENARIOS: readonly Scenario[] = [allocations, ports, descriptors, link, badPath];
