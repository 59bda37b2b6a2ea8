// Several realms at one server, chosen by ORIGIN or REALM (draft-johnston-tram-stun-origin, coturn): S26 of the security bar.

import { test } from 'tap';
import { NO_REALMS, RealmTable } from '../../src/auth/realm-table.ts';
import { parseIp } from '../../src/stun/ip-address.ts';
import { Lab, USERS } from '../support/lab.ts';
import { type LabClient, peerAddress, REQUEST } from '../support/lab-client.ts';
import { type AttributeInput, attr, type Decoded, message } from '../support/wire.ts';
import { lifetime, longTermKey, nonce, realm, requestedTransport, username } from '../support/wire-attributes.ts';

const ORIGIN = 0x802f;
const PEER = '93.184.216.34:5000';

const origin = (value: string): AttributeInput => [ORIGIN, Buffer.from(value)];

function lab(realms = new RealmTable({ allow: [], deny: [], realms: [], unsafeAllowLoopback: false })): Lab {
  realms.update({
    realms: ['plain.example'],
    origins: [{ origin: 'https://App.example/', realm: 'app.example' }],
    peers: [
      { realm: 'app.example', allow: ['10.1.0.0/16'], deny: ['93.184.216.34/32', '203.0.113.77/32'] },
      { realm: '', allow: [], deny: ['203.0.113.77/32'] },
    ],
    rates: [],
  });
  return new Lab({ env: { realms, peers: realms } });
}

async function realmFor(client: LabClient, attrs: readonly AttributeInput[]): Promise<string | undefined> {
  const answer = await client.exchange(message({ type: REQUEST.allocate, attrs: [requestedTransport(), ...attrs] }));
  client.nonce = answer?.text(attr.nonce) ?? '';
  return answer?.text(attr.realm);
}

// A request as alice of a realm.
async function as(
  client: LabClient,
  realmText: string,
  type: number,
  attrs: readonly AttributeInput[],
): Promise<Decoded> {
  const key = longTermKey('alice', realmText, USERS.get('alice') ?? '');
  const proof = [username('alice'), realm(realmText), nonce(client.nonce)];
  return client.must(await client.exchange(message({ type, attrs: [...attrs, ...proof], key })));
}

test('ORIGIN chooses the realm of the challenge, in whatever form it is written', async (t) => {
  const server = lab();
  t.equal(await realmFor(server.client(), [origin('https://app.example')]), 'app.example');
  t.equal(await realmFor(server.client(), [origin('https://APP.example:443')]), 'app.example');
  t.equal(await realmFor(server.client(), [origin('https://other.example')]), 'example.org');
  t.equal(await realmFor(server.client(), []), 'example.org');
});

test('of several ORIGINs the first that is known counts, and only the first few are looked at', async (t) => {
  const server = lab();
  const unknown = origin('https://carleon.example:443');
  const known = origin('https://app.example');
  t.equal(await realmFor(server.client(), [unknown, known, unknown]), 'app.example', 'as turnutils_uclient sends them');
  t.equal(await realmFor(server.client(), [...Array(7).fill(unknown), known]), 'app.example');
  t.equal(await realmFor(server.client(), [...Array(8).fill(unknown), known]), 'example.org');
});

test('S26 a forged ORIGIN does not stick: the next request is judged in the realm that it names', async (t) => {
  const client = lab().client();
  await realmFor(client, [origin('https://app.example')]);
  t.equal((await as(client, 'example.org', REQUEST.allocate, [requestedTransport()])).type, 0x0103);
  t.equal(client.allocation?.realm, 'example.org');
  t.equal((await as(client, 'example.org', REQUEST.createPermission, [peerAddress(PEER)])).type, 0x0108);
});

test('S26 permissions follow the rules of the realm that the allocation was made in', async (t) => {
  const client = lab().client();
  await realmFor(client, [origin('https://app.example')]);
  t.equal((await as(client, 'app.example', REQUEST.allocate, [requestedTransport()])).type, 0x0103);
  const permit = async (peer: string) =>
    (await as(client, 'app.example', REQUEST.createPermission, [peerAddress(peer)])).errorCode ?? 0;
  t.equal(await permit(PEER), 403, 'denied in this realm');
  t.equal(await permit('10.1.2.3:1'), 0, 'opened in this realm');
  t.equal(await permit('10.2.2.3:1'), 403, 'the built-in list holds for the rest');
  t.equal(await permit('203.0.113.77:1'), 403, 'denied in all realms');
});

