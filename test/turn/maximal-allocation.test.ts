// What one allocation can cost at most: in number, in memory, and in time for a packet.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { engineLimits } from '../../src/server/engine-settings.ts';
import { configOf } from '../config/parse.ts';
import { Lab } from '../support/lab.ts';
import type { LabClient } from '../support/lab-client.ts';
import { requestedAddressFamily, xorPeerAddress } from '../support/wire-attributes.ts';

const MOST_BYTES = 512 * 1024;
const CREATE_PERMISSION = 0x0008;

/** A client of a server with default limits. */
async function byDefault(): Promise<LabClient> {
  const client = new Lab({ limits: { ...engineLimits(configOf({})), newPeersPerSecond: 0 } }).client({
    transport: 'tcp',
  });
  await client.allocated([requestedAddressFamily(6)]);
  return client;
}

const peer = (index: number): string => `2600:1f18::${index.toString(16)}`;

function permit(client: LabClient, first: number, count: number) {
  const peers = Array.from({ length: count }, (_, index) => xorPeerAddress(peer(first + index), 0));
  return client.request(CREATE_PERMISSION, peers);
}

test('S50 an allocation has 1,024 permissions at most', async (t) => {
  const client = await byDefault();
  t.equal((await permit(client, 1, 1025)).errorCode, 508);
  t.equal((await permit(client, 1, 1024)).type, 0x0108);
  t.equal((await permit(client, 2000, 1)).errorCode, 508);
  t.equal((await client.bind(0x4000, `[${peer(2000)}]:1`)).errorCode, 508, 'a channel would add one');
  t.equal(client.allocation?.permissions.size, 1024);
});

test('S50 an allocation has 1,024 channels at most', async (t) => {
  const client = await byDefault();
  for (let index = 0; index < 1024; index++) {
    const { type } = await client.bind(0x4000 + index, `[${peer(1 + (index % 3))}]:${index + 1}`);
    if (type !== 0x0109) t.fail(`channel ${index} is refused`);
  }
  t.equal((await client.bind(0x4400, `[${peer(1)}]:2000`)).errorCode, 508);
  t.equal(client.allocation?.channels.size, 1024);
});

test('S50 an allocation with all permissions and channels takes 512 KB at most', async (t) => {
  const program = fileURLToPath(new URL('../support/maximal-allocation-child.js', import.meta.url));
  const bytes = Number(execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8', env: {} }));
  t.ok(bytes > 100_000, `${bytes} bytes: it is measured`);
  t.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
});
