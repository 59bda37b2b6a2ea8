// S26 on a running server with its workers: ORIGIN chooses realms, each realm has its quota and its peers, wherever its
// clients are served; and what becomes of allocations whose realm is taken away.

import { join } from 'node:path';
import { type Test, test } from 'tap';
import { askControl, type ControlRequest } from '../../../src/control/control-transport.ts';
import type { Store } from '../../../src/store/store.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { RawClient, REQUEST } from '../../support/raw-client.ts';
import { type TurndProcess, temporaryDirectory } from '../../support/turnd-process.ts';
import { type AttributeInput, attr, message } from '../../support/wire.ts';
import { lifetime, requestedTransport } from '../../support/wire-attributes.ts';
import { addUser, openAside, REALM, startWith } from './scene.ts';

const APP = 'app.example';
const APP_ORIGIN = 'https://app.example';
const DENIED_TO_APP = '93.184.216.34';
const ORIGIN = 0x802f;
/** So many that each of two workers has some. */
const CLIENTS = 8;

interface Scene {
  readonly server: TurndProcess;
  ask(what: ControlRequest): Promise<unknown>;
}

async function setUp(t: Test, fill: (store: Store) => Promise<void> = async () => {}): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const url = `sqlite://${join(directory, 'turnd.db')}`;
  const store = await openAside(t, url);
  for (const realm of [REALM, APP]) await addUser(store, 'alice', realm);
  await store.putOrigin({ origin: APP_ORIGIN, realm: APP });
  await store.putPeerRule({ realm: APP, kind: 'deny', range: DENIED_TO_APP });
  await fill(store);
  const env = {
    TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
    TURND_LIMITS__FAILED_LOGINS_PER_SECOND: '0',
  };
  const server = await startWith(t, { url, env, directory });
  const path = join(directory, 'state', 'turnd.sock');
  return { server, ask: (what) => askControl({ path, timeout: 5000 }, what) };
}

/** A client that has been challenged after it showed this ORIGIN, or none. */
async function enter(t: Test, { server }: Scene, origin: string | null): Promise<RawClient> {
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  const shown: AttributeInput[] = origin === null ? [] : [[ORIGIN, Buffer.from(origin)]];
  const answer = await client.exchange(message({ type: REQUEST.allocate, attrs: [requestedTransport(), ...shown] }));
  client.realm = answer.text(attr.realm) ?? '';
  client.nonce = answer.text(attr.nonce) ?? '';
  return client;
}

async function enterAll(t: Test, scene: Scene, origin: string | null): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: CLIENTS }, () => enter(t, scene, origin)));
}

/** The answers, sorted; 0 is success. */
async function allocateAll(clients: readonly RawClient[]): Promise<number[]> {
  const answers = await Promise.all(clients.map((client) => client.allocate()));
  return answers.map(({ errorCode }) => errorCode ?? 0).sort((left, right) => left - right);
}

/** Workers hear of a change in the same moment as whoever made it, or one later. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

const realmsOf = (clients: readonly RawClient[]): string[] => [...new Set(clients.map(({ realm }) => realm))];

test('S26 ORIGIN chooses the realm of a challenge in every process, and sticks to nobody', async (t) => {
  const scene = await setUp(t);
  t.same(realmsOf(await enterAll(t, scene, 'https://APP.example:443/')), [APP]);
  t.same(realmsOf(await enterAll(t, scene, 'https://other.example')), [REALM]);
  const forged = await enterAll(t, scene, APP_ORIGIN);
  // The same five-tuples, and nonces, in the default realm.
  for (const client of forged) client.realm = REALM;
  t.same([...new Set(await allocateAll(forged))], [0]);
  for (const client of forged)
    t.equal((await client.permit(DENIED_TO_APP)).errorCode ?? 0, 0, 'by the rules of its realm');
});

test('S26 the peers and the quota of a realm hold in all processes together, and in no other realm', async (t) => {
  const scene = await setUp(t, (store) => store.setRealmOption(APP, 'totalQuota', 3));
  const inApp = await enterAll(t, scene, APP_ORIGIN);
  t.same(await allocateAll(inApp), [0, 0, 0, 486, 486, 486, 486, 486]);
  const outside = await enterAll(t, scene, null);
  t.same([...new Set(await allocateAll(outside))], [0]);
  t.equal((await outside[0]?.permit(DENIED_TO_APP))?.errorCode ?? 0, 0);
  const answers = await Promise.all(inApp.map((client) => client.permit(DENIED_TO_APP)));
  t.same([...new Set(answers.map(({ errorCode }) => errorCode))].sort(), [403, 437]);
  for (const client of inApp) await client.request(REQUEST.refresh, [lifetime(0)]);
  t.same(await allocateAll(inApp), [0, 0, 0, 486, 486, 486, 486, 486], 'what was given back is there again');
  await scene.ask({ method: 'PATCH', target: `/v1/realms/${APP}`, body: { totalQuota: null } });
  await until(async () => (await allocateAll(await enterAll(t, scene, APP_ORIGIN))).every((code) => code === 0));
});

test('S26 a realm that is taken away is served no more; its allocations go on', async (t) => {
  const scene = await setUp(t);
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const clients = await enterAll(t, scene, APP_ORIGIN);
  t.same([...new Set(await allocateAll(clients))], [0]);
  for (const client of clients) await client.bind(0x4000, '127.0.0.1', peer.port);
  const query = new URLSearchParams({ realm: APP, kind: 'deny', range: DENIED_TO_APP });
  await scene.ask({ method: 'DELETE', target: `/v1/peers?${query}` });
  await scene.ask({ method: 'DELETE', target: `/v1/origins?${new URLSearchParams({ origin: APP_ORIGIN })}` });

  await until(async () => realmsOf(await enterAll(t, scene, APP_ORIGIN)).join() === REALM);
  const late = await enterAll(t, scene, null);
  for (const client of late) client.realm = APP;
  t.same([...new Set(await allocateAll(late))], [401], 'nobody new comes in by it');
  for (const client of clients) {
    client.sendChannel(0x4000, 'there');
    t.equal((await peer.next()).bytes.toString(), 'there');
    t.equal((await client.request(REQUEST.refresh, [lifetime(600)])).errorCode ?? 0, 0, 'Refresh');
    t.equal((await client.bind(0x4000, '127.0.0.1', peer.port)).errorCode ?? 0, 0, 'ChannelBind');
  }
});
