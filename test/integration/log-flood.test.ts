// Whatever strangers and clients do at full rate, the log of the running server stays short, and counts what it leaves out.

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { patiently, RawClient, REQUEST } from '../support/raw-client.ts';
import { makeCertificate } from '../support/self-made-certificate.ts';
import {
  type LogLine,
  labFlags,
  startTurndWith,
  type TurndProcess,
  temporaryDirectory,
} from '../support/turnd-process.ts';
import { whenClosed } from '../support/when-closed.ts';
import { channelData, message } from '../support/wire.ts';
import { longTermKey, nonce, realm, requestedTransport, username, xorPeerAddress } from '../support/wire-attributes.ts';

/** Longer by hand: TURND_TEST_FLOOD_SECONDS=60. */
const FLOOD_MS = 1000 * Number(process.env['TURND_TEST_FLOOD_SECONDS'] ?? 1.5);
const LINES_PER_SECOND = 10;
const BYTES_PER_SECOND = 1_000_000 / 60;
/** Requests that wait for their answer at once. */
const CONCURRENT = 40;
/** Nothing but the log may bound what is logged. */
const ENV = {
  TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
  TURND_LIMITS__BINDING_REPLIES_PER_SECOND: '0',
  TURND_LIMITS__FAILED_LOGINS_PER_SECOND: '0',
  TURND_LIMITS__NEW_PEERS_PER_SECOND: '0',
  TURND_LIMITS__ALLOCATIONS_PER_USER: '1',
};

interface Flooded {
  readonly server: TurndProcess;
  readonly client: RawClient;
  /** The relay port of the client. */
  readonly relayPort: number;
  readonly directory: string;
}

async function start(t: Test): Promise<Flooded> {
  const directory = temporaryDirectory(t);
  const { certificate, key } = await makeCertificate('127.0.0.1');
  const [certificateFile, keyFile] = ['certificate.pem', 'key.pem'].map((name) => join(directory, name));
  writeFileSync(certificateFile ?? '', certificate);
  writeFileSync(keyFile ?? '', key, { mode: 0o600 });
  const tls = ['--listen', 'tls://127.0.0.1:0', '--tls-cert', certificateFile ?? '', '--tls-key', keyFile ?? ''];
  const flags = labFlags(directory, ...tls, '--secret', 'c'.repeat(40));
  const server = await startTurndWith(t, flags, { env: ENV });
  const client = await openClient(t, server);
  const { port } = await client.allocated();
  return { server, client, relayPort: port, directory };
}

async function openClient(t: Test, server: TurndProcess): Promise<RawClient> {
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  return client;
}

/** Repeats `act` for some seconds, and says how often. */
async function flood(act: () => Promise<unknown>): Promise<number> {
  const end = Date.now() + FLOOD_MS;
  let count = 0;
  while (Date.now() < end) {
    await act();
    count += 1;
  }
  return count;
}

/** Runs a flood, and judges what the log has gained by it: lines, and their bytes. */
async function judge(t: Test, server: TurndProcess, act: () => Promise<unknown>): Promise<number> {
  const before = server.stdout.length;
  const from = Date.now();
  const count = await flood(act);
  const seconds = (Date.now() - from) / 1000 + 1;
  const gained = server.stdout.slice(before);
  t.ok(gained.length <= LINES_PER_SECOND * seconds, `${gained.length} lines in ${seconds} s`);
  const bytes = gained.join('\n').length;
  t.ok(bytes <= BYTES_PER_SECOND * seconds, `${bytes} bytes in ${seconds} s`);
  return count;
}

/** Failures that the log tells of, one by one or as a number. */
function told({ log }: TurndProcess): number {
  const suppressed = (line: LogLine): number =>
    line.event === 'auth-failed-suppressed' ? Number(line['suppressed']) : 0;
  return log.reduce((sum, line) => sum + (line.event === 'auth-failed' ? 1 : suppressed(line)), 0);
}

