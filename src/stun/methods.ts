// STUN and TURN methods and message classes, and how both are packed into the 16-bit message type.
// Owns numbers only: which method is served, and by whom, is the engine's business.

/** STUN and TURN methods (RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1). */
export const Method = {
  BINDING: 0x001,
  ALLOCATE: 0x003,
  REFRESH: 0x004,
  SEND: 0x006,
  DATA: 0x007,
  CREATE_PERMISSION: 0x008,
  CHANNEL_BIND: 0x009,
  CONNECT: 0x00a,
  CONNECTION_BIND: 0x00b,
  CONNECTION_ATTEMPT: 0x00c,
} as const;
export type Method = (typeof Method)[keyof typeof Method];

/** Message classes (RFC 8489 §5). */
export const MessageClass = {
  REQUEST: 0,
  INDICATION: 1,
  SUCCESS: 2,
  ERROR: 3,
} as const;
export type MessageClass = (typeof MessageClass)[keyof typeof MessageClass];

/** The first 32 bits after the length of every message (RFC 8489 §5). */
export const MAGIC_COOKIE = 0x2112a442;

/** Bytes of a STUN header. */
export const HEADER_LENGTH = 20;

/** Bytes of a transaction ID, which begins 8 bytes into the header. */
export const TRANSACTION_ID_LENGTH = 12;

/**
 * Packs a method and a class: `M11..M7 C1 M6..M4 C0 M3..M0` (RFC 8489 §5, Figure 3).
 */
export function messageType(method: number, messageClass: number): number {
  return (
    ((method & 0xf80) << 2) |
    ((method & 0x070) << 1) |
    (method & 0x00f) |
    ((messageClass & 2) << 7) |
    ((messageClass & 1) << 4)
  );
}

/** The method in a message type. */
export function methodOf(type: number): number {
  return ((type & 0x3e00) >> 2) | ((type & 0x00e0) >> 1) | (type & 0x000f);
}

/** The class in a message type: a {@link MessageClass}. */
export function classOf(type: number): MessageClass {
  return (((type & 0x0100) >> 7) | ((type & 0x0010) >> 4)) as MessageClass;
}
