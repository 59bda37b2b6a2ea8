// What a client does when a server refuses (RFC 8656 §7.4, RFC 8489 §10, RFC 6062 §4.3), against servers that a test plays.

import { test } from 'tap';
import type { ClientError } from '../../src/client/client-error.ts';
import { type AllocationEnv, openAllocation } from '../../src/client/open-allocation.ts';
import type { Target } from '../../src/client/resolve.ts';
import { ServerMemory } from '../../src/client/server-memory.ts';
import { type AllocateOptions, TurnClient } from '../../src/client/turn-client.ts';
import { type Answers, address, errorCode, FakePath, respond, SERVER } from '../support/fake-path.ts';
import { VirtualTimers } from '../support/virtual-timers.ts';
import { type AttributeInput, attr, type Decoded } from '../support/wire.ts';
import { plainAddress } from '../support/wire-address.ts';
import { lifetime, xorRelayedAddress } from '../support/wire-attributes.ts';

const ALTERNATE_DOMAIN = 0x8003;
const TARGET: Target = { address: SERVER, transport: 'udp', by: 'literal', name: 'turn.example.org' };

const refuse = (request: Decoded, code: number, ...attrs: readonly AttributeInput[]): Buffer[] => [
  respond(request, 3, { attrs: [[attr.errorCode, errorCode(code)], ...attrs] }),
];
const grant = (request: Decoded): Buffer[] => [
  respond(request, 2, { attrs: [xorRelayedAddress('198.51.100.5', 50_000), lifetime(600)] }),
];

/** A world of servers by address, all answered by one function. */
class World {
  readonly timers = new VirtualTimers();
  readonly paths: FakePath[] = [];
  readonly targets: Target[] = [];
  readonly env: AllocationEnv;

  constructor(answers: (request: Decoded, server: string) => readonly Buffer[]) {
    this.env = {
      credential: null,
      timers: this.timers,
      memory: new ServerMemory(),
      connect: async (target) => {
        const ofServer: Answers = (request) => answers(request, target.address.text);
        const path = new FakePath(ofServer, 'udp', target.address);
        this.paths.push(path);
        this.targets.push(target);
        return path;
      },
    };
  }

  async allocate(options: AllocateOptions = {}) {
    const outcome = openAllocation(TARGET, this.env, options).then(
      ({ allocation, target }) => ({
        relayed: allocation.relayed.text,
        server: target.address.text,
        name: target.name,
      }),
      ({ fault, errorCode: code, waitMs, message }: ClientError) => ({ fault, errorCode: code, waitMs, message }),
    );
    await this.timers.pass(0);
    return outcome;
  }
}

test('CLI-08 437: three other local ports are tried, and then no more', async (t) => {
  const world = new World((request) => refuse(request, 437));
  t.match(await world.allocate(), { fault: 'rejected', errorCode: 437 });
  t.equal(world.paths.length, 4);
  t.ok(world.paths.every(({ isClosed }) => isClosed));
  let refusals = 0;
  const better = new World((request) => (refusals++ < 3 ? refuse(request, 437) : grant(request)));
  t.match(await better.allocate(), { relayed: '198.51.100.5:50000' });
});

test('CLI-08 486 and 508: the server is not asked again for a minute', async (t) => {
  for (const code of [486, 508]) {
    const world = new World((request) => refuse(request, code));
    t.match(await world.allocate(), { fault: 'rejected', errorCode: code });
    t.match(await world.allocate({ family: 6 }), { fault: 'wait', errorCode: code, waitMs: 60_000 });
    await world.timers.pass(59_999);
    t.match(await world.allocate(), { fault: 'wait', waitMs: 1 });
    t.equal(world.paths.length, 1);
    await world.timers.pass(1);
    t.match(await world.allocate(), { fault: 'rejected', errorCode: code });
    t.equal(world.paths.length, 2);
  }
});

