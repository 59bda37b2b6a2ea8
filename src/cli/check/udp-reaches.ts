// Whether UDP from here reaches a server that was reached over a stream: any sign of life will do.

import { ClientError } from '../../client/client-error.ts';
import { TurnClient, type TurnClientOptions } from '../../client/turn-client.ts';
import { openUdpTransport } from '../../client/udp-transport.ts';
import { PLAIN_PORT } from '../../client/uri.ts';
import { TransportAddress } from '../../stun/transport-address.ts';

/** Asks the port of the stream and the usual one. */
export async function udpReaches({ ip, port }: TransportAddress, options: TurnClientOptions): Promise<boolean> {
  const ports = [...new Set([port, PLAIN_PORT])];
  const answers = await Promise.all(ports.map((one) => isAlive(new TransportAddress(ip, one), options)));
  return answers.includes(true);
}

async function isAlive(address: TransportAddress, options: TurnClientOptions): Promise<boolean> {
  try {
    const client = new TurnClient(await openUdpTransport(address), options);
    await client.binding().finally(() => client.close());
    return true;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    // That nothing listens is an answer too, by ICMP.
    return error.fault !== 'timeout' && error.fault !== 'unreachable';
  }
}