test('a realm that is not served is no realm: the default one judges', async (t) => {
  const client = lab().client();
  await realmFor(client, []);
  const answer = await as(client, 'nowhere.example', REQUEST.allocate, [requestedTransport()]);
  t.equal(answer.errorCode, 401);
  t.equal(answer.text(attr.realm), 'example.org');
  client.nonce = answer.text(attr.nonce) ?? '';
  t.equal((await as(client, 'plain.example', REQUEST.allocate, [requestedTransport()])).type, 0x0103);
});

test('an owner is known in his realm only', async (t) => {
  const client = lab().client();
  await realmFor(client, []);
  t.equal((await as(client, 'app.example', REQUEST.allocate, [requestedTransport()])).type, 0x0103);
  const other = await as(client, 'example.org', REQUEST.createPermission, [peerAddress('10.1.2.3:1')]);
  t.equal(other.errorCode, 441, 'alice of another realm is somebody else');
});

test('an allocation outlives its realm, through stale nonces too; nobody else comes in by it', async (t) => {
  for (const left of [[], ['plain.example']]) {
    const realms = new RealmTable({ allow: [], deny: [], realms: [], unsafeAllowLoopback: false });
    const server = lab(realms);
    const client = server.client();
    await realmFor(client, [origin('https://app.example')]);
    t.equal((await as(client, 'app.example', REQUEST.allocate, [requestedTransport()])).type, 0x0103);
    realms.update({ ...NO_REALMS, realms: left });
    t.equal((await as(client, 'app.example', REQUEST.refresh, [lifetime(3600)])).type, 0x0104);
    await server.advance(700);
    const stale = await as(client, 'app.example', REQUEST.refresh, [lifetime(600)]);
    t.equal(stale.errorCode, 438);
    t.equal(stale.text(attr.realm), 'app.example', 'what the client signs with');
    client.nonce = stale.text(attr.nonce) ?? '';
    t.equal((await as(client, 'app.example', REQUEST.refresh, [lifetime(600)])).type, 0x0104);
    const other = server.client();
    t.equal(await realmFor(other, [origin('https://app.example')]), 'example.org');
    t.equal((await as(other, 'app.example', REQUEST.allocate, [requestedTransport()])).errorCode, 401);
  }
});

test('rules of the configuration for a realm hold beside those of the store, and their denials come first', async (t) => {
  const realms = new RealmTable({
    allow: [],
    deny: [],
    realms: [
      { realm: 'app.example', allow: ['10.2.0.0/16', '8.8.4.4/32'], deny: ['10.1.9.0/24', '9.9.9.9/32'] },
      { realm: 'plain.example', allow: ['10.3.0.0/16'], deny: [] },
    ],
    unsafeAllowLoopback: false,
  });
  const code = (peer: string, realm: string): string | null => {
    const address = parseIp(peer);
    if (address === null) throw new Error(peer);
    return realms.check(address, realm)?.name ?? null;
  };
  t.equal(code('10.2.0.1', 'app.example'), null, 'without a store');
  t.equal(code('9.9.9.9', 'app.example'), 'deny 9.9.9.9/32');
  t.equal(code('9.9.9.9', 'plain.example'), null);
  lab(realms);
  t.equal(code('10.2.0.1', 'app.example'), null, 'opened by the configuration');
  t.equal(code('10.1.0.1', 'app.example'), null, 'opened by the store');
  t.equal(code('10.1.9.1', 'app.example'), 'deny 10.1.9.0/24', 'opened by the store, denied by the configuration');
  t.equal(code('93.184.216.34', 'app.example'), 'deny 93.184.216.34/32', 'denied by the store');
  t.equal(code('10.2.0.1', 'plain.example'), 'private', 'in this realm only');
  t.equal(code('10.3.0.1', 'plain.example'), null);
  t.equal(code('203.0.113.77', 'plain.example'), 'deny 203.0.113.77/32', 'what the store says of all realms holds');
  t.equal(code('10.2.0.1', 'example.org'), 'private');
  realms.update(NO_REALMS, { allow: [], deny: [], realms: [], unsafeAllowLoopback: false });
  t.equal(code('10.2.0.1', 'app.example'), 'private', 'a reload takes them away');
  t.equal(code('9.9.9.9', 'app.example'), null);
});