test('CLI-08 440: this family is never asked for again, another one is', async (t) => {
  const world = new World((request) =>
    request.has(attr.requestedAddressFamily) ? refuse(request, 440) : grant(request),
  );
  t.match(await world.allocate({ family: 6 }), { fault: 'rejected', errorCode: 440 });
  await world.timers.pass(86_400_000);
  t.match(await world.allocate({ family: 6 }), { fault: 'wait', errorCode: 440 });
  t.equal(world.paths.length, 1);
  t.match(await world.allocate(), { relayed: '198.51.100.5:50000' });
});

test('CLI-08 300: the alternate server of our family, with its own name if it has one', async (t) => {
  const elsewhere: readonly AttributeInput[] = [
    [attr.alternateServer, plainAddress('2001:db8::7', 1)],
    [attr.alternateServer, plainAddress('192.0.2.7', 3479)],
  ];
  const world = new World((request, server) =>
    server === SERVER.text
      ? refuse(request, 300, ...elsewhere, [ALTERNATE_DOMAIN, Buffer.from('b.example.org')])
      : grant(request),
  );
  t.match(await world.allocate(), { server: '192.0.2.7:3479', name: 'b.example.org' });
  const sameName = new World((request, server) =>
    server === SERVER.text ? refuse(request, 300, ...elsewhere) : grant(request),
  );
  t.match(await sameName.allocate(), { server: '192.0.2.7:3479', name: 'turn.example.org' });
  t.match(await new World((request) => refuse(request, 300)).allocate(), { fault: 'protocol' });
});

test('CLI-08 300: a server that was visited within five minutes is not visited again', async (t) => {
  const back = new Map([
    [SERVER.text, plainAddress('192.0.2.7', 3479)],
    ['192.0.2.7:3479', plainAddress('192.0.2.1', 3478)],
  ]);
  const world = new World((request, server) =>
    refuse(request, 300, [attr.alternateServer, back.get(server) ?? Buffer.alloc(0)]),
  );
  t.match(await world.allocate(), { fault: 'protocol', message: /redirection loop/ });
  t.equal(world.paths.length, 2);
  await world.timers.pass(299_999);
  t.match(await world.allocate(), { message: /redirection loop/ });
  t.equal(world.paths.length, 3);
  await world.timers.pass(300_000);
  t.match(await world.allocate(), { message: /redirection loop/ });
  t.equal(world.paths.length, 5, 'after five minutes the way is open again');
});

test('CLI-08 447: the same peer is not tried again for ten seconds', async (t) => {
  const timers = new VirtualTimers();
  const path = new FakePath((request) => refuse(request, 447), 'tcp');
  const client = new TurnClient(path, { credential: null, timers });
  const peer = address('203.0.113.1', 80);
  await t.rejects(client.connectPeer(peer), { message: /refused with 447/ });
  await timers.pass(9999);
  await t.rejects(client.connectPeer(peer), { fault: 'wait', waitMs: 1, message: /447/ });
  await t.rejects(client.connectPeer(address('203.0.113.2', 80)), { message: /refused with 447/ });
  t.equal(path.sent.length, 2);
  await timers.pass(1);
  await t.rejects(client.connectPeer(peer), { message: /refused with 447/ });
  t.equal(path.sent.length, 3);
});

test('other refusals are told as they are, and the path is closed', async (t) => {
  const world = new World((request) => refuse(request, 500));
  t.match(await world.allocate(), {
    fault: 'rejected',
    errorCode: 500,
    message: 'Allocate: refused with 500 (Server Error)',
  });
  t.ok(world.paths[0]?.isClosed);
  t.match(await world.allocate(), { fault: 'rejected', errorCode: 500 });
});

test('a server that sends us on for ever is left after five redirections', async (t) => {
  let next = 1;
  const world = new World((request) => {
    return refuse(request, 300, [attr.alternateServer, plainAddress(`192.0.2.${++next}`, 3478)]);
  });
  t.match(await world.allocate(), { fault: 'protocol', message: /redirected more than 5 times/ });
  t.equal(world.paths.length, 6);
  t.ok(world.paths.every(({ isClosed }) => isClosed));
});
