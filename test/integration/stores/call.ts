// A call of alice, whose packets and requests go on whatever happens around it.

import { DatagramPeer } from '../../support/datagram-peer.ts';
import { type RawClient, REQUEST } from '../../support/raw-client.ts';
import type { Teardown, TurndProcess } from '../../support/turnd-process.ts';
import { lifetime } from '../../support/wire-attributes.ts';
import { clientOf } from './scene.ts';

/** A call of alice that runs. */
export interface Call {
  readonly client: RawClient;
  readonly peer: DatagramPeer;
}

/** Begins one. */
export async function startCall(t: Teardown, server: TurndProcess): Promise<Call> {
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const client = await clientOf(t, server, 'alice');
  await client.allocated();
  await client.bind(0x4000, '127.0.0.1', peer.port);
  return { client, peer };
}

/** Whether packets flow both ways, and Refresh, CreatePermission and ChannelBind are answered with success. */
export async function isWhole({ client, peer }: Call): Promise<boolean> {
  client.sendChannel(0x4000, 'there');
  const heard = await peer.next();
  await peer.send(Buffer.from('back'), heard.port, heard.address);
  const back = (await client.nextData()).toString();
  const answers = [
    await client.request(REQUEST.refresh, [lifetime(600)]),
    await client.permit('127.0.0.1'),
    await client.bind(0x4000, '127.0.0.1', peer.port),
  ];
  return heard.bytes.toString() === 'there' && back === 'back' && answers.every(({ errorCode }) => !errorCode);
}
