// What becomes of allocations whose REST name has expired, by each policy, and the age beyond which none lives (S21). The
// names are made from the draft's words alone.

import { createHmac } from 'node:crypto';
import { test } from 'tap';
import { RestSecrets } from '../../src/auth/rest-secrets.ts';
import type { EngineLimits } from '../../src/turn/settings.ts';
import { Gate } from '../support/gate.ts';
import { Lab, LIMITS, settle } from '../support/lab.ts';
import { codeOf, nothingHeld } from '../support/lab-checks.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { laterLab } from '../support/later.ts';
import { attr, type Decoded, decode } from '../support/wire.ts';
import {
  additionalAddressFamily,
  lifetime,
  requestedAddressFamily,
  requestedTransport,
} from '../support/wire-attributes.ts';

const SECRET = 'north';
const PEER = '93.184.216.34:5000';
const STRICT = { strictExpiry: true } as const;
// Of a nonce: none of these tests is about those.
const LONG = { nonceLifetime: 100_000 } as const;

/** A server that knows nobody but by a shared secret. */
function restLab(limits: Partial<EngineLimits>, gate: Gate | null = null): Lab {
  const clock = { now: () => lab.clock.now(), wallTime: () => lab.clock.wallTime() };
  const credentials = new RestSecrets({ separator: ':', allocationsPerRestUser: 0 }, [SECRET], clock);
  const options = { limits, settings: LONG, env: { credentials } };
  const lab: Lab = gate === null ? new Lab(options) : laterLab(gate, options);
  return lab;
}

/** A client whose name expires in so many seconds. */
function expiringIn(lab: Lab, seconds: number): LabClient {
  const user = `${lab.clock.wall / 1000 + seconds}:rita`;
  return lab.client({ user, password: createHmac('sha1', SECRET).update(user).digest('base64') });
}

const granted = async (answer: Promise<Decoded>) => (await answer).uint32(attr.lifetime);
const refresh = (client: LabClient, seconds: number) => client.request(REQUEST.refresh, [lifetime(seconds)]);

test('S21, REST-03 lenient: a live allocation goes on past the expiry of its name, and nothing new is made', async (t) => {
  const lab = restLab({});
  const peer = lab.peer(PEER);
  const client = expiringIn(lab, 100);
  t.equal(await granted(client.allocate()), 600, 'lifetimes reach beyond');
  await lab.advance(101);
  t.equal(await granted(refresh(client, 900)), 900);
  t.equal(codeOf(await client.permit(PEER)), 0);
  t.equal(codeOf(await client.bind(0x4000, PEER)), 0);
  client.sendChannel(0x4000, 'still here');
  t.equal(peer.take().length, 1);
  t.equal(codeOf(await expiringIn(lab, -1).allocate()), 401);
});

test('S21 strict: no lifetime reaches beyond the expiry, and at it nothing is left', async (t) => {
  const lab = restLab(STRICT);
  const peer = lab.peer(PEER);
  const client = expiringIn(lab, 100);
  t.equal(await granted(client.allocate([lifetime(3600)])), 100);
  await lab.advance(40);
  t.equal(await granted(refresh(client, 3600)), 60);
  await client.bind(0x4000, PEER);
  await lab.advance(59);
  client.sendChannel(0x4000, 'a second before');
  t.equal(peer.take().length, 1);
  await lab.advance(1);
  client.sendChannel(0x4000, 'too late');
  t.same(peer.take(), []);
  await lab.advance(2);
  nothingHeld(t, lab);
  t.equal(lab.observer.events.at(-1), 'released credential-expired');
});

test('S21 strict: requests with an expired name are answered 401 with a challenge, whatever they ask', async (t) => {
  const requests: Readonly<Record<string, (client: LabClient) => Promise<Decoded>>> = {
    Refresh: (client) => refresh(client, 600),
    CreatePermission: (client) => client.permit(PEER),
    ChannelBind: (client) => client.bind(0x4000, PEER),
    Allocate: (client) => client.allocate(),
  };
  for (const [name, ask] of Object.entries(requests)) {
    const lab = restLab(STRICT);
    const client = expiringIn(lab, 100);
    await client.allocated();
    // No tick has come by yet.
    lab.clock.wall += 100_000;
    const answer = await ask(client);
    t.equal(answer.errorCode, 401, name);
    t.equal(answer.has(attr.nonce) && answer.has(attr.realm), true, `${name}: a challenge`);
    nothingHeld(t, lab, name);
  }
});

