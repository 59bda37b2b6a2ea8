// S27 and S28: the whole built-in list at every way to a peer, in a network where a single datagram would be seen.

import { type Test, test } from 'tap';
import { CLOSED, encodings, ip, METADATA, samples } from '../support/denied-peers.ts';
import { Lab, type LabOptions, RELAY_V4, RELAY_V6 } from '../support/lab.ts';
import type { LabClient } from '../support/lab-client.ts';
import { requestedAddressFamily } from '../support/wire-attributes.ts';

const CHANNEL = 0x4000;
const at = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** A client of each family, and all that leaves. */
class Scene {
  readonly lab: Lab;
  readonly #clients: Map<4 | 6, LabClient> = new Map();

  constructor(options: LabOptions = {}) {
    this.lab = new Lab(options);
  }

  async client(address: string): Promise<LabClient> {
    const family = address.includes(':') ? 6 : 4;
    const known = this.#clients.get(family);
    if (known !== undefined) return known;
    const client = this.lab.client();
    await client.allocated([requestedAddressFamily(family)]);
    this.#clients.set(family, client);
    return client;
  }

  /** Tries every way to an address; what happened, in a word for each that is not what it should be. */
  async try(address: string): Promise<string[]> {
    const client = await this.client(address);
    const faults: string[] = [];
    const permitted = await client.permit(address);
    if (permitted.errorCode !== 403) faults.push(`CreatePermission ${address}: ${permitted.errorCode ?? 'success'}`);
    const bound = await client.bind(CHANNEL, at(address, 7));
    if (bound.errorCode !== 403) faults.push(`ChannelBind ${address}: ${bound.errorCode ?? 'success'}`);
    client.sendTo(at(address, 7), 'by Send');
    client.sendChannel(CHANNEL, 'by ChannelData');
    this.lab.peer(at(address, 9)).send(client.allocation?.relays()[0]?.relayed.text ?? '', 'from there');
    if (client.take().length > 0) faults.push(`${address} was heard`);
    return faults;
  }

  /** Asserts that nothing has left or come in, and nothing is kept. */
  isClean(t: Test): void {
    t.same(this.lab.relays.lost, [], 'no datagram has left');
    t.match(this.lab.engine.counters, { packetsToPeer: 0, packetsToClient: 0 });
    for (const client of this.#clients.values()) {
      t.equal(client.allocation?.permissions.size, 0);
      t.equal(client.allocation?.channels.size, 0);
    }
  }
}

async function allRefused(t: Test, scene: Scene, addresses: Iterable<string>): Promise<void> {
  const faults: string[] = [];
  let count = 0;
  for (const address of addresses) {
    count++;
    faults.push(...(await scene.try(address)));
  }
  t.same(faults, []);
  t.comment(`${count} addresses`);
  scene.isClean(t);
}

test('S27 the first, last and middle address of every closed range, and clouds’ metadata, are reached by no way', async (t) => {
  const all = CLOSED.flatMap(([first, last]) => samples(first, last).map(({ text }) => text));
  const addresses = all.filter((text) => text !== RELAY_V4 && text !== RELAY_V6); // shown as relayed: judged by port
  await allRefused(t, new Scene(), [...addresses, ...METADATA]);
});

test('S28 no encoding of a closed IPv4 address is reached by any way', async (t) => {
  const closed = CLOSED.filter(([first]) => ip(first).family === 4).flatMap(([first, last]) => samples(first, last));
  const hidden = [...closed, ...METADATA.filter((text) => !text.includes(':')).map(ip)];
  await allRefused(t, new Scene(), new Set(hidden.flatMap((address) => Object.values(encodings(address)))));
});

test('S31 S28 nor is one of a hard range, whatever is allowed', async (t) => {
  const hard = CLOSED.filter(([, , cls]) => cls === 'H').flatMap(([first, last]) => samples(first, last));
  const hidden = hard.filter(({ family, w3 }) => family === 4 && w3 >>> 24 !== 0);
  const encoded = hidden.flatMap((address) => Object.values(encodings(address)));
  const allow = ['0.0.0.0/0', '::/0', '127.0.0.1', '::1', '169.254.169.254', '64:ff9b::/96', '2002::/16'];
  await allRefused(t, new Scene({ allow }), new Set([...hard.map(({ text }) => text), ...encoded]));
});

test('S27 a peer that is open is reached by all of these ways: the network would show a leak', async (t) => {
  const scene = new Scene();
  for (const [address, faults] of [
    ['93.184.216.34', 3],
    ['2600:1f18::5', 3],
  ] as const) {
    t.equal((await scene.try(address)).length, faults, address);
  }
  t.equal(scene.lab.relays.lost.length, 4);
});
