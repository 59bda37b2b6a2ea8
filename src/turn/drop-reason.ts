// Why bytes were dropped: dense numbers, so that the packet path counts with one array store.

/** Reasons for dropping a datagram, a frame or a request without an answer. */
export const DropReason = {
  /** None of ours by its first byte, or too short (RFC 8656 §12). */
  NOT_OURS: 0,
  /** A malformed STUN header, cookie, length or attribute. */
  MALFORMED: 1,
  /** A wrong FINGERPRINT. */
  BAD_FINGERPRINT: 2,
  /** A method or class that no client may send. */
  UNEXPECTED: 3,
  /** A malformed indication, or one with an unknown comprehension-required attribute. */
  BAD_INDICATION: 4,
  /** Data from a client without allocation. */
  NO_ALLOCATION: 5,
  /** ChannelData whose length exceeds the datagram. */
  BAD_CHANNEL_DATA: 6,
  /** ChannelData on a number that is not bound. */
  UNBOUND_CHANNEL: 7,
  /** Data to a peer without permission. */
  NO_PERMISSION_TO_PEER: 8,
  /** A datagram from a peer without permission. */
  NO_PERMISSION_FROM_PEER: 9,
  /** The peer is forbidden by policy. */
  PEER_DENIED: 10,
  /** An unauthenticated answer beyond the source's budget. */
  OVER_BUDGET: 11,
  /** A retransmission of a request that is being worked on. */
  IN_PROGRESS: 12,
  /** What cannot fit a datagram. */
  TOO_BIG: 13,
  /** Too many requests wait for a credential. */
  OVERLOADED: 14,
  /** The client went away while its request was worked on. */
  CLIENT_GONE: 15,
  /** An ICMP error of a type that clients are not told of. */
  ICMP_TYPE: 16,
  /** A login that was not verified: too many of this source and user have failed. */
  BRAKED: 17,
  /** Data from a client beyond the rate of its allocation, its user or the server (RFC 8656 §5). */
  OVER_RATE: 18,
  /** The same to a client. */
  OVER_RATE_TO_CLIENT: 19,
  /** An ICMP error for a peer without permission. */
  ICMP_NO_PERMISSION: 20,
} as const;
export type DropReason = (typeof DropReason)[keyof typeof DropReason];

/** How many reasons there are: the size of a counter array. */
export const DROP_REASON_COUNT: number = Object.keys(DropReason).length;
