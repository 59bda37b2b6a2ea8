import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Hono } from 'hono';
import { test } from 'tap';
import { openHttpListener } from '../../src/control/http-listener.ts';
import type { Teardown } from '../support/turnd-process.ts';

const HOST = '127.0.0.1';

async function open(t: Teardown, requestTimeout?: number) {
  const listener = await openHttpListener({
    ...{ host: HOST, port: 0, key: 'metrics.listen', secure: null, report: () => undefined },
    app: new Hono().get('/', (context) => context.text('hello')),
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
  });
  t.teardown(() => listener.close());
  return listener;
}

function get(port: number, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: HOST, port, headers, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('an application is served on a port of the system’s choice', async (t) => {
  const { port } = await open(t);
  t.same(await get(port), { status: 200, body: 'hello' });
  t.equal((await get(port, { x: 'y'.repeat(20_000) })).status, 431, 'headers are bounded');
});

test('a port that is taken is told with its key', async (t) => {
  const { port } = await open(t);
  const again = openHttpListener({
    ...{ host: HOST, port, key: 'metrics.listen', secure: null, report: () => undefined },
    app: new Hono(),
  });
  await t.rejects(again, {
    code: 'TURN_CONTROL',
    message: /^cannot serve HTTP on 127\.0\.0\.1:\d+: .*: change metrics\.listen, or stop who has it$/,
  });
});

test('whoever sends no whole request in time is cut off', async (t) => {
  const { port } = await open(t, 100);
  const socket = connect({ host: HOST, port });
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\n');
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
  t.pass('closed');
});

test('over TLS no connection is half open: who leaves in the middle of a handshake gives its place back', async (t) => {
  const sockets: Socket[] = [];
  const secure = (socket: Socket): void => {
    sockets.push(socket);
    socket.end('accepted');
  };
  const options = { host: HOST, port: 0, key: 'control.listen', secure, report: () => undefined };
  const listener = await openHttpListener({ ...options, app: new Hono() });
  t.teardown(() => listener.close());
  const client = connect(listener.port, HOST);
  await once(client, 'data');
  t.equal(sockets[0]?.allowHalfOpen, false);
});

test('a listener that is closed takes nobody on', async (t) => {
  const listener = await open(t);
  await listener.close();
  await listener.close();
  await t.rejects(get(listener.port), { code: 'ECONNREFUSED' });
});
