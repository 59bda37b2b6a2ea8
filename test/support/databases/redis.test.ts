import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { connect } from 'node:tls';
import { test } from 'tap';
import { redisProgram, startRedis } from './redis.ts';

const { skip } = redisProgram;

async function ask(port: number, command: string): Promise<string> {
  const socket = createConnection(port, '127.0.0.1');
  socket.write(`${command}\r\n`);
  const [data] = await once(socket, 'data');
  socket.destroy();
  return String(data);
}

test('Redis starts, asks for its password, and keeps what it was told over a crash', { skip }, async (t) => {
  const redis = await startRedis({ password: 'p w' });
  t.teardown(() => redis.close());
  t.match(await ask(redis.port, 'GET a'), 'NOAUTH');
  t.match(await ask(redis.port, 'AUTH "p w"\r\nSET a 1'), 'OK');
  await redis.server.kill();
  await t.rejects(ask(redis.port, 'PING'), { code: 'ECONNREFUSED' });
  await redis.server.start();
  t.match(redis.url, `redis://:p%20w@127.0.0.1:${redis.port}/0`);
});

test('Redis with TLS shows a certificate of its authority', { skip }, async (t) => {
  const redis = await startRedis({ tls: true });
  t.teardown(() => redis.close());
  const socket = connect({ host: '127.0.0.1', port: redis.port, ca: readFileSync(redis.authority?.ca ?? '') });
  await once(socket, 'secureConnect');
  t.ok(socket.authorized);
  socket.destroy();
});

test('a paused Redis answers when it is resumed', { skip }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  redis.server.pause();
  const answer = ask(redis.port, 'PING');
  redis.server.resume();
  t.match(await answer, 'PONG');
});
