// The quota of a server of two workers, with the real engines on one side and main's service on the other: a thousand
// Allocates that are all on their way at once, and every way on which a unit returns.

import { createHmac } from 'node:crypto';
import { type Test, test } from 'tap';
import { SourcedCredentials } from '../../src/auth/credentials.ts';
import { LimitedCredentials } from '../../src/auth/realm-limits.ts';
import { RestSecrets } from '../../src/auth/rest-secrets.ts';
import type { AllocationQuota, QuotaLimits } from '../../src/limits/quota.ts';
import { QuotaService } from '../../src/workers/quota-service.ts';
import { RemoteQuota } from '../../src/workers/remote-quota.ts';
import { Gate } from '../support/gate.ts';
import { Lab, REALM, settle } from '../support/lab.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { LabRelays } from '../support/lab-network.ts';
import { quotaOf } from '../support/quota.ts';
import { attr, decode, message } from '../support/wire.ts';
import { lifetime, requestedTransport } from '../support/wire-attributes.ts';

const SECRET = 'shared by the application and the server';
const NOTHING = { allocations: 0, users: 0, clients: 0 };
const ATTEMPTS = 1000;

interface Limits extends Partial<QuotaLimits> {
  readonly perUser?: number;
  readonly perRealm?: number;
  readonly ports?: readonly [number, number];
}

/** Main's quota and two workers, whose questions wait at a gate. */
class Server {
  readonly gate = new Gate();
  readonly quota: AllocationQuota;
  readonly #service: QuotaService;
  readonly #relays: LabRelays;
  readonly #limits: Limits;
  readonly labs: Lab[] = [];

