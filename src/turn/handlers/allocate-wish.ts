// What an Allocate request asks for: its attributes, checked in the order of RFC 8656 §7.2. Touches no state.

import { Attribute } from '../../stun/attributes.ts';
import type { IpFamily } from '../../stun/ip-address.ts';
import { ABSENT, type MessageView } from '../../stun/message-view.ts';
import {
  copyReservationToken,
  FAMILY_CODE_IPV4,
  FAMILY_CODE_IPV6,
  MALFORMED,
  readAddressFamily,
  readEvenPort,
  readLifetime,
  readRequestedTransport,
} from '../../stun/readers.ts';
import { PortRequest, type RelaySockets } from '../env.ts';
import { grantedLifetime } from '../lifetime.ts';
import {
  ADDRESS_FAMILY_NOT_SUPPORTED,
  BAD_REQUEST,
  INSUFFICIENT_CAPACITY,
  type Reject,
  UNSUPPORTED_TRANSPORT_PROTOCOL,
  unknownAttributes,
} from '../reply.ts';
import type { HandlerContext } from '../request.ts';

const PROTOCOL_UDP = 17;

/** What to allocate. */
export interface AllocateWish {
  readonly kind: 'wish';
  /** The relayed addresses to open; empty when a reservation is redeemed. */
  readonly families: readonly IpFamily[];
  /** A family of a dual allocation that is not served: reported in ADDRESS-ERROR-CODE. */
  readonly missing: IpFamily | null;
  readonly port: PortRequest;
  readonly reservationToken: string | null;
  /** Seconds to grant, unless the session is bounded otherwise. */
  readonly lifetime: number;
}

/** Reads and checks the attributes of an Allocate request. */
export function readAllocateWish(message: MessageView, context: HandlerContext): AllocateWish | Reject {
  const refusal = checkTransport(message) ?? checkDontFragment(message, context) ?? checkReservation(message);
  if (refusal !== null) return refusal;
  const families = readFamilies(message, context.env.relays);
  if (families.kind === 'reject') return families;
  const port = readPortRequest(message);
  if (port === MALFORMED) return BAD_REQUEST;
  // RFC 8656 §7.2 step 8: one token cannot stand for two ports in two families.
  if (port === PortRequest.EVEN_AND_NEXT && families.dual) return BAD_REQUEST;
  const requested = readLifetime(message);
  if (requested === MALFORMED) return BAD_REQUEST;
  return {
    kind: 'wish',
    families: families.families,
    missing: families.missing,
    port: port as PortRequest,
    reservationToken: copyReservationToken(message),
    lifetime: grantedLifetime(requested, context.settings),
  };
}

// RFC 8656 §7.2 step 3.
function checkTransport(message: MessageView): Reject | null {
  const protocol = readRequestedTransport(message);
  if (protocol < 0) return BAD_REQUEST;
  return protocol === PROTOCOL_UDP ? null : UNSUPPORTED_TRANSPORT_PROTOCOL;
}

// RFC 8656 §7.2 step 4: where DF cannot be set, the attribute counts as unknown.
function checkDontFragment(message: MessageView, context: HandlerContext): Reject | null {
  const refused = message.has(Attribute.DONT_FRAGMENT) && !context.env.capabilities.dontFragment;
  return refused ? unknownAttributes([Attribute.DONT_FRAGMENT]) : null;
}

// RFC 8656 §7.2 step 5. Whether the token is good is seen when it is redeemed.
function checkReservation(message: MessageView): Reject | null {
  if (!message.has(Attribute.RESERVATION_TOKEN)) return null;
  if (copyReservationToken(message) === '') return BAD_REQUEST;
  const contradicts =
    message.has(Attribute.EVEN_PORT) ||
    message.has(Attribute.REQUESTED_ADDRESS_FAMILY) ||
    message.has(Attribute.ADDITIONAL_ADDRESS_FAMILY);
  return contradicts ? BAD_REQUEST : null;
}

interface Families {
  readonly kind: 'families';
  readonly families: readonly IpFamily[];
  readonly missing: IpFamily | null;
  readonly dual: boolean;
}

// RFC 8656 §7.2 steps 6, 7 and 9.
function readFamilies(message: MessageView, relays: RelaySockets): Families | Reject {
  const requested = readAddressFamily(message, Attribute.REQUESTED_ADDRESS_FAMILY);
  const additional = readAddressFamily(message, Attribute.ADDITIONAL_ADDRESS_FAMILY);
  if (requested === MALFORMED || additional === MALFORMED) return BAD_REQUEST;
  if (requested !== ABSENT && additional !== ABSENT) return BAD_REQUEST;
  if (additional !== ABSENT) return additional === FAMILY_CODE_IPV6 ? bothFamilies(relays) : BAD_REQUEST;
  if (message.has(Attribute.RESERVATION_TOKEN)) return one([]);
  // Without the attribute it is IPv4, whatever family the client itself uses.
  const family = requested === ABSENT || requested === FAMILY_CODE_IPV4 ? 4 : requested === FAMILY_CODE_IPV6 ? 6 : null;
  return family !== null && relays.serves(family) ? one([family]) : ADDRESS_FAMILY_NOT_SUPPORTED;
}

function one(families: readonly IpFamily[]): Families {
  return { kind: 'families', families, missing: null, dual: false };
}

function bothFamilies(relays: RelaySockets): Families | Reject {
  const ipv4 = relays.serves(4);
  const ipv6 = relays.serves(6);
  if (ipv4 && ipv6) return { kind: 'families', families: [4, 6], missing: null, dual: true };
  if (ipv4) return { kind: 'families', families: [4], missing: 6, dual: true };
  if (ipv6) return { kind: 'families', families: [6], missing: 4, dual: true };
  return INSUFFICIENT_CAPACITY;
}

function readPortRequest(message: MessageView): number {
  const even = readEvenPort(message);
  if (even === ABSENT) return PortRequest.ANY;
  if (even === MALFORMED) return MALFORMED;
  return even === 1 ? PortRequest.EVEN_AND_NEXT : PortRequest.EVEN;
}
