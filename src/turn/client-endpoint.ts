// One five-tuple as the engine sees it: where the client is, where it came in, and its allocation. The five-tuple's
// link owns the object; the engine hangs the allocation on it.

import { type TransportAddress, TransportWords } from '../stun/transport-address.ts';
import type { Allocation } from './allocation.ts';
import type { ClientLink } from './env.ts';
import { isStream, type Transport } from './transport.ts';

/**
 * A five-tuple (RFC 8656 §2). For unknown UDP sources a listener reuses one object of this class, so nothing may keep
 * it beyond the call unless {@link ClientLink.retain} made it last.
 */
export class ClientEndpoint {
  readonly link: ClientLink;
  readonly transport: Transport;
  readonly stream: boolean;
  /** The server's own transport address in the five-tuple. */
  readonly local: TransportAddress;
  /** The client's transport address. */
  readonly source: TransportWords = new TransportWords();
  allocation: Allocation | null = null;
  /** Transaction of an Allocate that is being worked on, as hex; '' when there is none. */
  pendingAllocate = '';
  /** How the client's connection is encrypted, as OpenSSL says it; null = in the clear. For reports only. */
  encryption: { readonly protocol: string; readonly cipher: string } | null = null;
  /** Whether the five-tuple is gone: its connection has closed. */
  closed = false;

  constructor(link: ClientLink, transport: Transport, local: TransportAddress) {
    this.link = link;
    this.transport = transport;
    this.stream = isStream(transport);
    this.local = local;
  }

  /** A lasting copy with the same five-tuple and no state. */
  copy(): ClientEndpoint {
    const copy = new ClientEndpoint(this.link, this.transport, this.local);
    copy.source.copyFrom(this.source);
    return copy;
  }

  /** The client's address, for logs and quotas. */
  get client(): TransportAddress {
    return this.source.copyAddress();
  }
}
