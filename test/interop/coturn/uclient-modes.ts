// The ways in which turnutils_uclient is run over every transport, and what each run must show.

import type { Test } from 'tap';
import type { Transport, TurnServer } from '../../support/turn-server.ts';
import { startServer } from '../../support/turn-under-test.ts';
import { runUclient, STATIC_USER, startPeer, type UclientResult } from './uclient.ts';

const MESSAGES = 20;
const CLIENTS = 2;

/** One way to run uclient. */
interface Mode {
  readonly name: string;
  readonly flags: (peerPort: string) => readonly string[];
  /** Connections that send: uclient makes a second one per client for RTCP where it talks to itself. */
  readonly senders: number;
}

const MODES: readonly Mode[] = [
  { name: 'channels to a peer', senders: CLIENTS, flags: (port) => ['-e', '127.0.0.1', '-r', port] },
  { name: 'without RTCP', senders: CLIENTS, flags: (port) => ['-c', '-e', '127.0.0.1', '-r', port] },
  { name: 'Send indications to a peer', senders: CLIENTS, flags: (port) => ['-s', '-e', '127.0.0.1', '-r', port] },
  { name: 'IPv6 relay', senders: CLIENTS, flags: (port) => ['-x', '-e', '::1', '-r', port] },
  { name: 'client to client', senders: CLIENTS, flags: () => ['-y', '-c'] },
  { name: 'client to client with RTCP', senders: 2 * CLIENTS, flags: () => ['-y'] },
  { name: 'client to client by Send indications', senders: CLIENTS, flags: () => ['-y', '-s', '-c'] },
  // With a peer of one family, -Z loses the half that it sends from the other: clients talk to each other instead.
  { name: 'dual allocation', senders: CLIENTS, flags: () => ['-Z', '-y'] },
];

/** Checks that every message was sent and came back, by uclient's own count. */
export function checkComplete(t: Test, result: UclientResult, messages: number): void {
  const { output, ...figures } = result;
  t.strictSame(figures, { code: 0, sent: messages, received: messages, lost: 0, dropped: 0 }, { output });
}

// Whatever two messages come to share a TLS record on a busy machine, uclient sees the first of them only (coturn's own
// server loses such pairs as well). Over TLS, a run that lost some is therefore repeated; one must be complete.
const ATTEMPTS: Readonly<Record<Transport, number>> = { udp: 1, tcp: 1, tls: 4 };

async function runMode(mode: Mode, server: TurnServer, transport: Transport, peerPort: number): Promise<UclientResult> {
  const flags = [...STATIC_USER, ...mode.flags(String(peerPort))];
  for (let attempt = 1; ; attempt++) {
    const result = await runUclient(server, transport, flags);
    const isComplete = result.received === mode.senders * MESSAGES;
    if (isComplete || attempt === ATTEMPTS[transport]) return result;
  }
}

/** Runs uclient in every mode over `transport` at once (it spends most of its time waiting). */
export async function testAllModes(t: Test, transport: Transport): Promise<void> {
  t.jobs = MODES.length;
  const server = await startServer();
  t.teardown(() => server.close());
  const peer = await startPeer();
  t.teardown(() => peer.close());
  for (const mode of MODES) {
    void t.test(mode.name, { buffered: true }, async (t) => {
      const result = await runMode(mode, server, transport, peer.port);
      checkComplete(t, result, mode.senders * MESSAGES);
    });
  }
}
