// Where a draining server sends new clients (RFC 8656 §7.2 step 11, RFC 8489 §10, §14.8, §14.15, §14.16).

import { test } from 'tap';
import type { AlternateServer } from '../../src/turn/settings.ts';
import { Lab, LIMITS, transportAddress } from '../support/lab.ts';
import { attr } from '../support/wire.ts';

const ALTERNATE_DOMAIN = 0x8003;

function draining(alternates: readonly AlternateServer[], settings: { readonly anonymous?: boolean } = {}): Lab {
  const lab = new Lab({ settings, limits: { alternates } });
  lab.engine.isDraining = true;
  return lab;
}

function alternate(transport: AlternateServer['transport'], address: string, domain = ''): AlternateServer {
  return { transport, address: transportAddress(address), domain };
}

test('TURN-22 R17 a client of a draining server is sent to the server of its transport, its own family first', async (t) => {
  const lab = draining([
    alternate('tcp', '192.0.2.1:1'),
    alternate('udp', '[2001:db8::7]:3479'),
    alternate('udp', '192.0.2.7:3478'),
  ]);
  const client = lab.client();
  const answer = await client.allocate();
  t.equal(answer.errorCode, 300);
  t.equal(answer.reason, 'Try Alternate');
  const [first, second, ...more] = answer.all(attr.alternateServer).map((value) => value.toString('hex'));
  t.equal(first, '00010d96c0000207');
  t.equal(second, '00020d9720010db8000000000000000000000007');
  t.same(more, []);
  t.ok(answer.integrityOk(client.key), 'nobody else can send it away');
  t.equal(answer.get(ALTERNATE_DOMAIN), undefined);
  t.notOk(client.retained, 'and nothing is kept of it');
});

test('TURN-22 nobody is sent away who has not proved who it is, nor where no server of its kind is known', async (t) => {
  const udp = [alternate('udp', '192.0.2.7:3478')];
  t.equal((await draining(udp).client({ password: 'wrong' }).allocate()).errorCode, 401);
  const open = draining(udp, { anonymous: true });
  t.equal((await open.client().allocate()).errorCode, 508, 'RFC 8489 §14.8');
  t.equal((await draining(udp).client({ transport: 'tcp' }).allocate()).errorCode, 508);
  const ipv6 = [alternate('udp', '[2001:db8::7]:3478')];
  t.equal((await draining(ipv6).client().allocate()).errorCode, 508, 'the other family alone is not enough');
});

test('TURN-22 another name in the certificate is told to those who can be told: over TLS, by SHA-256', async (t) => {
  const lab = draining([
    alternate('tls', '192.0.2.7:5349', 'b.example.org'),
    alternate('tls', '[2001:db8::7]:5349', 'c.example.org'),
  ]);
  t.equal((await lab.client({ transport: 'tls' }).allocate()).errorCode, 508);
  const answer = await lab.client({ transport: 'tls' }).allocate([], { integrity: 'sha256' });
  t.equal(answer.errorCode, 300);
  t.equal(answer.text(ALTERNATE_DOMAIN), 'b.example.org');
  t.equal(answer.all(attr.alternateServer).length, 1, 'the other has another name');
  const same = draining([alternate('tls', '192.0.2.7:5349')]);
  t.equal((await same.client({ transport: 'tls' }).allocate()).errorCode, 300);
});

test('R17 what a server that drains knows of others may change', async (t) => {
  const lab = draining([]);
  t.equal((await lab.client().allocate()).errorCode, 508);
  lab.engine.setLimits({ ...LIMITS, alternates: [alternate('udp', '192.0.2.7:3478')] });
  t.equal((await lab.client().allocate()).errorCode, 300);
  lab.engine.isDraining = false;
  t.equal((await lab.client().allocate()).errorCode, undefined);
});
