// Relays with what an app was given, as its page would: over every TURN URL of a list of ICE servers, with the login
// beside it. Knows no API.

import type { Test } from 'tap';
import { parseTurnUri } from '../../src/client/uri.ts';
import { DatagramPeer } from './datagram-peer.ts';
import { patiently, RawClient, type RawTransport } from './raw-client.ts';

/** An entry of `iceServers`, as browsers take it. */
export interface AppIceServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** A TURN URL with its login, taken apart. */
export interface TurnTarget {
  readonly host: string;
  readonly port: number;
  readonly transport: RawTransport;
  readonly user: string;
  readonly password: string;
}

const CHANNEL = 0x4000;

/** The TURN URLs of a list. Throws for one that is none, or has no login. */
export function turnTargets(iceServers: readonly AppIceServer[]): readonly TurnTarget[] {
  return iceServers.flatMap(({ urls, username: user, credential: password }) =>
    [urls].flat().flatMap((url) => {
      const parsed = parseTurnUri(url);
      if (!parsed.ok) throw new Error(parsed.error);
      const { scheme, host, port, transport } = parsed.uri;
      if (!scheme.startsWith('turn')) return [];
      if (port === null || transport === null || transport === 'dtls') throw new Error(`${url} is not for this test`);
      if (user === undefined || password === undefined) throw new Error(`${url} has no login`);
      return [{ host, port, transport, user, password }];
    }),
  );
}

/** Allocates, sends a packet to a peer, and takes its answer. */
export async function relays(t: Test, { host, port, transport, user, password }: TurnTarget): Promise<void> {
  const peer = await DatagramPeer.open(host);
  t.teardown(() => peer.close());
  const client = await RawClient.open({ host, port, transport, user, password });
  t.teardown(() => client.close());
  const relayed = await client.allocated();
  await client.bind(CHANNEL, peer.address, peer.port);
  client.sendChannel(CHANNEL, 'ahoy');
  const heard = await patiently('the packet', peer.next());
  t.match(heard, { address: relayed.ip, port: relayed.port }, `${transport}: it comes from the relay`);
  t.equal(String(heard.bytes), 'ahoy');
  await peer.send(Buffer.from('aye'), heard.port, heard.address);
  t.equal(String(await client.nextData()), 'aye', `${transport}: and back`);
}
