// What the model remembers of an allocation, and which addresses are whose in the simulated world.

import { RELAY_PRIVATE_V4, RELAY_V4, RELAY_V6 } from '../support/lab.ts';
import type { Peer } from './requests.ts';

export interface ModelRelay {
  readonly address: string;
  readonly family: 4 | 6;
  deadline: number;
}

export interface ModelAllocation {
  readonly user: string;
  relays: ModelRelay[];
  /** Until when peers at an IP address may send. */
  readonly permissions: Map<string, number>;
  readonly channels: Map<number, { readonly peer: string; readonly deadline: number }>;
  /** The transaction that made it, and its answer. */
  readonly tid: Buffer;
  readonly answer: Buffer;
  readonly madeAt: number;
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