  constructor(limits: Limits) {
    const { allocations = 0, allocationsPerClientAddress = 0, ports = [49_152, 65_535] } = limits;
    this.#limits = limits;
    this.quota = quotaOf({ allocations, allocationsPerClientAddress });
    this.#service = new QuotaService(this.quota, REALM);
    this.#relays = new LabRelays([4], ports, false);
    this.labs.push(this.#worker(1), this.#worker(2));
  }

  /** A worker is gone, and has a successor. */
  crash(worker: 1 | 2): void {
    this.#service.releaseAll(worker);
    for (const allocation of this.labs[worker - 1]?.engine.allocations.list() ?? []) allocation.ipv4?.socket.close();
    this.labs[worker - 1] = this.#worker(worker);
  }

  // What is said goes as text, as it does between processes.
  #worker(worker: number): Lab {
    const quota = new RemoteQuota(
      {
        quota: (request) => {
          const text = JSON.stringify(request);
          return this.gate.hold(null).then(() => this.#service.acquire(worker, JSON.parse(text)));
        },
        release: (request) => this.#service.release(worker, JSON.parse(JSON.stringify(request))),
      },
      REALM,
    );
    const { perUser = 0, perRealm = null } = this.#limits;
    const clock = { now: () => lab.clock.now(), wallTime: () => lab.clock.wallTime() };
    const secrets = new RestSecrets({ separator: ':', allocationsPerRestUser: perUser }, [SECRET], clock);
    const credentials = new LimitedCredentials(new SourcedCredentials([secrets]));
    credentials.setLimits([{ realm: REALM, userQuota: null, totalQuota: perRealm }]);
    const lab: Lab = new Lab({ relays: this.#relays, env: { quota, credentials }, settings: { worker } });
    return lab;
  }
}

/** How the n-th client of a run is made. */
interface Client {
  readonly user: string;
  readonly address: string;
  readonly transport?: 'udp' | 'tcp';
}

const port = (index: number): number => 1024 + (index % 60_000);

/** One user id, with another time stamp in each name, at many addresses. */
const sameUser = (index: number): Client => ({ user: 'alice', address: `198.51.${index % 100}.9:${port(index)}` });
const manyUsers = (index: number): Client => ({ ...sameUser(index), user: `user ${index}` });
const sameAddress = (index: number): Client => ({ ...manyUsers(index), address: `198.51.100.9:${port(index)}` });
const sameNetwork = (index: number): Client => ({
  ...manyUsers(index),
  address: `[2a00:1450:0:1::${index.toString(16)}]:${port(index)}`,
});

function open(server: Server, index: number, { user, address, transport = 'udp' }: Client): LabClient {
  const lab = server.labs[index % 2] as Lab;
  const name = `${lab.clock.wall / 1000 + 7200 + (index % 600)}:${user}`;
  const password = createHmac('sha1', SECRET).update(name).digest('base64');
  return lab.client({ user: name, password, address, transport });
}

// Its challenge comes at once; the answer waits at the gate.
function ask(client: LabClient): void {
  client.send(message({ type: REQUEST.allocate, attrs: [requestedTransport()] }));
  client.nonce = decode(client.take()[0] as Buffer).text(attr.nonce) ?? '';
  client.send(client.signed(REQUEST.allocate, [requestedTransport()]));
}

/** What all got, once all have asked. */
interface Outcome {
  readonly granted: readonly LabClient[];
  readonly refusals: readonly number[];
}

async function allocateAtOnce(server: Server, count: number, make: (index: number) => Client): Promise<Outcome> {
  const clients = Array.from({ length: count }, (_, index) => open(server, index, make(index)));
  for (const client of clients) ask(client);
  server.gate.releaseAll();
  await settle();
  const answers = clients.map((client) => decode(client.take()[0] as Buffer));
  return {
    granted: clients.filter((_, index) => answers[index]?.type === 0x0103),
    refusals: [...new Set(answers.flatMap(({ errorCode }) => errorCode ?? []))],
  };
}

async function holds(t: Test, limits: Limits, make: (index: number) => Client): Promise<void> {
  const server = new Server(limits);
  const { granted, refusals } = await allocateAtOnce(server, ATTEMPTS, make);
  t.equal(granted.length, 37, 'never one more');
  t.same(refusals, [486]);
  t.equal(server.quota.counts().allocations, 37);
  for (const lab of server.labs) await lab.advance(605);
  t.same(server.quota.counts(), NOTHING, 'all of it is back once they have expired');
}

test('S48, REST-10: of 1,000 Allocates at once by one user id, in two workers, exactly the limit is granted', (t) =>
  holds(t, { perUser: 37 }, sameUser));

test('S48: of 1,000 Allocates at once from one IPv4 address exactly the limit is granted', (t) =>
  holds(t, { allocationsPerClientAddress: 37 }, sameAddress));

test('S48: of 1,000 Allocates at once from one IPv6 /64 exactly the limit is granted', (t) =>
  holds(t, { allocationsPerClientAddress: 37 }, sameNetwork));

test('S48: of 1,000 Allocates at once in one realm exactly the limit is granted', (t) =>
  holds(t, { perRealm: 37 }, manyUsers));

test('S48: of 1,000 Allocates at once by all exactly the limit is granted', (t) =>
  holds(t, { allocations: 37 }, manyUsers));

test('S48, TURN-41: units return with Refresh 0, closed connections, and clients that left before they had any', async (t) => {
  const server = new Server({ perUser: 60 });
  const mixed = (index: number): Client => ({ ...sameUser(index), transport: index % 4 < 2 ? 'tcp' : 'udp' });
  const { granted } = await allocateAtOnce(server, 60, mixed);
  t.equal(granted.length, 60);
  for (const client of granted) {
    if (client.stream) client.close();
    else await client.request(REQUEST.refresh, [lifetime(0)]);
  }
  t.same(server.quota.counts(), NOTHING);
  const leavers = Array.from({ length: 60 }, (_, index) =>
    open(server, index, { ...sameUser(index), transport: 'tcp' }),
  );
  for (const client of leavers) ask(client);
  for (const client of leavers) client.close();
  server.gate.releaseAll();
  await settle();
  t.same(server.quota.counts(), NOTHING);
  t.equal((await allocateAtOnce(server, 100, sameUser)).granted.length, 60, 'and all of them can be had again');
});

test('S48: an Allocate that finds no port gives its unit back', async (t) => {
  const server = new Server({ perUser: 60, ports: [50_000, 50_009] });
  const { granted, refusals } = await allocateAtOnce(server, 200, sameUser);
  t.equal(granted.length, 10);
  t.ok(refusals.every((code) => code === 508 || code === 486));
  t.same(server.quota.counts(), { ...NOTHING, allocations: 10, users: 1, clients: 10 });
});

test('S48: what a worker held when it died returns, no more and no less', async (t) => {
  const server = new Server({ perUser: 60 });
  const { granted } = await allocateAtOnce(server, 60, sameUser);
  const [dead, alive] = [0, 1].map((worker) => server.labs[worker]?.engine.allocations.size);
  t.equal((dead ?? 0) + (alive ?? 0), granted.length);
  server.crash(1);
  t.equal(server.quota.counts().allocations, alive);
  t.equal((await allocateAtOnce(server, 200, (index) => sameUser(index + 100))).granted.length, 60 - (alive ?? 0));
  server.crash(1);
  server.crash(2);
  t.same(server.quota.counts(), NOTHING);
});
