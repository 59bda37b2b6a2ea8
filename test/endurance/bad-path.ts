// A bad path between clients and server: loss, delay, duplicates, reordering. The path is a process's own: not every kernel
// has netem. Clients retransmit; each gets one allocation, and every copy of an answer is the same.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { HOST, Stage } from '../hostile/stage.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { RawClient, REQUEST } from '../support/raw-client.ts';
import type { Teardown } from '../support/turnd-process.ts';
import { attr, type Decoded } from '../support/wire.ts';
import { requestedTransport } from '../support/wire-attributes.ts';
import { type Run, type Scenario, same } from './scenario.ts';

const LOSS = 0.05;
const DUPLICATES = 0.02;
/** Milliseconds; what is drawn also reorders. */
const SHORTEST = 50;
const LONGEST = 150;
const TURN = 3478;
const SHORT_CLIENTS = 200;
const LONG_CLIENTS = 10_000;
const AT_ONCE = 100;
/** RFC 8489 §6.2.1. */
const RTO = 500;
const TRANSMISSIONS = 7;

const ENV = {
  TURND_LIMITS__ALLOCATIONS_PER_CLIENT_ADDRESS: '0',
  TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
};

/** Carries datagrams badly: for each client a socket of its own towards the server. */
class BadPath {
  readonly #cleanup: Teardown;
  lost = 0;
  doubled = 0;

  constructor(cleanup: Teardown) {
    this.#cleanup = cleanup;
  }

  /** A way for one client; returns the port at which it begins. */
  async open(): Promise<number> {
    const [near, far] = [createSocket('udp4'), createSocket('udp4')];
    let client = 0;
    near.on('message', (bytes, from) => {
      client = from.port;
      this.#carry(() => far.send(bytes, TURN, HOST.ipv4));
    });
    far.on('message', (bytes) => this.#carry(() => near.send(bytes, client, '127.0.0.1')));
    await listen(near);
    await listen(far);
    this.#cleanup.teardown(() => [near.close(), far.close()]);
    return near.address().port;
  }

  #carry(send: () => void): void {
    if (Math.random() < LOSS) {
      this.lost++;
      return;
    }
    const copies = Math.random() < DUPLICATES ? 2 : 1;
    this.doubled += copies - 1;
    for (let copy = 0; copy < copies; copy++) {
      setTimeout(() => ignoreClosed(send), SHORTEST + Math.random() * (LONGEST - SHORTEST));
    }
  }
}

async function listen(socket: Socket): Promise<void> {
  socket.bind(0);
  await once(socket, 'listening');
}

// What is still under way at the end.
function ignoreClosed(send: () => void): void {
  try {
    send();
  } catch {
    // The socket is closed.
  }
}

/** A request as RFC 8489 sends it: the same bytes until there is an answer. */
async function transact(client: RawClient, bytes: Buffer): Promise<Decoded> {
  let sent = 1;
  let timer: NodeJS.Timeout;
  const again = (): void => {
    if (sent++ >= TRANSMISSIONS) return;
    client.send(bytes);
    timer = setTimeout(again, RTO * 2 ** (sent - 1));
  };
  timer = setTimeout(again, RTO);
  return client.exchange(bytes, 60_000).finally(() => clearTimeout(timer));
}

/** One client's life: the relayed addresses that it was told in all answers to its one Allocate. */
async function allocate(client: RawClient): Promise<{ code: number; answers: Buffer[] }> {
  const answers: Buffer[] = [];
  client.datagrams?.socket.on('message', (bytes) => answers.push(bytes));
  const challenge = await transact(client, client.signed(REQUEST.allocate, [requestedTransport()]));
  client.realm = challenge.text(attr.realm) ?? '';
  client.nonce = challenge.text(attr.nonce) ?? '';
  const request = client.signed(REQUEST.allocate, [requestedTransport()]);
  const answer = await transact(client, request);
  // Once more when all is done: a retransmission that was long under way.
  await transact(client, request);
  const tid = request.toString('hex', 8, 20);
  return { code: answer.errorCode ?? 0, answers: answers.filter((bytes) => bytes.toString('hex', 8, 20) === tid) };
}

async function crowd(run: Run, path: BadPath, count: number) {
  const socket = await DatagramPeer.open('127.0.0.1');
  socket.close();
  const results: { code: number; answers: Buffer[] }[] = [];
  for (let done = 0; done < count; done += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - done) }, async () => {
      const client = await RawClient.open({ host: '127.0.0.1', port: await path.open() });
      run.cleanup.teardown(() => client.close());
      return allocate(client);
    });
    results.push(...(await Promise.all(batch)));
  }
  return results;
}

/** R27. */
export const badPath: Scenario = {
  name: 'bad-path',
  title: 'R27 over a path with loss, delay, duplicates and reordering each client gets one allocation',
  async play(run) {
    const stage = (await Stage.build()) as Stage;
    const count = run.scale.long ? LONG_CLIENTS : SHORT_CLIENTS;
    await stage.startWith(run.cleanup, ENV, '--user-quota', String(count));
    const path = new BadPath(run.cleanup);
    const results = await crowd(run, path, count);
    run.say(`${path.lost} datagrams lost, ${path.doubled} doubled`);
    const answers = results.flatMap((result) => result.answers);
    const isOdd = ({ answers: all }: { answers: Buffer[] }): boolean => !all.every((one) => one.equals(all[0] ?? one));
    const last = await stage.client(run.cleanup);
    return [
      same('clients with an allocation', results.filter(({ code }) => code === 0).length, count),
      { what: `${answers.length} answers to ${count} Allocates`, passed: answers.length > count },
      same('clients that were told two different things', results.filter(isOdd).length, 0),
      // The quota is as large as the crowd: it is used up, so nobody was refused, and nobody has two.
      same('one Allocate more', (await last.allocate()).errorCode, 486),
    ];
  },
};
