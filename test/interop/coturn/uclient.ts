// Runs coturn's test client turnutils_uclient and reads its figures, and turnutils_peer, which echoes what it gets.

import { createSocket } from 'node:dgram';
import { Child, runToEnd } from '../../support/child-process.ts';
import { findProgram } from '../../support/foreign-program.ts';
import { findFreeBlock } from '../../support/free-ports.ts';
import { TEST_ADDRESS, TEST_USER, type Transport, type TurnServer } from '../../support/turn-server.ts';

const UCLIENT_TIMEOUT_MS = 60_000;
const PEER_ATTEMPTS = 50;
const PEER_PATIENCE_MS = 100;

/** The client; `skip` tells why tests that need it cannot run. */
export const uclientProgram = findProgram('TURND_TEST_UCLIENT', ['/usr/bin/turnutils_uclient']);

/** The peer; `skip` tells why tests that need it cannot run. */
export const peerProgram = findProgram('TURND_TEST_UCLIENT_PEER', ['/usr/bin/turnutils_peer']);

const TRANSPORT_FLAGS: Readonly<Record<Transport, readonly string[]>> = {
  udp: [],
  tcp: ['-t'],
  tls: ['-t', '-S'],
};

// uclient takes what one SSL_read() returns for one message and loses the rest. 50 ms between messages keep two from
// sharing a record; over UDP and TCP 5 ms are enough.
const INTERVAL_MS: Readonly<Record<Transport, number>> = { udp: 5, tcp: 5, tls: 50 };

/** What uclient says at the end. NaN where it does not say so. */
export interface UclientResult {
  readonly code: number;
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly dropped: number;
  readonly output: string;
}

/** Credentials in uclient's flags: the static user. */
export const STATIC_USER: readonly string[] = ['-u', TEST_USER.username, '-w', TEST_USER.password];

function lastNumber(output: string, pattern: RegExp): number {
  return Number([...output.matchAll(pattern)].at(-1)?.[1] ?? Number.NaN);
}

/** Runs uclient with two clients against the server. `flags` choose the mode, e.g. `-y`, and the credentials. */
export async function runUclient(
  server: Pick<TurnServer, 'ports'>,
  transport: Transport,
  flags: readonly string[],
): Promise<UclientResult> {
  const load = ['-n', '20', '-m', '2', '-z', String(INTERVAL_MS[transport])];
  const where = ['-p', String(server.ports[transport]), TEST_ADDRESS];
  const args = [...TRANSPORT_FLAGS[transport], ...load, ...flags, ...where];
  const { code, output } = await runToEnd(uclientProgram.path, args, UCLIENT_TIMEOUT_MS);
  return {
    code,
    sent: lastNumber(output, /tot_send_msgs=(\d+)/g),
    received: lastNumber(output, /tot_recv_msgs=(\d+)/g),
    lost: lastNumber(output, /Total lost packets (\d+)/g),
    dropped: lastNumber(output, /total send dropped (\d+)/g),
    output,
  };
}

/** A running turnutils_peer. */
export interface EchoPeer {
  readonly port: number;
  close(): Promise<void>;
}

async function echoes(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      // ICMP's answer to a port where nobody listens yet.
      socket.on('error', () => {});
      socket.on('message', () => resolve(true));
      setTimeout(() => resolve(false), PEER_PATIENCE_MS);
      socket.connect(port, TEST_ADDRESS, () => socket.send('ready?'));
    });
  } finally {
    socket.close();
  }
}

/** Starts turnutils_peer on 127.0.0.1 and ::1. */
export async function startPeer(): Promise<EchoPeer> {
  // One port for RTP, the next for RTCP.
  const port = await findFreeBlock(TEST_ADDRESS, 2);
  const peer = new Child(peerProgram.path, ['-L', TEST_ADDRESS, '-L', '::1', '-p', String(port)]);
  const close = async (): Promise<void> => void (await peer.stop());
  for (let attempt = 0; attempt < PEER_ATTEMPTS; attempt++) if (await echoes(port)) return { port, close };
  await close();
  throw new Error(`turnutils_peer does not echo:\n${peer.lines.join('\n')}`);
}
