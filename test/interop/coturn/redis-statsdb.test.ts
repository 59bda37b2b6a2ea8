// What coturn tells its Redis of real clients is recorded, then StatusPublisher is told of the same allocations: what
// Redis hears must be the same, letter by letter.

import type { Redis } from 'ioredis';
import { type Test, test } from 'tap';
import {
  NO_TRAFFIC,
  type PublishedAllocation,
  type PublishedTraffic,
  type PublishedTransport,
} from '../../../src/statsdb/coturn-texts.ts';
import { openStatusPublisher } from '../../../src/statsdb/status-publisher.ts';
import { coturnProgram, startCoturn } from '../../support/coturn.ts';
import { redisProgram, startRedis, type TestRedis } from '../../support/databases/redis.ts';
import { connectTo, redisUrl } from '../../support/databases/redis-commands.ts';
import { patiently } from '../../support/raw-client.ts';
import { TEST_ADDRESS, TEST_USER, type Transport } from '../../support/turn-server.ts';
import { runUclient, STATIC_USER, uclientProgram } from './uclient.ts';

const skip = redisProgram.skip || coturnProgram.skip || uclientProgram.skip;
/** Of channels that are told at the end; 9 messages of `-n 20` are far from the 4096 of a report between. */
const LAST_CHANNEL = '/total_traffic/peer';

/** Of `-m 2`: with `-y` they talk to each other. */
const CLIENTS = 2;

type Heard = readonly [verb: string, key: string, value: string];

/** Everything that Redis is told about allocations: SET, DEL and PUBLISH, in order. */
class Recorder {
  readonly heard: Heard[] = [];
  #listener: () => void = () => {};

  static async start(t: Test, redis: TestRedis): Promise<Recorder> {
    const recorder = new Recorder();
    const monitor: Redis = await connectTo(t, redis).monitor();
    monitor.on('error', () => {});
    t.teardown(() => monitor.disconnect());
    monitor.on('monitor', (_time: string, [verb = '', key = '', value = '']: string[]) => {
      if (!key.startsWith('turn/')) return;
      recorder.heard.push([verb.toLowerCase(), key, value]);
      recorder.#listener();
    });
    return recorder;
  }

  /** Resolves once `count` allocations have ended. */
  untilEnded(count: number): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#listener = () => {
        if (this.sessions().size >= count) resolve();
      };
      this.#listener();
    });
    return patiently(`the end of ${count} allocations`, ended);
  }

  /** What was heard of each allocation that has ended, by the beginning of its keys. uclient leaves its first one. */
  sessions(): ReadonlyMap<string, readonly Heard[]> {
    const sessions = new Map<string, Heard[]>();
    for (const heard of this.heard) {
      const prefix = /^.*\/allocation\/\d+/.exec(heard[1])?.[0] ?? '';
      sessions.set(prefix, [...(sessions.get(prefix) ?? []), heard]);
    }
    return new Map([...sessions].filter(([, heard]) => heard.at(-1)?.[1].endsWith(LAST_CHANNEL)));
  }
}

/** What coturn said of one allocation, read back. */
interface Story {
  readonly allocation: PublishedAllocation;
  readonly events: readonly { readonly event: 'new' | 'refreshed'; readonly lifetime: number }[];
  readonly total: PublishedTraffic;
}

function readStory(prefix: string, heard: readonly Heard[]): Story {
  const [, realm, user, id] = /^turn\/realm\/(.*)\/user\/(.*)\/allocation\/(\d+)$/.exec(prefix) ?? [];
  const published = heard.filter(([verb]) => verb === 'publish');
  const statuses = published.map(([, , value]) =>
    /^(new|refreshed) lifetime=(\d+), type=(.*), local=(.*), remote=(.*), ssl=(.*), cipher=(.*)$/.exec(value),
  );
  const [first] = statuses.filter((match) => match !== null);
  const [, , , transport, local, remote, ssl, cipher] = first ?? [];
  return {
    allocation: {
      ...{ id: `${Number(id)}`, realm: realm ?? '', user: user ?? '', transport: transport as PublishedTransport },
      ...{ local: local ?? '', remote: remote ?? '' },
      ...{ tlsMethod: ssl === 'NONE' ? '' : (ssl ?? ''), tlsCipher: cipher === 'NONE' ? '' : (cipher ?? '') },
    },
    events: statuses.flatMap((match) =>
      match === null ? [] : [{ event: match[1] as 'new' | 'refreshed', lifetime: Number(match[2]) }],
    ),
    total: readTotal(published),
  };
}

