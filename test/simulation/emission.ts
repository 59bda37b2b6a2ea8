// What leaves the server, in words that can be compared, and small things that the world needs for it.

import { isWorkerOwner, PortOwner } from '../../src/planes/port-table.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { portOf } from '../support/lab-checks.ts';
import { attr, decode, decodeChannelData } from '../support/wire.ts';
import type { Delivery } from './model.ts';
import { FIRST_PORT, familyOf, isOwn, RELAY_ADDRESSES } from './model-state.ts';
import type { SimClient } from './sim-client.ts';
import type { World } from './world.ts';

/** Something for a client: data as a delivery, or null for an answer that was as it should be. Throws what is wrong. */
export function readEmission(client: SimClient, bytes: Buffer, { timeline, desk }: World): Delivery | null {
  if ((bytes[0] ?? 0) >= 0x40) {
    const { channel, payload, rest } = decodeChannelData(bytes);
    const padding = client.stream ? (4 - (payload.length % 4)) % 4 : 0;
    if (rest.length !== padding) throw new Error(`${rest.length} bytes of padding`);
    return `client ${client.serial} channel ${channel} ${payload.toString('latin1')}`;
  }
  const message = decode(bytes);
  if (message.type === 0x0017) {
    if (message.attrs.length !== 2) throw new Error('a Data indication with odd attributes');
    const from = message.xorAddress(attr.xorPeerAddress);
    return `client ${client.serial} data from ${from} ${message.get(attr.data)?.toString('latin1')}`;
  }
  const nonce = message.text(attr.nonce);
  if (nonce !== undefined) client.issued(nonce, timeline.wallTime());
  desk.answered(client, message);
  return null;
}

/** What kind of delivery it is. */
export function kindOf(delivery: Delivery, { model, clients }: World): string {
  const [to = '', serial = '', how = '', , from = ''] = delivery.split(' ');
  if (to === 'peer') return 'to a host';
  if (how === 'channel') return 'by channel';
  if (!isOwn(from)) return 'by indication';
  const sender = model.relayAt(from)?.serial;
  const [one, other] = [Number(serial), sender].map((each) => clients.find((client) => client.serial === each));
  return `by indication from another ${one?.worker === other?.worker ? 'client' : 'process'}`;
}

/** Counts one more, or several. */
export function increase(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** Other programs have some of the relay ports. */
export function occupyPorts({ kernel, climate, random }: World): void {
  for (const { ip } of RELAY_ADDRESSES)
    for (const byte of random.bytes(3))
      kernel.bind(new TransportAddress(ip, FIRST_PORT + (byte % climate.ports)), 'another program');
}

/** The address that a relayed address stands for behind the NAT. */
export function hidden(relayed: string): TransportAddress {
  const { ip } = RELAY_ADDRESSES[familyOf(relayed) === 4 ? 0 : 1] as { ip: TransportAddress['ip'] };
  return new TransportAddress(ip, portOf(relayed));
}

/** Whether a socket is bound there, or the port table says so of a worker that may be dead. */
export function isTakenUp(relayed: string, { kernel, main }: World): boolean {
  const local = hidden(relayed);
  const owner = main.tableOf(PortOwner.MAIN).ownerOf(familyOf(relayed) === 4 ? 0 : 1, local.port);
  return kernel.isBound(local) || isWorkerOwner(owner);
}
