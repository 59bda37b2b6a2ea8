// Run by test/turn/maximal-allocation.test.ts in a Node of its own, which lets it collect garbage: what an allocation costs
// that has all the permissions and channels that the defaults allow. Prints bytes for one.

import { IpAddress } from '../../src/stun/ip-address.ts';
import { Lab } from './lab.ts';
import { requestedAddressFamily } from './wire-attributes.ts';

const ALLOCATIONS = 8;
const PEERS = 1024;
const LIMIT = { bytesPerSecond: 1_000_000, packetsPerSecond: 10_000 };

function used(): number {
  for (let pass = 0; pass < 3; pass++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

// In a public prefix. Texts of addresses are made on first use: a listing has shown them all.
function peerOf(index: number): IpAddress {
  const peer = new IpAddress(6, 0x26001f18, index * 7919, index, index ^ 0x5a5a5a5a);
  return peer;
}

async function measure(): Promise<number> {
  const lab = new Lab({
    limits: { rates: { server: LIMIT, user: LIMIT, allocation: LIMIT } },
    env: { observer: { ...silent() } },
  });
  const clients = Array.from({ length: ALLOCATIONS + 1 }, () => lab.client());
  for (const client of clients) await client.allocated([requestedAddressFamily(6)]);
  const fill = (index: number): void => {
    const allocation = clients[index]?.allocation;
    const relay = allocation?.ipv6;
    if (allocation === null || allocation === undefined || relay === null || relay === undefined)
      throw new Error('none');
    for (let peer = 0; peer < PEERS; peer++) {
      const ip = peerOf(index * PEERS + peer);
      lab.engine.allocations.bindChannel(allocation, relay, 0x4000 + peer, ip, 5000);
      ip.text.at(0);
    }
    if (allocation.channels.size !== PEERS || allocation.permissions.size !== PEERS) throw new Error('not maximal');
  };
  fill(0); // what is made once for all
  const before = used();
  for (let index = 1; index <= ALLOCATIONS; index++) fill(index);
  return (used() - before) / ALLOCATIONS;
}

// The lab's own observer writes everything down.
function silent() {
  const nothing = (): void => undefined;
  return {
    ...{ allocated: nothing, refreshed: nothing, relayReleased: nothing, released: nothing, overRate: nothing },
    ...{ permissionInstalled: nothing, channelBound: nothing, channelUnbound: nothing, authFailed: nothing },
    ...{ peerDenied: nothing, rejected: nothing, failed: nothing },
  };
}

console.log(await measure());
