// The headers of Standard Webhooks, against values that others have made.

import { execFileSync } from 'node:child_process';
import { test } from 'tap';
import { signatureHeaders, webhookKey } from '../../src/events/webhook-signature.ts';

test('a signature is the one that the libraries of Standard Webhooks have in their own tests', async (t) => {
  const key = webhookKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') ?? Buffer.alloc(0);
  t.equal(key.length, 24);
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' };
  t.same(signatureHeaders(key, message), {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('openssl makes the same of a secret that is plain text', async (t) => {
  const secret = '5f0c2d7be1a842523f9c0d7be1a84252';
  const body = '{"name":"ünï"}';
  const made = execFileSync('openssl', ['dgst', '-sha256', '-hmac', secret, '-binary'], { input: `msg_1.5.${body}` });
  const headers = signatureHeaders(webhookKey(secret) ?? Buffer.alloc(0), { id: 'msg_1', timestamp: 5, body });
  t.equal(headers['webhook-signature'], `v1,${made.toString('base64')}`);
});

test('what is behind whsec_ must be base64', async (t) => {
  for (const text of ['whsec_', 'whsec_a', 'whsec_!!!!', 'whsec_ab=c', 'whsec_abcde'])
    t.equal(webhookKey(text), null, text);
  t.same(webhookKey('whsec_AAECAw=='), Buffer.from([0, 1, 2, 3]));
});
