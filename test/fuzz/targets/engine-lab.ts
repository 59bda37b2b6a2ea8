// A fresh server in one of its variants, with clients of every kind and peers, for the engine targets: and what must be
// true of it after every step and at the end.

import { BlockList, isIPv6 } from 'node:net';
import { Lab, transportAddress } from '../../support/lab.ts';
import { type LabClient, peerAddress, REQUEST } from '../../support/lab-client.ts';
import { type AttributeInput, attr, decode, message } from '../../support/wire.ts';
import { additionalAddressFamily, channelNumber, requestedTransport } from '../../support/wire-attributes.ts';
import { expect, type Notice } from '../target.ts';

/** Bits of a program's variant. */
export const Variant = {
  PASSWORD_ALGORITHMS: 1,
  OLD_CHANNEL_NUMBERS: 2,
  /** Relay sockets open in a later turn. */
  ASYNC: 4,
  /** Four relay ports and two allocations per user. */
  SCARCE: 8,
  /** Nobody has an allocation yet. */
  BARE: 16,
  IPV4_ONLY: 32,
  DONT_FRAGMENT: 64,
  /** Binding needs credentials, and SOFTWARE is sent. */
  STRICT: 128,
} as const;

/** Peers with a permission; the first of a family has a channel as well. */
export const PEERS = [
  '93.184.216.34:5000',
  '[2606:2800:220:1::1]:5000',
  '93.184.216.35:5001',
  '[2606:2800:220:1::2]:1',
] as const;

const CHANNELS: readonly (readonly [number, string])[] = [
  [0x4000, PEERS[0]],
  [0x4001, PEERS[1]],
];
const TID = Buffer.alloc(12, 5);

type Peerable = { readonly relayed: { readonly text: string } } | null | undefined;

// No allocation outlives maxLifetime, no reservation its half minute: a second more, in hops that the wheel can follow.
const LONGEST_LIFE = 3601;
const HOP = 30;

/** Opens a lab of a variant. */
export function openLab(variant: number): Lab {
  const has = (bit: number): boolean => (variant & bit) !== 0;
  return new Lab({
    settings: {
      passwordAlgorithms: has(Variant.PASSWORD_ALGORITHMS),
      usernameAnonymity: has(Variant.PASSWORD_ALGORITHMS),
      rfc5766ChannelNumbers: has(Variant.OLD_CHANNEL_NUMBERS),
      authenticateBinding: has(Variant.STRICT),
      software: has(Variant.STRICT) ? 'turnd' : '',
    },
    limits: has(Variant.SCARCE) ? { permissionsPerAllocation: 5, channelsPerAllocation: 4 } : {},
    asyncOpen: has(Variant.ASYNC),
    families: has(Variant.IPV4_ONLY) ? [4] : [4, 6],
    ...(has(Variant.SCARCE) ? { ports: [50_000, 50_003] as const, quotaPerUser: 2 } : {}),
    env: { capabilities: { dontFragment: has(Variant.DONT_FRAGMENT) } },
  });
}

/** Sends a message and returns the first answer; for labs whose relay sockets open at once. */
function ask(client: LabClient, bytes: Buffer) {
  client.send(bytes);
  const [answer] = client.take();
  expect(answer !== undefined, 'no answer while things are set up');
  return decode(answer);
}

/** Gives a client a nonce. */
export function challenge(client: LabClient): void {
  const request = message({ type: REQUEST.allocate, tid: TID, attrs: [requestedTransport()] });
  client.nonce = ask(client, request).text(attr.nonce) ?? '';
}

/** Gives a client an allocation with permissions and channels. For labs that open relay sockets at once. */
export function allocate(client: LabClient): void {
  signedBy(client, REQUEST.allocate, [requestedTransport(), additionalAddressFamily()]);
  signedBy(client, REQUEST.createPermission, PEERS.slice(0, client.allocation?.ipv6 == null ? 1 : 4).map(peerAddress));
  for (const [number, peer] of CHANNELS)
    signedBy(client, REQUEST.channelBind, [channelNumber(number), peerAddress(peer)]);
}

