// werift (WebRTC in TypeScript) as a client.

import { RTCPeerConnection } from 'werift';
import type { PeerConnectionClass } from '../peer-connection.ts';
import { runClient } from '../round-trip.ts';

await runClient(RTCPeerConnection as unknown as PeerConnectionClass);
