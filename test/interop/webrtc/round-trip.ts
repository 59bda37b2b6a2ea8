// Two peer connections in this process, both relayed: a message and 1 MB go over a data channel and come back. Runs
// inside a client's own process and prints what it saw; relayed-client.ts reads that.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { IceServer } from '../../support/turn-server.ts';
import type { DataChannel, IceCandidate, PeerConnection, PeerConnectionClass } from './peer-connection.ts';

const MEGABYTE = 2 ** 20;
const CHUNK = 16 * 1024;
/** Above this a sender waits: the libraries' own queues are not the server's business. */
const HIGH_WATER = 256 * 1024;
const GREETING = 'ahoy';

/** What one round trip showed. */
export interface RoundTripReport {
  /** Types of all candidates of both sides, without repetition: `relay` only. */
  readonly candidateTypes: readonly string[];
  readonly greeting: string;
  /** Whether the 1 MB came back as it was. */
  readonly intact: boolean;
}

function trickle(from: PeerConnection, to: PeerConnection, types: Set<string>): void {
  from.onicecandidate = (event: { candidate?: IceCandidate | null }) => {
    const { candidate } = event;
    // The end of candidates is null, undefined or empty, as the library likes.
    if (!candidate?.candidate) return;
    types.add(/ typ (\w+)/.exec(candidate.candidate)?.[1] ?? 'unknown');
    void to.addIceCandidate(candidate);
  };
}

async function connect(caller: PeerConnection, callee: PeerConnection): Promise<void> {
  const offer = await caller.createOffer();
  await caller.setLocalDescription(offer);
  await callee.setRemoteDescription(offer);
  const answer = await callee.createAnswer();
  await callee.setLocalDescription(answer);
  await caller.setRemoteDescription(answer);
}

async function opened(channel: DataChannel): Promise<void> {
  if (channel.readyState === 'open') return;
  await new Promise<void>((resolve) => {
    channel.onopen = () => resolve();
  });
}

function toBuffer(data: string | ArrayBuffer | Buffer): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

async function sendAll(channel: DataChannel, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; at += CHUNK) {
    while (channel.bufferedAmount > HIGH_WATER) await delay(5);
    channel.send(data.subarray(at, at + CHUNK));
  }
}

// Collects whatever arrives until there are `length` bytes.
function receive(channel: DataChannel, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = length;
  return new Promise((resolve) => {
    channel.onmessage = (event: { data: string | ArrayBuffer | Buffer }) => {
      const chunk = toBuffer(event.data);
      chunks.push(chunk);
      left -= chunk.length;
      if (left <= 0) resolve(Buffer.concat(chunks));
    };
  });
}

function echo(channel: DataChannel): void {
  channel.binaryType = 'arraybuffer';
  channel.onmessage = (event: { data: string | ArrayBuffer | Buffer }) => {
    channel.send(typeof event.data === 'string' ? event.data : toBuffer(event.data));
  };
}

async function exchange(channel: DataChannel): Promise<Pick<RoundTripReport, 'greeting' | 'intact'>> {
  const greeted = receive(channel, GREETING.length);
  channel.send(GREETING);
  const greeting = (await greeted).toString();
  const data = randomBytes(MEGABYTE);
  const returned = receive(channel, data.length);
  await sendAll(channel, data);
  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  return { greeting, intact: digest(await returned) === digest(data) };
}

/** Connects two `Connection`s through the server given by `iceServer` and nothing else. */
async function roundTrip(Connection: PeerConnectionClass, iceServer: IceServer): Promise<RoundTripReport> {
  const caller = new Connection({ iceServers: [iceServer], iceTransportPolicy: 'relay' });
  const callee = new Connection({ iceServers: [iceServer], iceTransportPolicy: 'relay' });
  const types = new Set<string>();
  trickle(caller, callee, types);
  trickle(callee, caller, types);
  callee.ondatachannel = (event: { channel: DataChannel }) => echo(event.channel);
  const channel = caller.createDataChannel('round trip');
  channel.binaryType = 'arraybuffer';
  await connect(caller, callee);
  await opened(channel);
  const seen = await exchange(channel);
  caller.close();
  callee.close();
  return { candidateTypes: [...types], ...seen };
}

/**
 * The whole of a client program: takes the RTCIceServer as JSON in its first argument, prints a
 * {@link RoundTripReport}, exits. Native libraries keep threads that would hold the process: it ends itself.
 */
export async function runClient(Connection: PeerConnectionClass): Promise<never> {
  const iceServer = JSON.parse(process.argv[2] ?? '{}') as IceServer;
  const report = await roundTrip(Connection, iceServer);
  const line = `${JSON.stringify(report)}\n`;
  await new Promise<void>((resolve) => process.stdout.write(line, () => resolve()));
  process.exit(0);
}
