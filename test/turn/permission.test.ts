import { test } from 'tap';
import { hashWords, IpAddress, parseIp } from '../../src/stun/ip-address.ts';
import type { Relay } from '../../src/turn/allocation.ts';
import { Channel } from '../../src/turn/channel.ts';
import { Permission, PermissionTable } from '../../src/turn/permission.ts';
import { Lab } from '../support/lab.ts';
import { hears } from '../support/lab-relayed.ts';
import { requestedAddressFamily } from '../support/wire-attributes.ts';

// In a public prefix, so that the policy has nothing against them.
const W0 = 0x26001f18;

/** The hash's state before the last word: see hashWords. */
function stateBeforeLastWord(w0: number, w1: number, w2: number): number {
  let hash = Math.imul(w0 ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul((hash ^ (hash >>> 15)) + w1, 0xc2b2ae35);
  hash = Math.imul((hash ^ (hash >>> 15)) + w2, 0x27d4eb2f);
  return hash ^ (hash >>> 15);
}

/** So many IPv6 addresses with one hash: the last word makes up for the others, as an adversary would have it. */
function colliding(count: number): IpAddress[] {
  const first = new IpAddress(6, W0, 1, 0, 1);
  const target = stateBeforeLastWord(W0, 1, 0) + 1;
  const others = Array.from({ length: count - 1 }, (_, index) => {
    const w1 = index + 2;
    return new IpAddress(6, W0, w1, 0, target - stateBeforeLastWord(W0, w1, 0));
  });
  return [first, ...others];
}

function permissionsFor(ips: readonly IpAddress[]): Permission[] {
  return ips.map((ip) => new Permission(ip, false, 1000));
}

function tableOf(permissions: readonly Permission[]): PermissionTable {
  const table = new PermissionTable(0);
  for (const permission of permissions) table.add(permission);
  return table;
}

/** The numbers below `count` in every order. */
function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => [...order.slice(0, at), count - 1, ...order.slice(at)]),
  );
}

test('the addresses of this test do collide', async (t) => {
  const hashes = colliding(64).map((ip) => hashWords(ip.w0, ip.w1, ip.w2, ip.w3));
  t.equal(new Set(hashes).size, 1);
  t.equal(new Set(colliding(64).map((ip) => ip.text)).size, 64);
});

test('permissions whose addresses collide are found, each by its own address', async (t) => {
  const permissions = permissionsFor(colliding(20));
  const table = tableOf(permissions);
  t.equal(table.size, 20);
  t.ok(permissions.every((permission) => table.find(permission.peer) === permission));
  const stranger = colliding(21)[20] as IpAddress;
  t.equal(table.find(stranger), null, 'and one more of the same hash is not');
});

test('an IPv4 address and an IPv6 address of the same words are two', async (t) => {
  const v4 = parseIp('0.0.0.5') as IpAddress;
  const v6 = parseIp('::5') as IpAddress;
  const [permission] = permissionsFor([v4]) as [Permission];
  t.equal(tableOf([permission]).find(v6), null);
  t.equal(tableOf([permission]).find(v4), permission);
});

test('colliding permissions leave in any order without touching the others', async (t) => {
  const permissions = permissionsFor(colliding(4));
  const lost: string[] = [];
  for (const order of orders(4)) {
    const table = tableOf(permissions);
    const left = new Set(permissions);
    for (const index of order) {
      const leaving = permissions[index] as Permission;
      table.remove(leaving);
      left.delete(leaving);
      const found = permissions.filter((permission) => table.find(permission.peer) === permission);
      const listed = new Set(table.list());
      const right = found.length === left.size && found.every((one) => left.has(one) && listed.has(one));
      if (!right || table.size !== left.size || listed.size !== left.size) lost.push(order.join());
    }
  }
  t.same(lost, []);
});

test('removing a permission that is not there changes nothing', async (t) => {
  const [first, second, third, absent] = permissionsFor(colliding(4)) as [
    Permission,
    Permission,
    Permission,
    Permission,
  ];
  const table = tableOf([first, second, third]);
  table.remove(absent);
  t.equal(table.size, 3);
  table.remove(second);
  table.remove(second);
  t.equal(table.size, 2);
  t.same(new Set(table.list()), new Set([first, third]));
  tableOf([]).remove(absent);
  t.equal(table.size, 2);
});

test('a removed permission can be added again', async (t) => {
  const permissions = permissionsFor(colliding(3));
  const table = tableOf(permissions);
  const middle = permissions[1] as Permission;
  table.remove(middle);
  t.equal(table.find(middle.peer), null);
  table.add(middle);
  t.ok(permissions.every((permission) => table.find(permission.peer) === permission));
});

test('a permission ends at its deadline, and finds channels by port', async (t) => {
  const [permission] = permissionsFor(colliding(1)) as [Permission];
  t.ok(permission.isLive(999));
  t.notOk(permission.isLive(1000));
  const bind = (number: number, port: number) => {
    const channel = new Channel(number, permission, port, {} as Relay, 600);
    permission.addChannel(channel);
    return channel;
  };
  const channels = [bind(0x4000, 7), bind(0x4001, 8), bind(0x4002, 65_535)];
  t.same(
    [7, 8, 65_535].map((port) => permission.channelAt(port)?.number),
    channels.map(({ number }) => number),
  );
  t.equal(permission.channelAt(9), null);
  t.ok(channels[0]?.isLive(599));
  t.notOk(channels[0]?.isLive(600));
});

test('S38 peers whose addresses collide are told apart from request to expiry', async (t) => {
  // The one seed for which they do.
  const lab = new Lab({ env: { random: { fill: (target) => target.fill(0) } } });
  const client = lab.client();
  const relayed = await client.allocated([requestedAddressFamily(6)]);
  const peers = colliding(5).map((ip) => lab.peer(`[${ip.text}]:5000`));
  const texts = peers.map((peer) => peer.address.ip.text);
  await client.permit(...texts.slice(0, 4));
  const heard = () => peers.map((peer) => hears(client, peer, relayed));
  t.same(heard(), [1, 1, 1, 1, 0]);
  await lab.advance(200);
  await client.permit(texts[0] as string, texts[3] as string);
  await lab.advance(120);
  t.equal(client.allocation?.permissions.size, 2, 'two from the middle of the chain are gone');
  t.same(heard(), [1, 0, 0, 1, 0]);
});

test('S50 addresses that collide under one secret do not under another', async (t) => {
  const ips = colliding(1024);
  const hashes = (seed: number): number => new Set(ips.map((ip) => new PermissionTable(seed).hashOf(ip))).size;
  t.equal(hashes(0), 1, 'whoever knew it could do this');
  for (const seed of [1, -1, 0x7fff_ffff, 0x12345678]) t.ok(hashes(seed) > 1000, `${hashes(seed)} under ${seed}`);
});

test('S50 the secret of the hash is the engine’s own', async (t) => {
  const seeds = new Set<number>();
  for (const byte of [1, 2]) {
    const lab = new Lab({ env: { random: { fill: (target) => target.fill(byte) } } });
    const client = lab.client();
    await client.allocated();
    seeds.add(client.allocation?.permissions.hashOf({ family: 4, w0: 0, w1: 0, w2: 0, w3: 0 }) ?? 0);
  }
  t.equal(seeds.size, 2);
});