test('S54 failed authentications at full rate are a few lines, and each one is counted', async (t) => {
  const { server, client } = await start(t);
  const liar = await openClient(t, server);
  await liar.challenge();
  const attempt = (name: string) => {
    const attrs = [requestedTransport(), username(name), realm(liar.realm), nonce(liar.nonce)];
    const key = longTermKey(name, liar.realm, 'guess');
    return liar.exchange(message({ type: REQUEST.allocate, attrs, key }));
  };
  // Unknown users, users of secrets, expired ones; each name as long as it may be, of characters that are escaped.
  const names = [
    () => `${randomBytes(4).toString('hex')}${'\u200b'.repeat(165)}`,
    () => `4000000000:${randomBytes(4).toString('hex')}`,
    () => `1:${randomBytes(4).toString('hex')}`,
    () => 'alice',
  ];
  let sent = 0;
  await judge(t, server, async () => {
    const attempts = Array.from({ length: CONCURRENT }, () =>
      attempt((names[sent++ % names.length] as () => string)()),
    );
    for (const { errorCode } of await Promise.all(attempts)) if (errorCode !== 401) throw new Error(String(errorCode));
  });
  t.ok(sent > 0);
  await server.until('the number of the rest', () => (told(server) >= sent ? true : undefined));
  t.equal(told(server), sent);
  t.equal((await client.binding()).cls, 2);
});

test('S54 junk, refusals, ICMP errors and broken handshakes at full rate are few lines', async (t) => {
  const flooded = await start(t);
  const before = flooded.server.log.length;
  for (const [what, prepare] of Object.entries(FLOODS)) {
    t.comment(what);
    const act = await prepare(t, flooded);
    await judge(t, flooded.server, act);
  }
  const faults = flooded.server.log.slice(before).filter(({ level }) => level === 'error' || level === 'fatal');
  t.same(faults, []);
  t.ok(flooded.server.isAlive);
});

/** Each prepares one kind of flood and gives its repeated part. */
const FLOODS: Readonly<Record<string, (t: Test, flooded: Flooded) => Promise<() => Promise<unknown>>>> = {
  'junk of strangers, to the listener and to a relay port, and of a client': async (t, flooded) => {
    const { server, client, relayPort } = flooded;
    const stranger = await DatagramPeer.open('127.0.0.2');
    t.teardown(() => stranger.close());
    const port = await server.port('udp');
    return async () => {
      for (let at = 0; at < CONCURRENT; at++) {
        const junk = at % 2 === 0 ? randomBytes(at) : channelData(0x4000 + at, randomBytes(at));
        await stranger.send(junk, port, '127.0.0.1');
        await stranger.send(junk, relayPort, '127.0.0.1');
        client.send(junk);
      }
      await client.binding();
    };
  },
  'peers that are denied, quotas that are used up, peers that answer with ICMP': async (t, { server, client }) => {
    const other = await openClient(t, server);
    const closed = await DatagramPeer.open('127.0.0.1');
    await client.bind(0x4000, '127.0.0.1', closed.port);
    closed.close();
    await other.challenge();
    return async () => {
      client.sendChannel(0x4000, 'to nobody');
      const answers = [
        client.request(REQUEST.createPermission, [xorPeerAddress('169.254.169.254', 0)]),
        other.exchange(other.signed(REQUEST.allocate, [requestedTransport()])),
      ];
      const codes = (await Promise.all(answers)).map(({ errorCode }) => errorCode);
      if (codes.join() !== '403,486') throw new Error(codes.join());
    };
  },
  'broken handshakes, and junk on the control socket': async (_, { server, directory }) => {
    const port = await server.port('tls');
    const control = join(directory, 'state', 'turnd.sock');
    const says = async (socket: Socket, bytes: Buffer): Promise<void> => {
      const closed = whenClosed(socket.on('error', () => undefined).resume());
      socket.end(bytes);
      await patiently('the end of the connection', closed);
    };
    const badRequest = 'POST /v1/users HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{]';
    return () =>
      Promise.all([
        says(connect(port, '127.0.0.1'), Buffer.from('160301000501000001ff', 'hex')),
        says(connect(port, '127.0.0.1'), randomBytes(40)),
        says(connect(control), randomBytes(40)),
        says(connect(control), Buffer.from(badRequest)),
      ]);
  },
};
