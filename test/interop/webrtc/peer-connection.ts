// The part of the WebRTC API that all three client libraries share. lib.dom is not among this project's types.

import type { IceServer } from '../../support/turn-server.ts';

/** RTCIceCandidate. */
export interface IceCandidate {
  readonly candidate: string;
}

/** RTCDataChannel. */
export interface DataChannel {
  binaryType?: string;
  readonly bufferedAmount: number;
  readonly readyState: string;
  onopen: unknown;
  onmessage: unknown;
  send(data: string | Buffer): void;
}

/** RTCSessionDescription. */
export interface Description {
  readonly type: string;
  readonly sdp: string;
}

/** RTCPeerConnection. */
export interface PeerConnection {
  onicecandidate: unknown;
  ondatachannel: unknown;
  createDataChannel(label: string): DataChannel;
  createOffer(): Promise<Description>;
  createAnswer(): Promise<Description>;
  setLocalDescription(description: Description): Promise<unknown>;
  setRemoteDescription(description: Description): Promise<unknown>;
  addIceCandidate(candidate: IceCandidate): Promise<unknown>;
  close(): void;
}

/** Its constructor. */
export type PeerConnectionClass = new (configuration: {
  readonly iceServers: IceServer[];
  readonly iceTransportPolicy: 'relay';
}) => PeerConnection;
