// Run by allocation.test.ts in a Node of its own: does one job very often and prints what it cost in memory. Argument:
// the name of a job below. The process has a young generation large enough that only garbage of ours can fill it.

import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { Attribute } from '../../src/stun/attributes.ts';
import { channelPayloadEnd } from '../../src/stun/channel-data.ts';
import { classify, PacketKind } from '../../src/stun/classify.ts';
import { MessageView, parseMessage } from '../../src/stun/message-view.ts';
import { MessageWriter } from '../../src/stun/message-writer.ts';
import { readXorAddress } from '../../src/stun/readers.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { channelData, message } from './wire.ts';
import { data, xorPeerAddress } from './wire-attributes.ts';

const ROUNDS = 100_000;
const WINDOWS = 4;

const view = new MessageView();
const words = new TransportWords();
const writer = new MessageWriter();
const out = Buffer.alloc(2000);
const indications = [
  message({ type: 0x0016, attrs: [xorPeerAddress('192.0.2.1', 4000), data(Buffer.alloc(1000))] }),
  message({ type: 0x0016, attrs: [xorPeerAddress('2001:db8::1', 4000), data(Buffer.alloc(1000))] }),
  message({ type: 0x0016, attrs: [xorPeerAddress('192.0.2.1', 4000), [0x7777, ''], data(Buffer.alloc(1000))] }),
] as const;
const channels = channelData(0x4001, Buffer.alloc(1000));

function parseSend(round: number): number {
  const bytes = indications[round % 3] as Buffer;
  if (classify(bytes[0] as number) !== PacketKind.STUN) return 0;
  const status = parseMessage(bytes, 0, bytes.length, view);
  readXorAddress(view, view.find(Attribute.XOR_PEER_ADDRESS), words);
  return status + view.lengthAt(view.find(Attribute.DATA)) + words.port + view.unknownCount;
}

function writeData(round: number): number {
  const bytes = indications[round % 3] as Buffer;
  words.w3 = round % 2 === 0 ? 0xc0000201 : 0x0a000001;
  writer.begin(out, 100, 0x0017, bytes, 8);
  writer.xorWords(Attribute.XOR_PEER_ADDRESS, words);
  return writer.dataHeader(1000) + writer.end;
}

function classifyChannelData(): number {
  if (classify(channels[0] as number) !== PacketKind.CHANNEL_DATA) return 0;
  return channelPayloadEnd(channels, 0, channels.length);
}

/** Each job does one packet and returns a number, so that nothing of it can be left out. */
const jobs: Readonly<Record<string, (round: number) => number>> = {
  'send-indication': parseSend,
  'channel-data': classifyChannelData,
  'data-indication': (round) => parseSend(round) + writeData(round),
  both: (round) => parseSend(round) + classifyChannelData(),
  'self-check-subarray': (round) => parseSend(round) + channels.subarray(4).length,
  'self-check-object': (round) => parseSend(round) + Object.keys({ round }).length,
};

async function measure(job: (round: number) => number): Promise<{ bytesPerPacket: number; collections: number }> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  for (let window = 0; window < WINDOWS; window++) growthOf(job);
  globalThis.gc?.();
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  observer.observe({ entryTypes: ['gc'] });
  // A compilation that ends within a window moves what it makes into it: the least of several is the job's own.
  let least = Number.POSITIVE_INFINITY;
  for (let window = 0; window < WINDOWS; window++) least = Math.min(least, growthOf(job));
  // Entries take a few turns of the loop to arrive.
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  collections += observer.takeRecords().length;
  observer.disconnect();
  return { bytesPerPacket: least / ROUNDS, collections };
}

/** By how many bytes a window of packets makes the heap and the buffers grow. */
function growthOf(job: (round: number) => number): number {
  const before = process.memoryUsage();
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) sum += job(round);
  const after = process.memoryUsage();
  if (!(sum > 0)) throw new Error('the job did nothing');
  return after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers);
}

const job = jobs[process.argv[2] ?? ''];
if (job === undefined || globalThis.gc === undefined) throw new Error('needs --expose-gc and the name of a job');
console.log(JSON.stringify(await measure(job)));
