// Whom a client takes for its server over TLS (RFC 8489 §6.2.3), with certificates made by openssl, and the paths over TCP.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { test } from 'tap';
import { ClientError } from '../../src/client/client-error.ts';
import { connectTo } from '../../src/client/connect.ts';
import { systemTimers } from '../../src/client/timers.ts';
import { TurnClient } from '../../src/client/turn-client.ts';
import type { ClientTransportKind } from '../../src/client/uri.ts';
import { address } from '../support/fake-path.ts';
import { type IssueOptions, OpensslAuthority, opensslProgram } from '../support/openssl-authority.ts';
import type { Teardown } from '../support/turnd-process.ts';

const { skip } = opensslProgram;
const NAME = 'turn.example.org';
// A Binding success response to whoever asks, XOR-MAPPED-ADDRESS 192.0.2.1:32853 (RFC 5769 §2.2 shows its value).
const answerTo = (request: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('0101000c2112a442', 'hex'),
    request.subarray(8, 20),
    Buffer.from('002000080001a147e112a643', 'hex'),
  ]);

async function listening(t: Teardown, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

interface Options {
  readonly name?: string;
  readonly insecure?: boolean;
  readonly authorities?: readonly string[];
  readonly timeoutMs?: number;
}

async function connect(port: number, transport: ClientTransportKind, options: Options = {}) {
  const { name = NAME, insecure = false, authorities = [], timeoutMs = 5000 } = options;
  const target = { address: address('127.0.0.1', port), transport, by: 'literal', name } as const;
  return connectTo(target, { timeoutMs, timers: systemTimers, insecure, authorities, wallTime: Date.now });
}

async function faultOf(work: Promise<unknown>): Promise<ClientError> {
  const error = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof ClientError) return error;
  throw new Error(`no ClientError: ${String(error)}`);
}

test('CLI-09 the certificate is verified by chain and by the name of the URI', { skip }, async (t) => {
  const authority = new OpensslAuthority();
  t.teardown(() => authority.close());
  const authorities = [authority.certificate];
  const serve = async (options: IssueOptions) => {
    const { certificate, key } = authority.issue(options);
    const heard: Buffer[] = [];
    const sni: unknown[] = [];
    const server = createTlsServer({ cert: certificate, key }, (socket) => {
      sni.push('servername' in socket ? socket.servername : undefined);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        heard.push(bytes);
        socket.write(answerTo(bytes));
      });
    });
    server.on('tlsClientError', () => {});
    return { port: await listening(t, server), heard, sni };
  };

  const good = await serve({ names: `DNS:${NAME},DNS:*.wild.example.org,IP:127.0.0.1` });
  const path = await connect(good.port, 'tls', { authorities });
  t.match(path, { kind: 'tls', isReliable: true });
  t.match(path.certificate, {
    names: [NAME, '*.wild.example.org', '127.0.0.1'],
    issuer: 'Test Root',
    subject: 'a server',
    isSelfSigned: false,
    daysLeft: 89,
    protocol: 'TLSv1.3',
    refusal: null,
  });
  const client = new TurnClient(path, { credential: null, timers: systemTimers });
  t.equal((await client.binding()).mapped.port, 32853);
  await client.close();
  t.strictSame(good.sni, [NAME], 'SNI');
  await (await connect(good.port, 'tls', { authorities, name: 'a.wild.example.org' })).close();
  await (await connect(good.port, 'tls', { authorities, name: '127.0.0.1' })).close();

  const unknown = await faultOf(connect(good.port, 'tls'));
  t.match(unknown, { fault: 'tls', certificate: { refusal: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', issuer: 'Test Root' } });
  const otherName = await faultOf(connect(good.port, 'tls', { authorities, name: 'evil.example.org' }));
  t.match(otherName, { fault: 'tls', certificate: { refusal: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
  const expired = await serve({ names: `DNS:${NAME}`, fromDay: -30, toDay: -2 });
  const late = await faultOf(connect(expired.port, 'tls', { authorities }));
  t.match(late, { fault: 'tls', certificate: { refusal: 'CERT_HAS_EXPIRED', daysLeft: -3 } });
  t.equal(expired.heard.length, 0, 'nothing was sent to it');

  const whatever = await connect(expired.port, 'tls', { insecure: true, name: 'evil.example.org' });
  t.match(whatever.certificate, { refusal: /./, daysLeft: -3 });
  await whatever.close();
});

test('TCP: connects, and says what is in the way', async (t) => {
  const port = await listening(
    t,
    createServer((socket) => socket.on('error', () => {}).end(Buffer.from('ff00', 'hex'))),
  );
  const path = await connect(port, 'tcp');
  const client = new TurnClient(path, { credential: null, timers: systemTimers });
  t.match(await faultOf(client.binding()), { fault: 'protocol' });
  await client.close();

  const gone = createServer();
  const closedPort = await new Promise<number>((resolve) => {
    gone.listen(0, '127.0.0.1', () => {
      const { port: free } = gone.address() as AddressInfo;
      gone.close(() => resolve(free));
    });
  });
  t.match(await faultOf(connect(closedPort, 'tcp')), { fault: 'refused' });
  t.match(await faultOf(connect(closedPort, 'tls')), { fault: 'refused' });
  t.match(await faultOf(connect(closedPort, 'dtls')), { fault: 'unsupported', message: /not supported yet/ });
});

test('TLS: a port without TLS and one that is silent are told apart', async (t) => {
  const plain = await listening(
    t,
    createServer((socket) => socket.on('error', () => {}).end('hello, this is no TLS')),
  );
  t.match(await faultOf(connect(plain, 'tls')), { fault: 'tls', certificate: null });
  const silent = await listening(
    t,
    createServer((socket) => {
      t.teardown(() => socket.destroy());
    }),
  );
  t.match(await faultOf(connect(silent, 'tls', { timeoutMs: 50 })), {
    fault: 'timeout',
    message: /handshake does not end/,
  });
});

test('a server that closes the connection ends what waits', async (t) => {
  const port = await listening(
    t,
    createServer((socket) => socket.on('data', () => socket.destroy())),
  );
  const client = new TurnClient(await connect(port, 'tcp'), { credential: null, timers: systemTimers });
  t.match(await faultOf(client.binding()), { fault: 'closed' });
  await client.close();
});
