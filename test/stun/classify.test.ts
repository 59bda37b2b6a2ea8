import { test } from 'tap';
import { classify, PacketKind } from '../../src/stun/classify.ts';

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

test('an empty datagram is none of ours', async (t) => {
  t.equal(classify(Buffer.alloc(0)[0] as number), PacketKind.OTHER);
});