test('S21 strict: the wall clock decides, also where it jumps: what has expired ends within 60 s', async (t) => {
  const lab = restLab(STRICT);
  const client = expiringIn(lab, 3000);
  await client.allocated([lifetime(3000)]);
  lab.clock.wall += 3_600_000;
  await lab.advance(59);
  nothingHeld(t, lab);
  const other = expiringIn(lab, 100);
  await other.allocated();
  lab.clock.wall -= 50_000;
  t.equal(await granted(refresh(other, 3600)), 150, 'and where it jumps back');
});

test('S21 strict: whoever has less than a second left has expired', async (t) => {
  const lab = restLab(STRICT);
  const client = expiringIn(lab, 100);
  await client.challenge();
  lab.clock.wall += 99_000;
  t.equal(await granted(client.allocate()), 1);
  lab.clock.wall += 1;
  t.equal(codeOf(await refresh(client, 600)), 401);
  t.equal(codeOf(await client.allocate()), 401);
  nothingHeld(t, lab);
});

test('S21 strict: who waits for a quota until the name has expired gets nothing', async (t) => {
  const gate = new Gate();
  const lab = restLab(STRICT, gate);
  const client = expiringIn(lab, 100);
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, [requestedTransport()]));
  lab.clock.wall += 100_000;
  while (gate.waiting > 0) {
    gate.releaseAll();
    await settle();
  }
  t.same(
    client.take().map((bytes) => codeOf(decode(bytes))),
    [508],
  );
  nothingHeld(t, lab);
});

test('S21 a static user has no end, and strict expiry is nothing to him', async (t) => {
  const lab = new Lab({ limits: STRICT, settings: LONG });
  const client = lab.client();
  t.equal(await granted(client.allocate([lifetime(3600)])), 3600);
  lab.clock.wall += 50_000_000;
  t.equal(await granted(refresh(client, 3600)), 3600);
});

test('S21 a change of the policy counts for allocations that exist', async (t) => {
  const lab = restLab({});
  const [old, young] = [expiringIn(lab, 100), expiringIn(lab, 3000)];
  await old.allocated([lifetime(3600)]);
  await young.allocated([lifetime(3600)]);
  await lab.advance(101);
  lab.engine.setLimits({ ...LIMITS, ...STRICT });
  await lab.advance(2);
  t.equal(lab.engine.allocations.size, 1, 'what has expired ends');
  await lab.advance(2898);
  nothingHeld(t, lab, 'no deadline lies beyond the expiry');
  lab.engine.setLimits(LIMITS);
  const other = expiringIn(lab, 100);
  t.equal(await granted(other.allocate()), 600);
});

test('S21 an allocation ends at its age, whatever is refreshed, and no lifetime reaches beyond', async (t) => {
  const lab = new Lab({ limits: { maxSessionAge: 1000 }, settings: LONG });
  const client = lab.client();
  t.equal(await granted(client.allocate([lifetime(3600)])), 1000);
  await lab.advance(500);
  t.equal(await granted(refresh(client, 600)), 500);
  await lab.advance(499);
  t.equal(await granted(refresh(client, 600)), 1);
  t.equal(lab.engine.allocations.size, 1);
  await lab.advance(3);
  nothingHeld(t, lab);
  t.equal(lab.observer.events.at(-1), 'released max-session-age');
  t.equal(codeOf(await refresh(client, 600)), 437);
  t.equal(await granted(client.allocate()), 600, 'its client may begin anew');
});

test('S21 both addresses of a dual allocation end at its age', async (t) => {
  const lab = new Lab({ limits: { maxSessionAge: 1000 }, settings: LONG });
  const client = lab.client();
  await client.allocate([additionalAddressFamily(), lifetime(900)]);
  await lab.advance(800);
  t.equal(await granted(client.request(REQUEST.refresh, [requestedAddressFamily(6), lifetime(600)])), 200);
  await lab.advance(203);
  nothingHeld(t, lab);
});

test('S21 a lower age counts for allocations that exist, and none is no bound', async (t) => {
  const lab = new Lab({ settings: LONG });
  const [client, other] = [lab.client(), lab.client()];
  await client.allocated([lifetime(3600)]);
  await lab.advance(300);
  await other.allocated([lifetime(3600)]);
  lab.engine.setLimits({ ...LIMITS, maxSessionAge: 400 });
  await lab.advance(102);
  t.equal(lab.engine.allocations.size, 1);
  await lab.advance(300);
  nothingHeld(t, lab);
  lab.engine.setLimits(LIMITS);
  t.equal(await granted(client.allocate([lifetime(3600)])), 3600);
});
