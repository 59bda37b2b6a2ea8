// Attribute types by their registry names, and which of them this code base knows.
// Owns numbers only; the values' layouts are in readers.ts and message-writer.ts.

/** STUN attribute types (IANA "STUN Attributes"; RFC 8489 §18.3, RFC 8656 §18, RFC 6062, 5780, 7635, 8016). */
export const Attribute = {
  MAPPED_ADDRESS: 0x0001,
  CHANGE_REQUEST: 0x0003,
  USERNAME: 0x0006,
  MESSAGE_INTEGRITY: 0x0008,
  ERROR_CODE: 0x0009,
  UNKNOWN_ATTRIBUTES: 0x000a,
  CHANNEL_NUMBER: 0x000c,
  LIFETIME: 0x000d,
  XOR_PEER_ADDRESS: 0x0012,
  DATA: 0x0013,
  REALM: 0x0014,
  NONCE: 0x0015,
  XOR_RELAYED_ADDRESS: 0x0016,
  REQUESTED_ADDRESS_FAMILY: 0x0017,
  EVEN_PORT: 0x0018,
  REQUESTED_TRANSPORT: 0x0019,
  DONT_FRAGMENT: 0x001a,
  ACCESS_TOKEN: 0x001b,
  MESSAGE_INTEGRITY_SHA256: 0x001c,
  PASSWORD_ALGORITHM: 0x001d,
  USERHASH: 0x001e,
  XOR_MAPPED_ADDRESS: 0x0020,
  RESERVATION_TOKEN: 0x0022,
  PRIORITY: 0x0024,
  USE_CANDIDATE: 0x0025,
  PADDING: 0x0026,
  RESPONSE_PORT: 0x0027,
  CONNECTION_ID: 0x002a,
  ADDITIONAL_ADDRESS_FAMILY: 0x8000,
  ADDRESS_ERROR_CODE: 0x8001,
  PASSWORD_ALGORITHMS: 0x8002,
  ALTERNATE_DOMAIN: 0x8003,
  ICMP: 0x8004,
  SOFTWARE: 0x8022,
  ALTERNATE_SERVER: 0x8023,
  TRANSACTION_TRANSMIT_COUNTER: 0x8025,
  CACHE_TIMEOUT: 0x8027,
  FINGERPRINT: 0x8028,
  ICE_CONTROLLED: 0x8029,
  ICE_CONTROLLING: 0x802a,
  RESPONSE_ORIGIN: 0x802b,
  OTHER_ADDRESS: 0x802c,
  THIRD_PARTY_AUTHORIZATION: 0x802e,
  ORIGIN: 0x802f,
  MOBILITY_TICKET: 0x8030,
} as const;
export type Attribute = (typeof Attribute)[keyof typeof Attribute];

/** The first comprehension-optional type: below it, an unknown attribute must not be ignored (RFC 8489 §14). */
export const FIRST_OPTIONAL = 0x8000;

/** No such slot: the type is not one of ours. */
export const NO_SLOT = -1;

const OLD_ADDITIONAL_FAMILY = 0x8032;

const KNOWN: readonly number[] = Object.values(Attribute);

/** How many slots a message's attribute index needs: one per known type. */
export const SLOT_COUNT: number = KNOWN.length;

// Two flat tables, one per half of the type space, make the look-up one bounds check and one load.
const LOW_SLOTS = slotTable(0x0000);
const HIGH_SLOTS = slotTable(0x8000);

function slotTable(base: number): Int8Array {
  const table = new Int8Array(0x40).fill(NO_SLOT);
  for (const [slot, type] of KNOWN.entries()) {
    if (type >= base && type < base + table.length) table[type - base] = slot;
  }
  // coturn up to 4.6 numbers ADDITIONAL-ADDRESS-FAMILY as its draft did; the registry gives 0x8032 to nothing else.
  if (base === FIRST_OPTIONAL) table[OLD_ADDITIONAL_FAMILY - base] = KNOWN.indexOf(Attribute.ADDITIONAL_ADDRESS_FAMILY);
  return table;
}

/** The index slot of an attribute type, or {@link NO_SLOT} for a type that we do not know. */
export function slotOf(type: number): number {
  if (type < 0x40) return LOW_SLOTS[type] as number;
  if (type >= 0x8000 && type < 0x8040) return HIGH_SLOTS[type - 0x8000] as number;
  return NO_SLOT;
}
