// Run by allocation.test.ts in a Node of its own: the codec's part of the packet path. Argument: the name of a job below.

import { Attribute } from '../../src/stun/attributes.ts';
import { channelPayloadEnd } from '../../src/stun/channel-data.ts';
import { classify, PacketKind } from '../../src/stun/classify.ts';
import { MessageView, parseMessage } from '../../src/stun/message-view.ts';
import { MessageWriter } from '../../src/stun/message-writer.ts';
import { readXorAddress } from '../../src/stun/readers.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { type Job, printCost } from './heap-growth.ts';
import { channelData, message } from './wire.ts';
import { data, xorPeerAddress } from './wire-attributes.ts';

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
  words.w3 = round % 2 === 0 ? 0xc0000201 | 0 : 0x0a000001;
  writer.begin(out, 100, 0x0017, bytes, 8);
  writer.xorWords(Attribute.XOR_PEER_ADDRESS, words);
  return writer.dataHeader(1000) + writer.end;
}

function classifyChannelData(): number {
  if (classify(channels[0] as number) !== PacketKind.CHANNEL_DATA) return 0;
  return channelPayloadEnd(channels, 0, channels.length);
}

const jobs: Readonly<Record<string, () => Job>> = {
  'send-indication': () => parseSend,
  'channel-data': () => classifyChannelData,
  'data-indication': () => (round) => parseSend(round) + writeData(round),
  both: () => (round) => parseSend(round) + classifyChannelData(),
  'self-check-subarray': () => (round) => parseSend(round) + channels.subarray(4).length,
  'self-check-object': () => (round) => parseSend(round) + Object.keys({ round }).length,
};

await printCost(jobs);
