// Programs that the engine targets begin with: one per method and thing to ask for.

import { peerAddress, REQUEST } from '../../support/lab-client.ts';
import { type AttributeInput, channelData, message } from '../../support/wire.ts';
import * as attribute from '../../support/wire-attributes.ts';
import { PEERS } from './engine-lab.ts';
import { messageSeeds } from './message.ts';
import { encodeProgram, type Step } from './program.ts';

const TID = '0102030405060708090a0b0c';
const SIGNED = 1;
const AT_ONCE = 128;
const ASYNC = 4;
const BARE = 16;

/** Programs of the clients' side: `who` 0 is the UDP client, 1 the stream, 2 and 3 strangers, 4 is time, 5 closes the stream. */
export function engineSeeds(): Buffer[] {
  const [peer] = PEERS;
  const requests: Step[] = [...allocates(), ...others()].flatMap((bytes) => [step(0, bytes), step(1, bytes)]);
  const data = [
    message({ type: 0x0016, tid: TID, attrs: [peerAddress(peer), attribute.data('hello')] }),
    message({ type: 0x0016, tid: TID, attrs: [peerAddress(PEERS[1]), attribute.data('')] }),
    channelData(0x4000, 'hello', { pad: true }),
    channelData(0x4001, Buffer.alloc(1200, 1)),
    channelData(0x4003, 'to the other', { pad: true }),
    channelData(0x4004, 'x', { pad: true }),
  ].flatMap((bytes) => [step(0, bytes, 0), step(1, bytes, 0)]);
  const strange = messageSeeds().map((bytes) => step(2, bytes, 0));
  const leaving = allocates().map((bytes) => [step(1, bytes, SIGNED | AT_ONCE), step(5, Buffer.alloc(0), 0)]);
  return [
    ...leaving.map((steps) => encodeProgram({ variant: ASYNC | BARE, steps })),
    ...requests.map((one) => encodeProgram({ variant: BARE, steps: [one, step(4, Buffer.from([1]), 0)] })),
    ...[...requests, ...data].map((one) => encodeProgram({ variant: 0, steps: [one] })),
    ...strange.map((one) => encodeProgram({ variant: 0, steps: [one] })),
    encodeProgram({ variant: 0, steps: [...others().map((bytes) => step(0, bytes)), ...data] }),
  ];
}

function step(who: number, bytes: Buffer, how: number = SIGNED): Step {
  return { who, how, bytes };
}

function request(type: number, attrs: readonly AttributeInput[]): Buffer {
  return message({ type, tid: TID, attrs });
}

function allocates(): Buffer[] {
  const wishes: AttributeInput[][] = [
    [],
    [attribute.lifetime(1200)],
    [attribute.requestedAddressFamily(6)],
    [attribute.additionalAddressFamily()],
    [attribute.evenPort(true)],
    [attribute.evenPort(false), attribute.dontFragment()],
    [attribute.reservationToken('0001020304050607')],
  ];
  return wishes.map((wish) => request(REQUEST.allocate, [attribute.requestedTransport(), ...wish]));
}

function others(): Buffer[] {
  const { binding, refresh, createPermission, channelBind } = REQUEST;
  return [
    request(binding, []),
    request(refresh, []),
    request(refresh, [attribute.lifetime(0), attribute.requestedAddressFamily(6)]),
    request(refresh, [attribute.lifetime(0)]),
    request(createPermission, PEERS.map(peerAddress)),
    request(createPermission, [peerAddress('127.0.0.1'), peerAddress('203.0.113.1')]),
    request(channelBind, [attribute.channelNumber(0x4002), peerAddress(PEERS[2])]),
    request(channelBind, [attribute.channelNumber(0x7ffe), peerAddress(PEERS[1])]),
  ];
}
