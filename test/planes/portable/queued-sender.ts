// Run by the listener's test under --test-udp-no-try-send, where every datagram but a turn's first must wait in libuv's
// queue. Sends 200 relayed messages and then four replies from one reused buffer; prints what arrived.

import { PlaneCounters } from '../../../src/planes/plane-counters.ts';
import { UdpListener } from '../../../src/planes/portable/udp-listener.ts';
import { IpAddress } from '../../../src/stun/ip-address.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import type { ClientEndpoint } from '../../../src/turn/client-endpoint.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { Inbox } from '../../support/inbox.ts';

const MESSAGES = 200;
const REPLIES = 4;

const arrivals = new Inbox<ClientEndpoint>();
const counters = new PlaneCounters();
const listener = await UdpListener.open({
  bind: new TransportAddress(new IpAddress(4, 0, 0, 0, 0x7f000001), 0),
  handler: { fromClient: (endpoint) => arrivals.put(endpoint), endpointClosed: () => {} },
  counters: counters.clients,
  report: (fault) => console.error(fault),
});
const client = await DatagramPeer.open('127.0.0.1');
await client.send(Buffer.from('hello'), listener.local.port, '127.0.0.1');
const endpoint = await arrivals.next();

for (let index = 0; index < MESSAGES; index++) {
  const header = endpoint.link.header();
  header.writeUInt32BE(index, 0);
  endpoint.link.sendRelayed(endpoint, header, 4, Buffer.from('payload'), 0, 7, 0);
}
const sent = counters.clients.packetsOut;
const relayed = await hear(sent);

const reply = Buffer.alloc(4);
for (let index = 0; index < REPLIES; index++) {
  reply.writeUInt32BE(index, 0);
  endpoint.link.send(endpoint, reply, 0, 4);
}
const replies = await hear(REPLIES);
console.log(JSON.stringify({ relayed, replies, dropped: counters.clients.droppedQueueFull }));
listener.close();
client.close();

async function hear(count: number): Promise<number[]> {
  const numbers: number[] = [];
  while (numbers.length < count) numbers.push((await client.next()).bytes.readUInt32BE(0));
  return numbers;
}
