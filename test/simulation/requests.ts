// What the simulation knows of a request that it has sent: its meaning in plain values, from which the model judges the
// answer and from which the bytes are built. Families are the codes on the wire: 1 is IPv4, 2 is IPv6.

import { REQUEST } from '../support/lab-client.ts';
import { type AttributeInput, attr, message } from '../support/wire.ts';
import {
  channelNumber,
  dontFragment,
  evenPort,
  lifetime,
  nonce,
  realm,
  requestedTransport,
  reservationToken,
  username,
  xorPeerAddress,
} from '../support/wire-attributes.ts';

/** A nonce that the server gave. */
export interface GivenNonce {
  readonly text: string;
  /** The client that it was given to. */
  readonly serial: number;
  /** Wall-clock milliseconds. */
  readonly at: number;
}

/** How a request authenticates. */
export interface Signature {
  /** The username that it claims. */
  readonly user: string;
  readonly realm: string;
  /** What it is signed with, right or wrong. */
  readonly key: Buffer;
  readonly nonce: GivenNonce;
}

/** A peer's transport address. */
export interface Peer {
  readonly ip: string;
  readonly port: number;
}

interface Common {
  readonly tid: Buffer;
  /** Null: no credentials. */
  readonly signature: Signature | null;
  /** Whether it carries an attribute that must be understood and is not. */
  readonly unknown: boolean;
}

export interface AllocateRequest extends Common {
  readonly kind: 'allocate';
  /** Protocol number; null = absent. */
  readonly transport: number | null;
  readonly dontFragment: boolean;
  readonly family: number | null;
  readonly additional: number | null;
  /** The R bit of EVEN-PORT; null = absent. */
  readonly even: boolean | null;
  /** Hex. */
  readonly token: string | null;
  readonly lifetime: number | null;
}

export interface RefreshRequest extends Common {
  readonly kind: 'refresh';
  readonly lifetime: number | null;
  readonly family: number | null;
}

export interface PermissionRequest extends Common {
  readonly kind: 'permission';
  readonly peers: readonly Peer[];
}

export interface ChannelRequest extends Common {
  readonly kind: 'channel';
  readonly number: number | null;
  readonly peer: Peer | null;
}

export interface BindingRequest extends Common {
  readonly kind: 'binding';
}

export type SimRequest = AllocateRequest | RefreshRequest | PermissionRequest | ChannelRequest | BindingRequest;

const TYPES = {
  allocate: REQUEST.allocate,
  refresh: REQUEST.refresh,
  permission: REQUEST.createPermission,
  channel: REQUEST.channelBind,
  binding: REQUEST.binding,
} as const;

/** The bytes of a request. */
export function requestBytes(request: SimRequest, fingerprint: boolean): Buffer {
  const attrs = attributesOf(request);
  if (request.unknown) attrs.push([0x7f00, 'c0ffee']);
  const { signature, tid } = request;
  const type = TYPES[request.kind];
  if (signature === null) return message({ type, tid, attrs, fingerprint });
  attrs.push(username(signature.user), realm(signature.realm), nonce(signature.nonce.text));
  return message({ type, tid, attrs, key: signature.key, fingerprint });
}

/** Whether a message that was built here ends in FINGERPRINT. */
export function hasFingerprint(bytes: Buffer): boolean {
  return bytes.length >= 28 && bytes.readUInt32BE(bytes.length - 8) === 0x80280004;
}

function attributesOf(request: SimRequest): AttributeInput[] {
  switch (request.kind) {
    case 'allocate':
      return allocateAttributes(request);
    case 'refresh':
      return [
        ...optional(request.lifetime, lifetime),
        ...optional(request.family, family(attr.requestedAddressFamily)),
      ];
    case 'permission':
      return request.peers.map(({ ip, port }) => xorPeerAddress(ip, port));
    case 'channel':
      return [
        ...optional(request.number, channelNumber),
        ...optional(request.peer, (it) => xorPeerAddress(it.ip, it.port)),
      ];
    case 'binding':
      return [];
  }
}

function allocateAttributes(request: AllocateRequest): AttributeInput[] {
  return [
    ...optional(request.transport, requestedTransport),
    ...(request.dontFragment ? [dontFragment()] : []),
    ...optional(request.family, family(attr.requestedAddressFamily)),
    ...optional(request.additional, family(attr.additionalAddressFamily)),
    ...optional(request.even, evenPort),
    ...optional(request.token, reservationToken),
    ...optional(request.lifetime, lifetime),
  ];
}

function optional<T>(value: T | null, attribute: (value: T) => AttributeInput): AttributeInput[] {
  return value === null ? [] : [attribute(value)];
}

const family =
  (type: number) =>
  (code: number): AttributeInput => [type, Buffer.from([code, 0, 0, 0])];
