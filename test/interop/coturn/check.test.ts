// `turnctl check` against the real coturn: UDP, TCP, TLS with certificates of openssl, secrets, and what goes wrong.

import { test } from 'tap';
import { normalised, runCheck } from '../../support/check-run.ts';
import { type CoturnOptions, coturnProgram, startCoturn } from '../../support/coturn.ts';
import { type IssueOptions, OpensslAuthority, opensslProgram } from '../../support/openssl-authority.ts';
import { TEST_USER } from '../../support/turn-server.ts';

const skip = coturnProgram.skip || opensslProgram.skip;
const ENV = { TURNCTL_PASSWORD: TEST_USER.password };
const USER = ['--user', TEST_USER.username];

async function start(t: { teardown(act: () => unknown): void }, options: CoturnOptions = {}) {
  const server = await startCoturn({ relayPorts: 64, ...options });
  t.teardown(() => server.close());
  return server;
}

test('coturn over UDP and TCP: every step is ok', { skip }, async (t) => {
  const { iceServers } = await start(t);
  const { status, out } = await runCheck([iceServers.udp.urls, iceServers.tcp.urls, ...USER], { env: ENV });
  t.equal(status, 0, out);
  t.equal(out.match(/^ {2}ok {7}/gm)?.length, 16);
  t.match(normalised(out), 'echo        10 of 10 came back from our own address, rtt #/#/# ms (min/avg/max)');
});

test('coturn with a secret: the right one, the wrong one', { skip }, async (t) => {
  const { iceServers } = await start(t, { secret: 'north' });
  const right = await runCheck([iceServers.udp.urls, '--user', 'carol'], { env: { TURNCTL_SECRET: 'north' } });
  t.equal(right.status, 0, right.out);
  const wrong = await runCheck([iceServers.udp.urls], { env: { TURNCTL_SECRET: 'south' } });
  t.equal(wrong.status, 1);
  t.match(wrong.out, 'cause: the secret is not one of realm “example.org”, or the clocks');
});

test('coturn and a wrong password: 401 with realm and remedy, as text and as JSON', { skip }, async (t) => {
  const { iceServers } = await start(t);
  const env = { TURNCTL_PASSWORD: 'CANARY' };
  const { status, out, err } = await runCheck([iceServers.udp.urls, ...USER], { env });
  t.equal(status, 1);
  t.match(
    normalised(out),
    `  failed   allocate    Allocate: refused with 401 (Unauthorized)  # ms
                       cause: user or password are wrong for realm “example.org” (stored passwords are void when the realm changes)
                       do:    set the password of the user again, in this realm; for time-limited credentials use --secret-file
  skipped  permission, channel, echo, refresh: needs an allocation
  failed: allocate
`,
  );
  const json = await runCheck([iceServers.udp.urls, ...USER, '--json'], { env });
  const { checks } = JSON.parse(json.out) as { checks: { steps: { step: string }[] }[] };
  t.match(
    checks[0]?.steps.find(({ step }) => step === 'allocate'),
    { status: 'failed', facts: { fault: 'rejected', errorCode: 401 }, problem: { cause: /realm “example.org”/ } },
  );
  t.notMatch(out + err + json.out, /CANARY/);
});

test('coturn that denies our address: the relay of a second allocation is denied too', { skip }, async (t) => {
  const { iceServers } = await start(t, { deniedPeers: ['127.0.0.1'] });
  const { status, out } = await runCheck([iceServers.udp.urls, ...USER, '--quiet'], { env: ENV });
  t.equal(status, 1);
  t.match(out, /permission: CreatePermission for 127\.0\.0\.1: refused with 403 \(Forbidden IP\)/);
});

test('coturn and its quota: 486', { skip }, async (t) => {
  const { ports } = await start(t, { userQuota: 1, deniedPeers: ['127.0.0.1'] });
  // Our own address is denied, and a second allocation is one too many.
  const { status, out } = await runCheck([`turn:127.0.0.1:${ports.udp}`, ...USER], { env: ENV });
  t.equal(status, 1);
  t.match(out, /failed {3}permission {2}Allocate: refused with 486 \(Allocation Quota Reached\)/);
  t.match(out, 'do:    end sessions or raise the quota');
});

test('coturn over TLS: a good certificate, an expired one, a wrong name, an unknown authority', { skip }, async (t) => {
  const authority = new OpensslAuthority();
  t.teardown(() => authority.close());
  const check = async (issue: IssueOptions, ...flags: readonly string[]) => {
    const { certificateFile, keyFile } = authority.issue(issue);
    // The last of an option counts.
    const { ports, close } = await startCoturn({
      relayPorts: 64,
      args: [`--cert=${certificateFile}`, `--pkey=${keyFile}`],
    });
    const url = `turns:localhost:${ports.tls}?transport=tcp`;
    try {
      const { status, out } = await runCheck([url, '--ipv4', ...USER, ...flags], { env: ENV });
      return { status, out: normalised(out) };
    } finally {
      await close();
    }
  };
  const trusted = ['--ca-file', authority.certificateFile];
  const good = await check({ names: 'DNS:localhost' }, ...trusted);
  t.equal(good.status, 0, good.out);
  t.match(good.out, /connect +tls 127\.0\.0\.1:PORT, TLSv1\.[23], certificate 89 days left/);
  t.match(good.out, 'echo        10 of 10 came back from our own address');
  const soon = await check({ names: 'DNS:localhost', toDay: 5 }, ...trusted);
  t.match(soon, { status: 0, out: /warning: the certificate expires in 4 days/ });
  const expired = await check({ names: 'DNS:localhost', fromDay: -40, toDay: -10 }, ...trusted);
  t.match(expired, { status: 1, out: /connect .*\(CERT_HAS_EXPIRED\).*\n +cause: the certificate expired on \d{4}-/ });
  const wrongName = await check({ names: 'DNS:turn.example.org' }, ...trusted);
  t.match(wrongName, { status: 1, out: /cause: the certificate is for turn\.example\.org, not for localhost/ });
  const named = await check({ names: 'DNS:turn.example.org' }, ...trusted, '--tls-name', 'turn.example.org');
  t.equal(named.status, 0, named.out);
  const unknown = await check({ names: 'DNS:localhost' });
  t.match(unknown, { status: 1, out: /cause: its issuer \(Test Root\) is unknown here/ });
});
