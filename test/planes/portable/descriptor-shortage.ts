// Run by the relay sockets' test with few file descriptors: opens pairs until none is left, then closes them all.

import { randomFillSync } from 'node:crypto';
import { PlaneCounters } from '../../../src/planes/plane-counters.ts';
import { PortableRelaySockets } from '../../../src/planes/portable/portable-relay-sockets.ts';
import { IpAddress } from '../../../src/stun/ip-address.ts';
import { PortRequest, type RelaySocket } from '../../../src/turn/env.ts';

const counters = new PlaneCounters();
const relays = new PortableRelaySockets({
  addresses: [new IpAddress(4, 0, 0, 0, 0x7f000001)],
  shown: (local) => local,
  minPort: 50_000,
  maxPort: 50_999,
  random: { fill: (target) => void randomFillSync(target) },
  counters,
  report: (fault) => console.error(fault),
});

const sockets: RelaySocket[] = [];
for (;;) {
  const pair = await relays.open(4, PortRequest.EVEN_AND_NEXT);
  if (pair === null) break;
  sockets.push(pair.socket, pair.reserved as RelaySocket);
}
await relays.open(4, PortRequest.EVEN_AND_NEXT);
await relays.open(4, PortRequest.EVEN_AND_NEXT);
const opened = sockets.length / 2;
const errors = counters.bindErrors.get('EMFILE');
const freePorts = relays.freePorts(4);
for (const socket of sockets) socket.close();
const freeAtEnd = relays.freePorts(4);
const again = await relays.open(4, PortRequest.ANY);
console.log(JSON.stringify({ opened, errors, freePorts, freeAtEnd, reopened: again === null ? 0 : 1 }));
again?.socket.close();
