// The targets that there are.

import type { Target } from '../target.ts';
import { cidrTarget } from './cidr.ts';
import { configTarget } from './config.ts';
import { engineClientTarget } from './engine-client.ts';
import { enginePeerTarget } from './engine-peer.ts';
import { framerTarget } from './framer.ts';
import { ipAddressTarget } from './ip-address.ts';
import { messageTarget } from './message.ts';

export const TARGETS: readonly Target[] = [
  messageTarget,
  framerTarget,
  engineClientTarget,
  enginePeerTarget,
  configTarget,
  cidrTarget,
  ipAddressTarget,
];
