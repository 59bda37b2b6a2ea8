// Fuzzes what the main process hears from a worker that has gone mad: any JSON, in any order. Main does not throw, what
// it counts stays whole, and when the worker is gone nothing of it is left.
//
// input = lines: each is one batch as JSON; what is no JSON is taken as text

import { StatusService } from '../../../src/server/status-service.ts';
import type { PublishedAllocation, PublishedTraffic } from '../../../src/statsdb/coturn-texts.ts';
import { channelOf, peerTrafficText, statusText } from '../../../src/statsdb/coturn-texts.ts';
import type { CallHandlers } from '../../../src/workers/calls.ts';
import { credentialHandlers } from '../../../src/workers/credential-service.ts';
import type { TaggedDescriptors } from '../../../src/workers/descriptors.ts';
import type { FromWorker, MainCalls, ToWorker } from '../../../src/workers/messages.ts';
import { QuotaService } from '../../../src/workers/quota-service.ts';
import { ReservationService } from '../../../src/workers/reservation-service.ts';
import type { WorkerEvents } from '../../../src/workers/spawn-worker.ts';
import { WorkerFleet } from '../../../src/workers/worker-fleet.ts';
import { labCredentials, settle } from '../../support/lab.ts';
import { quotaOf } from '../../support/quota.ts';
import { VirtualTimers } from '../../workers/virtual-timers.ts';
import { mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';

/** WorkerFleet and the services behind it. */
export const workerMessagesTarget: Target = {
  name: 'worker-messages',
  code: ['/src/workers/'],
  seeds: () => SEEDS.map((text) => Buffer.from(text)),
  mutate: (input, other, random) => mutateText(input, other, { tokens: TOKENS, maxLength: 4000 }, random),
  run,
};

const CREDENTIAL = '{"quotaKey":"alice","quotaLimit":0}';
const ALLOCATION =
  '{"id":1001,"realm":"r","user":"alice","transport":"udp","local":"192.0.2.1:3478","remote":"198.51.100.7:4000","encryption":null}';
const TRAFFIC = '{"packetsToPeer":1,"bytesToPeer":2,"packetsToClient":3,"bytesToClient":4}';
const SESSION =
  '{"id":1001,"worker":1,"user":"","realm":"","client":"192.0.2.1:4","transport":"udp","relayed":["203.0.113.1:50000"],"age":1,"remaining":600,"permissions":0,"channels":0,"packetsFromClient":0,"bytesFromClient":0,"packetsToClient":0,"bytesToClient":0}';
const CALLS: readonly string[] = [
  '{"kind":"call","id":1,"name":"credential","ask":{"username":"alice","realm":"example.org"}}',
  '{"kind":"call","id":2,"name":"userhash","ask":{"hash":"00ff","realm":"example.org"}}',
  `{"kind":"call","id":3,"name":"quota","ask":{"credential":${CREDENTIAL},"client":"198.51.100.7"}}`,
  '{"kind":"call","id":3,"name":"quota","ask":{"credential":null,"client":"198.51.100.7"}}',
  '{"kind":"call","id":4,"name":"mayHold","ask":{"holder":"alice","limit":3}}',
  '{"kind":"call","id":5,"name":"hold","ask":{"tag":"hold 1","local":{"ip":"203.0.113.1","port":50000},"holder":"alice"}}',
  '{"kind":"call","id":6,"name":"redeem","ask":{"token":"0001020304050607"}}',
];
const SEEDS: readonly string[] = [
  '[{"kind":"ready"}]\n[{"kind":"beat","allocations":2,"counters":{"engine":{"requests":5,"dropped":[0,1]}}}]',
  '[{"kind":"failed","reason":"no port is free"}]',
  '[{"kind":"log","lines":["{\\"level\\":\\"info\\"}\\n"],"lost":0}]',
  ...CALLS.map((call) => `[${call}]`),
  `[${CALLS.join(',')}]`,
  `[{"kind":"release","request":{"credential":${CREDENTIAL},"client":"198.51.100.7"}}]`,
  `[{"kind":"status","report":{"event":"new","allocation":${ALLOCATION},"lifetime":600}}]\n[{"kind":"status","report":{"event":"released","id":1001,"traffic":${TRAFFIC}}}]`,
  `[{"kind":"answer","id":1,"answer":[${SESSION}]}]\n[{"kind":"answer","id":2,"answer":null}]\n[{"kind":"answer","id":3,"answer":1}]`,
  '[{"kind":"answer","id":4,"answer":{"engine":{"requests":9}}}]\n[{"kind":"refusal","id":1,"reason":"no"}]',
  '[{"kind":"stopped","counters":{"engine":{}}}]',
  'null',
];
const TOKENS: readonly string[] = [
  ...[
    'null',
    'true',
    '0',
    '-1',
    '1e308',
    '9007199254740993',
    '""',
    '[]',
    '{}',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '"',
    '\n',
  ],
  ...[
    '"kind":',
    '"id":',
    '"name":',
    '"ask":',
    '"answer":',
    '"counters":',
    '"__proto__":',
    '"constructor":',
    '"toString":1',
  ],
  ...[
    '{"toString":1,"valueOf":1}',
    '{"length":1000000000}',
    '"\\u0000"',
    '"\\n"',
    '"\\ud800"',
    '[{}]',
    '[[[[[[[[]]]]]]]]',
  ],
  ...[
    '"ready"',
    '"failed"',
    '"beat"',
    '"log"',
    '"status"',
    '"release"',
    '"stopped"',
    '"call"',
    '"refusal"',
    '"hasOwnProperty"',
  ],
  ...CALLS,
  ALLOCATION,
  TRAFFIC,
  SESSION,
];

async function run(input: Buffer, notice: Notice): Promise<number> {
  const batches = input.toString('utf8').split('\n').map(parsed);
  const main = new MainLab(notice);
  await main.begin();
  const asked = [
    main.fleet.sessions(EVERY),
    main.fleet.session(1001),
    main.fleet.end({ id: 1001 }),
    main.fleet.counters(),
  ];
  for (const batch of batches) main.worker(1).heard(batch);
  await settle();
  main.timers.advance(5000);
  const [sessions, session, ended, counters] = await Promise.all(asked);
  notice(
    `${JSON.stringify(sessions).slice(0, 20)} ${session === null} ${typeof ended} ${JSON.stringify(counters).slice(0, 20)}`,
  );
  main.worker(1).exited({ code: null, signal: 'SIGKILL' });
  await main.checkEnd();
  return batches.length;
}

const EVERY = { user: null, realm: null, client: null, transport: null, after: 0, limit: 100 };

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

// Main with two workers, as src/server/with-workers.ts puts it together, without processes and descriptors.
class MainLab {
  readonly timers: VirtualTimers = new VirtualTimers();
  readonly fleet: WorkerFleet;
  readonly #notice: Notice;
  readonly #workers = new Map<number, WorkerEvents>();
  readonly #quota = new QuotaService(quotaOf({ allocations: 5, allocationsPerClientAddress: 3 }), 'example.org');
  readonly #reservations: ReservationService;
  readonly #live = new Set<string>();
  readonly #status = new StatusService(statusSink(this.#live), '123456789');

  constructor(notice: Notice) {
    this.#notice = notice;
    const random = { fill: (target: Uint8Array) => void target.fill(7) };
    this.#reservations = new ReservationService({ random, now: () => this.timers.now(), expired: () => {} });
    this.fleet = new WorkerFleet({
      workers: 2,
      timers: this.timers,
      spawn: (worker, events) => this.#spawn(worker, events),
      handlers: (worker) => this.#handlers(worker),
      said: (worker, message) => this.#said(worker, message),
      babbled: () => notice('babbled'),
      ready: () => notice('ready'),
      gone: (worker, loss) => this.#gone(worker, `${loss?.reason}`),
      gaveUp: () => notice('gave up'),
    });
  }

  async begin(): Promise<void> {
    const started = this.fleet.start();
    for (const worker of this.#workers.values()) worker.heard([{ kind: 'ready' }]);
    await started;
  }

  worker(number: number): WorkerEvents {
    return this.#workers.get(number) as WorkerEvents; // both are there
  }

  async checkEnd(): Promise<void> {
    expect(this.#quota.allocations === 0, `${this.#quota.allocations} units of the quota are lost`);
    expect(this.#live.size === 0, `${this.#live.size} allocations are published for good`);
    const counters = this.fleet.counters();
    await settle();
    this.timers.advance(5000);
    JSON.stringify(await counters);
  }

  #spawn(worker: number, events: WorkerEvents) {
    this.#workers.set(worker, events);
    const send = (message: ToWorker): void => {
      JSON.stringify(message);
      this.#notice(`sent ${message.kind} ${'reason' in message ? message.reason.slice(0, 30) : ''}`);
    };
    const descriptors = { take: () => 99, send: () => true, close: () => {} } as unknown as TaggedDescriptors;
    return { process: { pid: 100 + worker, send, kill: () => {} }, descriptors };
  }

  #handlers(worker: number): CallHandlers<MainCalls> {
    return {
      ...credentialHandlers(labCredentials()),
      quota: (request) => this.#quota.acquire(worker, request),
      mayHold: ({ holder, limit }) => this.#reservations.mayHold(holder, limit),
      hold: ({ local: { port }, holder }) => this.#reservations.hold({ fd: 99, row: 0, port, holder }),
      redeem: ({ token }) => (this.#reservations.redeem(token, () => true) ? { tag: 'redeem 1' } : null),
    };
  }

  #said(worker: number, message: FromWorker): void {
    this.#notice(`said ${message.kind}`);
    if (message.kind === 'status') this.#status.report(worker, message.report);
    else if (message.kind === 'release') this.#quota.release(worker, message.request);
    else if (message.kind === 'log')
      for (const line of message.lines) expect(/^[^\n]*\n$/.test(line), 'two lines of log in one');
  }

  #gone(worker: number, reason: string): void {
    this.#notice(`gone ${reason.slice(0, 10)}`);
    this.#quota.releaseAll(worker);
    this.#status.gone(worker);
  }
}

// Makes the texts that Redis would get.
function statusSink(live: Set<string>): ConstructorParameters<typeof StatusService>[0] {
  const tell = (event: 'new' | 'refreshed') => (allocation: PublishedAllocation, lifetime: number) => {
    live.add(channelOf(allocation, 'status'));
    expect(
      /^type=(UDP|TCP|TLS\/TCP|DTLS), /.test(statusText(event, allocation, lifetime).replace(/^.*?, /, '')),
      'an odd status',
    );
  };
  const traffic = (_: PublishedAllocation, traffic: PublishedTraffic) => void peerTrafficText(traffic);
  const released = (allocation: PublishedAllocation) => void live.delete(channelOf(allocation, 'status'));
  return { allocated: tell('new'), refreshed: tell('refreshed'), traffic, released };
}
