// A crowd of connections that never pay: silent ones, ones that dribble, ones that only ever ask who they are. Others are
// served throughout. TURND_TEST_CROWD=10000 sends as many as a server takes by default, and more.

import { connect, type Socket } from 'node:net';
import { t as root, type Test, test } from 'tap';
import { RawClient, type RawTransport, REQUEST } from '../support/raw-client.ts';
import { startLabTurnd, type TurndProcess } from '../support/turnd-process.ts';
import { message } from '../support/wire.ts';
import { isWhole, startCall } from './stores/call.ts';

const CROWD = Number(process.env['TURND_TEST_CROWD'] ?? 300);
const ADDRESSES = 10;
/** Of one address: fewer than each of them tries to have, so that the limit is met. */
const PER_ADDRESS = Math.floor((0.8 * CROWD) / ADDRESSES);
/** In all: fewer than the addresses may have together. */
const TOTAL = Math.floor(0.75 * PER_ADDRESS * ADDRESSES);

root.setTimeout(120_000 + 60 * CROWD);

const STREAMS = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];
const LIMITS = {
  TURND_LIMITS__CONNECTIONS: String(TOTAL),
  TURND_LIMITS__CONNECTIONS_PER_CLIENT_ADDRESS: String(PER_ADDRESS),
  TURND_LIMITS__HANDSHAKE_TIMEOUT: '600',
  TURND_LIMITS__IDLE_TIMEOUT: '600',
};

interface Crowd {
  readonly sockets: readonly Socket[];
  /** Open connections by the crowd's addresses. */
  open(): readonly number[];
}

/** One after the other, from ten addresses in turn; `say` makes each of them speak. */
async function gather(t: Test, port: number, say: (socket: Socket, at: number) => void): Promise<Crowd> {
  const sockets: Socket[] = [];
  t.teardown(() => sockets.map((socket) => socket.destroy()));
  for (let at = 0; at < CROWD; at++) {
    const socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.3.${1 + (at % ADDRESSES)}` });
    socket.on('error', () => undefined).resume();
    sockets.push(socket);
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    say(socket, at);
  }
  const open = (): number[] => {
    const counts = Array.from({ length: ADDRESSES }, () => 0);
    for (const [at, socket] of sockets.entries())
      if (!socket.destroyed) counts[at % ADDRESSES] = (counts[at % ADDRESSES] ?? 0) + 1;
    return counts;
  };
  return { sockets, open };
}

async function newcomerIsServed(server: TurndProcess, transport: RawTransport): Promise<void> {
  const client = await RawClient.open({ transport, port: await server.port(transport) });
  await client.allocated();
  client.close();
}

// While the crowd comes in faster than a newcomer can say who he is, he may be the one who makes room: he tries again.
async function isServed(server: TurndProcess, transport: RawTransport): Promise<boolean> {
  return newcomerIsServed(server, transport).then(
    () => true,
    () => false,
  );
}

const CROWDS: Readonly<Record<string, (socket: Socket, at: number) => void>> = {
  'says nothing': () => undefined,
  'says half a word': (socket, at) => void socket.write(message({ type: REQUEST.allocate }).subarray(0, 1 + (at % 19))),
  'only asks for its address': (socket) => void socket.write(message({ type: REQUEST.binding })),
};

for (const [name, say] of Object.entries(CROWDS)) {
  test(`S45 BAD-37 a crowd that ${name}: an address has its share, and newcomers are served`, async (t) => {
    const server = await startLabTurnd(t, STREAMS, { env: LIMITS });
    const call = await startCall(t, server);
    const port = await server.port('tcp');
    let served = 0;
    let isGathering = true;
    const throughout = (async () => {
      for (let tries = 0; isGathering || served === 0; tries++) {
        if (await isServed(server, tries % 4 === 3 ? 'tls' : 'tcp')) served++;
      }
    })();
    const crowd = await gather(t, port, say);
    isGathering = false;
    await throughout;
    t.comment(`${served} newcomers were served meanwhile`);
    for (let count = 0; count < 10; count++) await newcomerIsServed(server, count % 2 === 0 ? 'tcp' : 'tls');
    const counts = crowd.open();
    t.ok(Math.max(...counts) <= PER_ADDRESS, `${counts} of ${PER_ADDRESS} that each address may have`);
    const sum = counts.reduce((one, other) => one + other);
    t.ok(sum <= TOTAL && sum >= TOTAL - 12, `${sum} of ${TOTAL} in all: newcomers made some leave`);
    t.ok(await isWhole(call));
  });
}
