// Requests of webhooks on real sockets: whatever answers can neither lead them elsewhere nor make them read without end.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Test, test } from 'tap';
import { httpPoster } from '../../src/events/http-post.ts';
import { whenClosed } from '../support/when-closed.ts';

async function receiver(t: Test, handle: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => handle(request, response, body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const poster = httpPoster(new URL(`http://127.0.0.1:${port}/hook?x=1`));
  t.teardown(() => poster.close());
  return { server, poster };
}

const request = (body = '{}', signal = new AbortController().signal) => ({ headers: { 'x-one': '1' }, body, signal });

test('a body is posted with its headers, and the connection is used again', async (t) => {
  const seen: string[] = [];
  const sockets = new Set<unknown>();
  const { poster } = await receiver(t, ({ method, url, headers, socket }, response, body) => {
    sockets.add(socket);
    seen.push([method, url, headers['x-one'], headers['content-length'], body].join(' '));
    response.writeHead(202).end('taken');
  });
  t.equal(await poster.post(request('{"a":"ü"}')), 202);
  t.equal(await poster.post(request('{}')), 202);
  t.same(seen, ['POST /hook?x=1 1 10 {"a":"ü"}', 'POST /hook?x=1 1 2 {}']);
  t.equal(sockets.size, 1);
});

test('a redirect is an answer like any other: nobody is asked elsewhere', async (t) => {
  let elsewhere = 0;
  const { poster: other } = await receiver(t, (_request, response) => {
    elsewhere++;
    response.end();
  });
  t.equal(await other.post(request()), 200);
  const { poster } = await receiver(t, (_request, response) =>
    response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
  );
  t.equal(await poster.post(request()), 307);
  t.equal(elsewhere, 1);
});

test('an answer without end is read no further than makes sense', async (t) => {
  const { server, poster } = await receiver(t, (_request, response) => {
    response.writeHead(200);
    const go = (): void => {
      while (response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', go);
    go();
  });
  const closed = once(server, 'connection').then(([socket]) => whenClosed(socket as Socket));
  t.equal(await poster.post(request()), 200);
  await closed;
});

test('an answer that comes drop by drop, or not at all, ends with the signal', async (t) => {
  const { poster } = await receiver(t, (_request, response) => {
    response.writeHead(200);
    response.write('.');
  });
  const abort = new AbortController();
  const answer = poster.post(request('{}', abort.signal));
  setImmediate(() => setTimeout(() => abort.abort(), 50));
  // The status may have come before: then it counts.
  t.equal(await answer.catch(() => 200), 200);
  const silent = await receiver(t, () => {});
  const second = new AbortController();
  const never = silent.poster.post(request('{}', second.signal));
  setImmediate(() => second.abort());
  await t.rejects(never, { code: 'ABORT_ERR' });
});

test('nobody there, or somebody who speaks no HTTP, is an error', async (t) => {
  const { server, poster } = await receiver(t, (_request, response) => response.end());
  server.close();
  await once(server, 'close');
  await t.rejects(poster.post(request()), { code: 'ECONNREFUSED' });
  const { poster: strange, server: raw } = await receiver(t, () => {});
  raw.removeAllListeners('connection');
  raw.on('connection', (socket) => socket.end('hello\r\n\r\n'));
  await t.rejects(strange.post(request()), { code: /HPE_|ECONNRESET/ });
});
