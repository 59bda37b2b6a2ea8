// @roamhq/wrtc (Chromium's own WebRTC library for Node) as a client.

import { createRequire } from 'node:module';
import type { PeerConnectionClass } from '../peer-connection.ts';
import { runClient } from '../round-trip.ts';

// A CommonJS module whose names Node cannot see from an import.
const { RTCPeerConnection } = createRequire(import.meta.url)('@roamhq/wrtc') as {
  readonly RTCPeerConnection: PeerConnectionClass;
};

await runClient(RTCPeerConnection);