function readTotal(published: readonly Heard[]): PublishedTraffic {
  const numbers = (channel: string): number[] =>
    published
      .filter(([, key]) => key.endsWith(channel))
      .flatMap(([, , value]) => [...value.matchAll(/=(\d+)/g)].map((match) => Number(match[1])));
  const [packetsFromClient = 0, bytesFromClient = 0, packetsToClient = 0, bytesToClient = 0] =
    numbers('/total_traffic');
  const [packetsFromPeers = 0, bytesFromPeers = 0, packetsToPeers = 0, bytesToPeers = 0] = numbers(LAST_CHANNEL);
  return {
    ...{ packetsFromClient, bytesFromClient, packetsToClient, bytesToClient },
    ...{ packetsFromPeers, bytesFromPeers, packetsToPeers, bytesToPeers },
  };
}

async function recordCoturn(t: Test, redis: TestRedis, transport: Transport): Promise<Recorder> {
  const recorder = await Recorder.start(t, redis);
  const server = await startCoturn({ args: [`--redis-statsdb=ip=127.0.0.1 dbname=0 port=${redis.port}`] });
  t.teardown(() => server.close());
  await runUclient(server, transport, [...STATIC_USER, '-y', '-c']);
  await recorder.untilEnded(CLIENTS);
  const local = `${TEST_ADDRESS}:${server.ports[transport]}`;
  for (const [prefix, heard] of recorder.sessions()) {
    const { allocation } = readStory(prefix, heard);
    t.match(allocation, { realm: TEST_USER.realm, user: TEST_USER.username, local }, 'the story is readable');
  }
  return recorder;
}

async function replay(t: Test, redis: TestRedis, coturn: Recorder): Promise<Recorder> {
  const recorder = await Recorder.start(t, redis);
  const publisher = await openStatusPublisher({
    url: redisUrl(redis.url),
    idPrefix: 'none',
    onChange: (fault) => t.equal(fault, null),
  });
  t.teardown(() => publisher.close());
  for (const [prefix, heard] of coturn.sessions()) {
    const { allocation, events, total } = readStory(prefix, heard);
    for (const { event, lifetime } of events) {
      if (event === 'new') publisher.allocated(allocation, lifetime);
      else publisher.refreshed(allocation, lifetime);
    }
    publisher.traffic(allocation, NO_TRAFFIC);
    publisher.released(allocation, total);
  }
  await recorder.untilEnded(coturn.sessions().size);
  return recorder;
}

// Its clients may come again, and coturn may give one number to two sessions, one after the other.
function beginnings(heard: readonly Heard[]): number {
  return heard.filter(([verb, , value]) => verb === 'set' && value.startsWith('new ')).length;
}

for (const transport of ['udp', 'tcp', 'tls'] satisfies Transport[]) {
  test(`Redis hears of allocations over ${transport} what it hears from coturn`, { skip }, async (t) => {
    const redis = await startRedis();
    t.teardown(() => redis.close());
    const coturn = await recordCoturn(t, redis, transport);
    const turnd = await replay(t, redis, coturn);
    t.ok(coturn.sessions().size >= CLIENTS);
    const stories = [...coturn.sessions()].filter(([, heard]) => beginnings(heard) === 1);
    t.ok(stories.length > 0, 'there is something to compare');
    for (const [prefix, heard] of stories) t.same(turnd.sessions().get(prefix), heard, prefix);
  });
}
