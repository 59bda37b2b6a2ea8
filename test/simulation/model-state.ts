// What the model remembers of an allocation, and which addresses are whose in the simulated world.

import { type IpAddress, parseIp } from '../../src/stun/ip-address.ts';
import { RELAY_PRIVATE_V4, RELAY_PRIVATE_V6, RELAY_V4, RELAY_V6 } from '../support/lab.ts';
import type { Peer } from './requests.ts';

/** What relay sockets are bound to and shown as, in the order of the port table's rows. */
export const RELAY_ADDRESSES: readonly { readonly ip: IpAddress; readonly shown: IpAddress }[] = [
  { ip: address(RELAY_PRIVATE_V4), shown: address(RELAY_V4) },
  { ip: address(RELAY_PRIVATE_V6), shown: address(RELAY_V6) },
];

/** The first relay port. */
export const FIRST_PORT = 50_000;

export interface ModelRelay {
  readonly address: string;
  readonly family: 4 | 6;
  deadline: number;
}

export interface ModelAllocation {
  readonly serial: number;
  readonly user: string;
  readonly realm: string;
  /** What its owner proves to be the owner with. */
  readonly key: Buffer;
  relays: ModelRelay[];
  /** Until when peers at an IP address may send. */
  readonly permissions: Map<string, number>;
  readonly channels: Map<number, { readonly peer: string; readonly deadline: number }>;
  /** The transaction that made it, and its answer. */
  readonly tid: Buffer;
  readonly answer: Buffer;
  readonly madeAt: number;
}

/** A port that is set aside. All times are monotonic milliseconds. */
export interface ModelReservation {
  readonly address: string;
  /** Until when it must be there, and from when on it must not. */
  readonly surelyUntil: number;
  readonly deadline: number;
  /** Allocates that name the token and have not been answered, or never will be: one of them may have it. */
  claims: number;
}

/** Hosts that clients may talk to. */
export const HOSTS = ['93.184.216.34', '93.184.215.14', '1.1.1.1', '2606:2800:220:1::1', '2a00:1450:4001::5'] as const;

/** Addresses that no client may reach, each for another reason. */
export const REFUSED = [
  '10.0.0.7',
  '127.0.0.1',
  '169.254.169.254',
  RELAY_PRIVATE_V4,
  '::1',
  'fe80::1',
  '2002:a00::1',
] as const;

/** The family of an address, with or without port. */
export function familyOf(address: string): 4 | 6 {
  return /^[\d.]+(:\d+)?$/.test(address) ? 4 : 6;
}

/** `ip:port` or `[ip]:port`. */
export function textOf({ ip, port }: Peer): string {
  return familyOf(ip) === 4 ? `${ip}:${port}` : `[${ip}]:${port}`;
}

/** Whether an address, with or without port, is one that the server shows as relayed address. */
export function isOwn(address: string): boolean {
  return [RELAY_V4, RELAY_V6].some(
    (own) => address === own || address.startsWith(`${own}:`) || address.startsWith(`[${own}]`),
  );
}

/** Whether the server must refuse this peer IP address. */
export function isRefusedPeer(ip: string): boolean {
  return (REFUSED as readonly string[]).includes(ip);
}

function address(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === null) throw new Error(text);
  return ip;
}
