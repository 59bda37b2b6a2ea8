// From a target to an open path: chooses the transport.

import { ClientError } from './client-error.ts';
import type { Target } from './resolve.ts';
import { openTcpTransport, openTlsTransport, type StreamOptions, type TlsOptions } from './stream-transport.ts';
import type { ClientTransport } from './transport.ts';
import { openUdpTransport } from './udp-transport.ts';

/** How paths are opened. */
export interface ConnectOptions extends StreamOptions, Omit<TlsOptions, 'name'> {}

/** Opens a path from a local port of its own. Rejects with a {@link ClientError}. */
export async function connectTo(target: Target, options: ConnectOptions): Promise<ClientTransport> {
  const { address, transport, name } = target;
  if (transport === 'udp') return openUdpTransport(address);
  if (transport === 'tcp') return openTcpTransport(address, options);
  if (transport === 'tls') return openTlsTransport(address, options, { ...options, name });
  throw new ClientError('unsupported', `${address.text}: turns over UDP (DTLS) is not supported yet`);
}
