// The targets that there are.

import type { Target } from '../target.ts';
import { attributesTarget } from './attributes.ts';
import { cidrTarget } from './cidr.ts';
import { clientTarget } from './client.ts';
import { configTarget } from './config.ts';
import { connectionStringsTarget } from './connection-strings.ts';
import { controlApiTarget } from './control-api.ts';
import { controlHttpTarget } from './control-http.ts';
import { coturnConfigTarget } from './coturn-config.ts';
import { engineClientTarget } from './engine-client.ts';
import { enginePeerTarget } from './engine-peer.ts';
import { environmentTarget } from './environment.ts';
import { framerTarget } from './framer.ts';
import { ipAddressTarget } from './ip-address.ts';
import { messageTarget } from './message.ts';
import { peerRangeTarget } from './peer-range.ts';
import { proxyHeaderTarget } from './proxy-header.ts';
import { storeUrlTarget } from './store-url.ts';
import { stunProbeTarget } from './stun-probe.ts';
import { userFileTarget } from './user-file.ts';
import { workerMessagesTarget } from './worker-messages.ts';

export const TARGETS: readonly Target[] = [
  messageTarget,
  attributesTarget,
  framerTarget,
  proxyHeaderTarget,
  engineClientTarget,
  enginePeerTarget,
  clientTarget,
  stunProbeTarget,
  controlApiTarget,
  controlHttpTarget,
  workerMessagesTarget,
  configTarget,
  environmentTarget,
  coturnConfigTarget,
  connectionStringsTarget,
  storeUrlTarget,
  userFileTarget,
  peerRangeTarget,
  cidrTarget,
  ipAddressTarget,
];
