// What kind of thing a datagram is, by its first byte. Must not look further: the parsers do.

/** Kinds of datagram or stream unit (RFC 8656 §12, RFC 7983). */
export const PacketKind = {
  OTHER: 0,
  STUN: 1,
  CHANNEL_DATA: 2,
  DTLS: 3,
} as const;
export type PacketKind = (typeof PacketKind)[keyof typeof PacketKind];

/** The highest first byte of ChannelData: channel numbers end at 0x4FFF (RFC 8656 §12). */
export const LAST_CHANNEL_BYTE = 79;

/** The same where old clients may bind numbers up to 0x7FFE (RFC 5766 §11). */
export const LAST_CHANNEL_BYTE_RFC5766 = 127;

/**
 * Tells the kind by the first byte: 0..3 STUN, 20..63 DTLS, 64..79 ChannelData, anything else is none of ours
 * (RFC 8656 §12, table 3).
 */
export function classify(firstByte: number, lastChannelByte: number = LAST_CHANNEL_BYTE): PacketKind {
  if (firstByte < 4) return PacketKind.STUN;
  if (firstByte < 20) return PacketKind.OTHER;
  if (firstByte < 64) return PacketKind.DTLS;
  if (firstByte <= lastChannelByte) return PacketKind.CHANNEL_DATA;
  return PacketKind.OTHER;
}
