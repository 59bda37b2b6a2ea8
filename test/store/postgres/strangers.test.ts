// Who answers at the port is no PostgreSQL, or a broken one: a call fails, and the process goes on, with TLS and without.

import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Test, test } from 'tap';
import { StoreError } from '../../../src/errors.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { makeTestAuthority, type TestAuthority } from '../../support/databases/test-authority.ts';
import { storeUrl } from '../urls.ts';

/** Bytes that the package pg throws at. */
const STRANGE: Readonly<Record<string, string>> = {
  'an unknown way to prove who one is': '520000000800000063',
  'a description of columns that ends too early': '54000000080fff6162',
  'a row of columns that are longer than it': '440000000e00017fffffff61626364',
  'a message of length 0': '5200000000',
};

/** A server that says the same to everybody. Returns its port. */
async function serve(t: Test, greet: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    greet(socket);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function startTls(socket: Socket, { certificate, key }: TestAuthority, say: Buffer): void {
  socket.once('data', () => {
    socket.write('S');
    const options = { isServer: true, cert: readFileSync(certificate), key: readFileSync(key) };
    const secure = new TLSSocket(socket, options);
    secure.on('error', () => undefined).once('data', () => secure.write(say));
  });
}

/** The call fails as calls do. What is thrown elsewhere would end the test. */
async function failsInOrder(t: Test, url: string, what: string): Promise<void> {
  const outcome = await openStore(storeUrl(url)).then(
    async (store) => {
      const reason = await store.ping().catch((error: unknown) => error);
      await store.close();
      return reason;
    },
    (error: unknown) => error,
  );
  t.ok(outcome instanceof StoreError, `${what}: ${outcome}`);
}

for (const [what, hex] of Object.entries(STRANGE)) {
  const bytes = Buffer.from(hex, 'hex');

  test(`${what} is a fault of one call`, async (t) => {
    const port = await serve(t, (socket) => socket.once('data', () => socket.write(bytes)));
    await failsInOrder(t, `postgres://u:p@127.0.0.1:${port}/x`, what);
  });

  test(`${what} is so with TLS`, async (t) => {
    const authority = makeTestAuthority(t.testdir({}));
    const port = await serve(t, (socket) => startTls(socket, authority, bytes));
    await failsInOrder(t, `postgres://u:p@127.0.0.1:${port}/x?tls=true&ca=${authority.ca}`, what);
  });
}
