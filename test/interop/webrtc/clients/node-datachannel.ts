// node-datachannel (libdatachannel with libjuice) as a client.

import { RTCPeerConnection } from 'node-datachannel/polyfill';
import type { PeerConnectionClass } from '../peer-connection.ts';
import { runClient } from '../round-trip.ts';

await runClient(RTCPeerConnection as unknown as PeerConnectionClass);
