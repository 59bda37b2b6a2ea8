// Runs a real haproxy in front of a listener of turnd: three frontends that pass TCP through, each of which speaks the
// PROXY protocol in a way of its own. Knows nothing of TURN but the health check's Binding request.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../support/child-process.ts';
import { findProgram } from '../../support/foreign-program.ts';
import { findFreePort } from '../../support/free-ports.ts';
import { TEST_ADDRESS } from '../../support/turn-server.ts';

/** haproxy; `skip` tells why tests that need it cannot run. */
export const haproxyProgram = findProgram('TURND_TEST_HAPROXY', ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy']);

/** The ways in which haproxy may tell of a client. */
export const WAYS = {
  v1: 'send-proxy',
  v2: 'send-proxy-v2',
  /** With a checksum, the server name and an id that it makes. */
  tlvs: 'send-proxy-v2 proxy-v2-options crc32c,authority,unique-id',
} as const;
export type Way = keyof typeof WAYS;

/** A running haproxy: the port of each frontend. */
export interface Haproxy {
  readonly ports: Readonly<Record<Way, number>>;
  readonly lines: readonly string[];
  close(): Promise<void>;
}

// A Binding request, and the beginning of its answer (RFC 8489 §5). By version 2 a health check has a LOCAL header.
const CHECK = ['tcp-check connect send-proxy', 'tcp-check send-binary 000100002112a4426865617468636865636b3031'];
const ANSWER = 'tcp-check expect binary 0101';

/** Starts haproxy in front of a port of turnd, and resolves once it has found it well in every way. */
export async function startHaproxy(target: number): Promise<Haproxy> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-haproxy-'));
  const ports = {
    v1: await findFreePort(TEST_ADDRESS),
    v2: await findFreePort(TEST_ADDRESS),
    tlvs: await findFreePort(TEST_ADDRESS),
  };
  const file = join(directory, 'haproxy.cfg');
  await writeFile(file, configuration(ports, target));
  const child = new Child(haproxyProgram.path, ['-db', '-f', file]);
  const close = async (): Promise<void> => {
    await child.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const way of Object.keys(WAYS)) {
      await child.waitForLine((line) => line.includes(`${way}/turnd succeeded`));
    }
    return { ports, lines: child.lines, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function configuration(ports: Haproxy['ports'], target: number): string {
  const frontend = (way: Way): string[] => [
    `listen ${way}`,
    ...[`bind ${TEST_ADDRESS}:${ports[way]}`, 'unique-id-format %{+X}o%ci:%cp', 'option tcp-check', ...CHECK, ANSWER],
    `server turnd ${TEST_ADDRESS}:${target} check inter 500ms ${WAYS[way]}`,
  ];
  return [
    ...['global', 'log stdout format raw local0'],
    ...['defaults', 'mode tcp', 'log global', 'option log-health-checks'],
    ...['timeout connect 5s', 'timeout client 60s', 'timeout server 60s', 'timeout check 5s'],
    ...(['v1', 'v2', 'tlvs'] as const).flatMap(frontend),
    '',
  ].join('\n');
}