/** Lets two clients reach each other: over IPv4 the first by a channel and the second by Send, over IPv6 the reverse. */
export function introduce(one: LabClient, other: LabClient): void {
  bindAndPermit(one, one.allocation?.ipv4, other, other.allocation?.ipv4, 0x4003);
  bindAndPermit(other, other.allocation?.ipv6, one, one.allocation?.ipv6, 0x4004);
}

function bindAndPermit(binder: LabClient, from: Peerable, permitter: LabClient, to: Peerable, number: number): void {
  if (from == null || to == null) return;
  signedBy(binder, REQUEST.channelBind, [channelNumber(number), peerAddress(to.relayed.text)]);
  signedBy(permitter, REQUEST.createPermission, [peerAddress(from.relayed.text)]);
}

function signedBy(client: LabClient, type: number, attrs: readonly AttributeInput[]): void {
  ask(client, client.signed(type, attrs, { tid: TID }));
}

/** Lets time pass, so that everything ends by itself, and expects that nothing is left. */
export function expectNothingLeft(lab: Lab): void {
  for (let second = 0; second <= LONGEST_LIFE; second += HOP) pass(lab, HOP);
  pass(lab, HOP * 2);
  expect(lab.engine.allocations.size === 0, `${lab.engine.allocations.size} allocations are left`);
  for (const [user, count] of lab.quota.held) expect(count === 0, `${user} is counted ${count} times`);
  expect(lab.engine.reservations.size === 0, `${lab.engine.reservations.size} reservations are left`);
  expect(lab.relays.sockets.size === 0, `${lab.relays.sockets.size} relay sockets are left`);
  expectNoFailure(lab);
}

/** Lets seconds pass at once. */
export function pass(lab: Lab, seconds: number): void {
  lab.clock.monotonic += seconds * 1000;
  lab.clock.wall += seconds * 1000;
  lab.engine.tick();
}

/** Nothing has thrown inside. */
export function expectNoFailure({ observer }: Lab): void {
  const [failure] = observer.failures;
  if (failure !== undefined) throw new Error('the engine caught', { cause: failure });
}

/** What the engine did since the last call, as features: drops, life events. */
export class Watch {
  readonly #lab: Lab;
  #dropped: number[] = [];

  /** What has happened so far does not count. */
  constructor(lab: Lab) {
    this.#lab = lab;
    lab.observer.events.length = 0;
  }

  notice(what: string, notice: Notice): void {
    const { engine, observer } = this.#lab;
    const dropped = [...engine.counters.dropped];
    for (const [reason, count] of dropped.entries())
      if (count > (this.#dropped[reason] ?? 0)) notice(`${what} dropped ${reason}`);
    this.#dropped = dropped;
    for (const event of observer.events.splice(0)) notice(`${what} ${formOf(event)}`);
  }
}

// What kind of event it is, without names and addresses.
function formOf(event: string): string {
  return event.replace(/(?<=^auth failed ).* /s, '_ ').replace(/[0-9a-f.:[\]]{4,}/g, '_');
}

// Ranges that no rule of the lab opens; judged by Node, not by our policy.
const FORBIDDEN = blockList(
  ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  [
    '224.0.0.0/3',
    '::/96',
    '::ffff:0:0:0/96',
    '64:ff9b::/96',
    '2001::/32',
    '2002::/16',
    'fc00::/7',
    'fe80::/9',
    'ff00::/8',
  ],
);

function blockList(...ranges: readonly (readonly string[])[]): BlockList {
  const list = new BlockList();
  for (const range of ranges.flat()) {
    const [net = '', length] = range.split('/');
    list.addSubnet(net, Number(length), isIPv6(net) ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** What went to peers holds only bytes that were sent, and went to no address that is closed. */
export function expectFairRelaying(lab: Lab, sent: Buffer): void {
  const arrived = lab.relays.lost.splice(0);
  expect(arrived.length <= 1, `${arrived.length} datagrams to peers`);
  for (const { to, payload } of arrived) {
    expect(sent.includes(payload), `${to} got bytes that were not sent`);
    const { ip, port } = transportAddress(to);
    expect(port !== 0, 'sent to port 0');
    // A BlockList takes mapped addresses for the IPv4 addresses in them.
    expect(
      !ip.text.startsWith('::ffff:') && !FORBIDDEN.check(ip.text, isIPv6(ip.text) ? 'ipv6' : 'ipv4'),
      `sent to ${to}`,
    );
  }
}
