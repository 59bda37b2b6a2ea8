// A call between two connections in one page of a browser, over relays only, that goes on until it is ended.

import type { Page } from 'playwright-core';
import type { IceServer } from './turn-server.ts';

/** Which TURN server each side uses. */
export interface CallSides {
  readonly caller: IceServer;
  readonly callee: IceServer;
}

// Runs in the page, whose types are not ours. No candidate trickles: descriptions are exchanged when they are whole.
const CALL = `async ({ caller, callee }) => {
  const until = (target, event, isSo) => new Promise((resolve) => {
    const look = () => isSo() && resolve();
    target.addEventListener(event, look);
    look();
  });
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  const open = (iceServer) => {
    const side = new RTCPeerConnection({ iceServers: [iceServer], iceTransportPolicy: 'relay' });
    for (const track of media.getTracks()) side.addTrack(track, media);
    return side;
  };
  const describe = async (side, description) => {
    await side.setLocalDescription(description);
    await until(side, 'icegatheringstatechange', () => side.iceGatheringState === 'complete');
    return side.localDescription;
  };
  const [left, right] = [open(caller), open(callee)];
  await right.setRemoteDescription(await describe(left, await left.createOffer()));
  await left.setRemoteDescription(await describe(right, await right.createAnswer()));
  for (const side of [left, right]) {
    await until(side, 'connectionstatechange', () => side.connectionState === 'connected');
  }
  globalThis.turndCall = [left, right];
}`;

/** Begins a call with sound and pictures both ways; resolves when both sides are connected. */
export async function beginCall(page: Page, sides: CallSides): Promise<void> {
  await page.evaluate(`(${CALL})(${JSON.stringify(sides)})`);
}

/** Ends the call of {@link beginCall}: both sides give their allocations back. */
export async function endCall(page: Page): Promise<void> {
  await page.evaluate('for (const side of globalThis.turndCall) side.close()');
}
