// What a Redis is told of allocations by a running turnd: by workers, over streams, and when a worker dies.

import { execFileSync } from 'node:child_process';
import { test } from 'tap';
import { redisProgram, startRedis, type TestRedis } from '../../support/databases/redis.ts';
import { connectTo } from '../../support/databases/redis-commands.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { planeUnderTest } from '../../support/plane-under-test.ts';
import { RawClient, REQUEST } from '../../support/raw-client.ts';
import { labFlags, type Teardown, TurndProcess, temporaryDirectory } from '../../support/turnd-process.ts';
import { lifetime } from '../../support/wire-attributes.ts';

const { skip } = redisProgram;

/** Everything that is published, as `channel value`. */
class Heard {
  readonly lines: string[] = [];
  #wake = (): void => {};

  static async on(t: Teardown, redis: TestRedis): Promise<Heard> {
    const heard = new Heard();
    const client = connectTo(t as never, redis);
    client.on('pmessage', (_pattern: string, channel: string, value: string) => {
      heard.lines.push(`${channel} ${value}`);
      heard.#wake();
    });
    await client.psubscribe('turn/*');
    return heard;
  }

  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.lines.find((each) => pattern.test(each));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

async function start(t: Teardown, redis: TestRedis): Promise<TurndProcess> {
  const flags = labFlags(temporaryDirectory(t), '--listen', 'tls://127.0.0.1:0', '--realm', 'r.example');
  const server = new TurndProcess(flags, { env: { TURND_STATSDB: redis.url } });
  t.teardown(() => server.stop());
  await server.ready();
  return server;
}

test('an allocation is published from its birth to its end, with its traffic', { skip }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const heard = await Heard.on(t, redis);
  const server = await start(t, redis);
  const keys = connectTo(t, redis);
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const client = await RawClient.open({ transport: 'tls', port: await server.port('tls') });
  t.teardown(() => client.close());
  await client.allocated();
  const made = await heard.until(/\/status new /);
  const at = String.raw`127\.0\.0\.1:\d+`;
  const form = String.raw`lifetime=600, type=TLS/TCP, local=${at}, remote=${at}, ssl=TLSv1\.3, cipher=TLS_\w+`;
  t.match(made, new RegExp(`^turn/realm/r\\.example/user/alice/allocation/\\d{18}/status new ${form}$`));
  const key = made.split(' ')[0] ?? '';
  t.match(await keys.get(key), /^new lifetime=600, /, 'the key says the same');

  await client.bind(0x4000, '127.0.0.1', peer.port);
  client.sendChannel(0x4000, 'four');
  const from = await peer.next();
  await peer.send(Buffer.from('sixsix'), from.port, from.address);
  await client.nextData();
  await client.request(REQUEST.refresh, [lifetime(777)]);
  await heard.until(/\/status refreshed lifetime=777, /);
  await client.request(REQUEST.refresh, [lifetime(0)]);
  await heard.until(/\/status deleted$/);
  await heard.until(/\/total_traffic rcvp=1, rcvb=4, sentp=1, sentb=6$/);
  await heard.until(/\/total_traffic\/peer rcvp=1, rcvb=6, sentp=1, sentb=4$/);
  t.equal(await keys.get(key), null);
});

test('many packets are told of while they flow', { skip }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const heard = await Heard.on(t, redis);
  const server = await start(t, redis);
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  await client.allocated();
  await client.bind(0x4000, '127.0.0.1', peer.port);
  // In step, so that no buffer runs over.
  for (let packet = 0; packet < 2100; packet++) {
    client.sendChannel(0x4000, 'four');
    await peer.next();
  }
  const told = await heard.until(/\/traffic rcvp=\d+, /);
  t.match(told, /\/traffic rcvp=2\d{3}, rcvb=\d+, sentp=0, sentb=0$/);
});

test('what a dead worker held is published as gone', { skip }, async (t) => {
  if (planeUnderTest === 'portable') {
    t.pass('one process has no workers');
    return;
  }
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const heard = await Heard.on(t, redis);
  const server = await start(t, redis);
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  await client.allocated();
  const made = await heard.until(/\/status new /);
  const worker = Number(/(\d{3})\/status/.exec(made)?.[1]);
  const pids = execFileSync('pgrep', ['-P', String(server.pid), '-f', `turnd: worker ${worker}`], { encoding: 'utf8' });
  process.kill(Number(pids.trim()), 'SIGKILL');
  await heard.until(/\/status deleted$/);
  t.same(await connectTo(t, redis).keys('turn/*'), []);
});
