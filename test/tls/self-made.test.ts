import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import { selfMadeCertificates } from '../../src/tls/self-made.ts';
import { OpensslClient, openRig, openssl } from '../streams/support.ts';

const { skip } = openssl;
const DAY = 86_400_000;
const names = ['turn.example.com', '192.0.2.1', '2001:db8::1'];

function run(...options: string[]): string {
  return execFileSync(openssl.path, options, { encoding: 'utf8' });
}

test('OpenSSL reads and verifies both certificates', { skip }, async (t) => {
  const now = Date.now();
  const [rsa, p256] = await selfMadeCertificates({ stateDirectory: t.testdir(), names, now });
  for (const files of [rsa!, p256!]) {
    const text = run('x509', '-in', files.certificate, '-noout', '-text');
    t.match(text, 'DNS:turn.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1');
    t.match(text, 'CA:FALSE');
    t.match(text, 'TLS Web Server Authentication');
    t.match(text, /Serial Number:\s+([0-9a-f]{2}:){12,19}[0-9a-f]{2}\s/);
    const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', files.certificate];
    t.match(run(...strict, '-verify_hostname', 'turn.example.com', files.certificate), ': OK');
    t.match(run(...strict, '-verify_ip', '2001:db8::1', files.certificate), ': OK');
    t.throws(() =>
      execFileSync(openssl.path, [...strict, '-verify_hostname', 'x.example', files.certificate], { stdio: 'pipe' }),
    );
    run('x509', '-in', files.certificate, '-noout', '-checkend', `${360 * 86400}`);
    t.throws(() =>
      execFileSync(openssl.path, ['x509', '-in', files.certificate, '-checkend', `${367 * 86400}`], { stdio: 'pipe' }),
    );
    t.equal(run('x509', '-in', files.certificate, '-noout', '-pubkey'), run('pkey', '-in', files.key, '-pubout'));
  }
  t.match(run('x509', '-in', rsa!.certificate, '-noout', '-text'), 'Public-Key: (2048 bit)');
  t.match(run('x509', '-in', p256!.certificate, '-noout', '-text'), 'NIST CURVE: P-256');
});

test('a client that trusts the certificate verifies the server', { skip }, async (t) => {
  const { port } = await openRig(t, StreamMode.TLS);
  const trusted = `${t.testdirName}/tls/self-made-rsa.crt`;
  const options = ['-CAfile', trusted, '-verify_return_error', '-verify_hostname', 'turn.example.com'];
  const client = new OpensslClient(t, port, [...options, '-sigalgs', 'RSA-PSS+SHA256', '-ign_eof']);
  await client.printed('Verify return code: 0 (ok)');
});

test('keys are for their owner only, and no other file is left', async (t) => {
  const stateDirectory = t.testdir();
  const made = await selfMadeCertificates({ stateDirectory, names, now: Date.now() });
  for (const { key } of made) t.equal(statSync(key).mode & 0o777, 0o600);
  t.equal(statSync(`${stateDirectory}/tls`).mode & 0o777, 0o700);
  t.strictSame(readdirSync(`${stateDirectory}/tls`).sort(), [
    'self-made-p256.crt',
    'self-made-p256.key',
    'self-made-rsa.crt',
    'self-made-rsa.key',
  ]);
});

test('certificates are kept until 30 days remain, a name is missing, or a file is damaged', async (t) => {
  const stateDirectory = t.testdir();
  const now = Date.now();
  const make = async (at: number, wanted: readonly string[]): Promise<string> => {
    const [, p256] = await selfMadeCertificates({ stateDirectory, names: wanted, now: at });
    return readFileSync(p256!.certificate, 'utf8');
  };
  const first = await make(now, names);
  t.equal(await make(now + 334 * DAY, names), first);
  t.equal(await make(now, ['2001:db8:0::1']), first, 'fewer names will do');
  const renewed = await make(now + 336 * DAY, names);
  t.not(renewed, first);
  const other = await make(now + 336 * DAY, ['other.example']);
  t.not(other, renewed);
  t.equal(await make(now + 336 * DAY, ['other.example']), other);
  writeFileSync(`${stateDirectory}/tls/self-made-p256.key`, 'damaged');
  t.not(await make(now + 336 * DAY, ['other.example']), other);
});

test('a state directory that cannot be written is named', async (t) => {
  const stateDirectory = t.testdir({ tls: 'a file is in the way' });
  await t.rejects(selfMadeCertificates({ stateDirectory, names, now: Date.now() }), {
    code: 'TURN_STATE_DIRECTORY',
    message: new RegExp(`^${stateDirectory}/tls cannot be written: `),
  });
});
