import { test } from 'tap';
import { classify, LAST_CHANNEL_BYTE_RFC5766, PacketKind } from '../../src/stun/classify.ts';

test('STUN-01 BAD-06 the first byte tells STUN, DTLS and ChannelData from noise', async (t) => {
  const kinds = Array.from({ length: 256 }, (_, byte) => classify(byte));
  const expected = [
    ...Array(4).fill(PacketKind.STUN),
    ...Array(16).fill(PacketKind.OTHER),
    ...Array(44).fill(PacketKind.DTLS),
    ...Array(16).fill(PacketKind.CHANNEL_DATA),
    ...Array(176).fill(PacketKind.OTHER),
  ];
  t.strictSame(kinds, expected);
});

test('where old clients are allowed, ChannelData goes up to 0x7f', async (t) => {
  for (let byte = 0; byte < 256; byte++) {
    const expected = byte >= 80 && byte < 128 ? PacketKind.CHANNEL_DATA : classify(byte);
    t.equal(classify(byte, LAST_CHANNEL_BYTE_RFC5766), expected, `0x${byte.toString(16)}`);
  }
});

test('an empty datagram is none of ours', async (t) => {
  t.equal(classify(Buffer.alloc(0)[0] as number), PacketKind.OTHER);
});
