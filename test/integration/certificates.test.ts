// Certificates that are exchanged under a running server, in the ways in which others exchange them.

import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type Test, test } from 'tap';
import { patiently, RawClient } from '../support/raw-client.ts';
import { makeCertificate, type SelfMadeCertificate } from '../support/self-made-certificate.ts';
import { type LogLine, labFlags, startTurndWith, TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';

// Enough that each of two workers has some.
const HANDSHAKES = 8;
// A file that is watched is noticed within a minute at the latest (R14).
const PATIENCE_MS = 60_000;

/** A directory as Kubernetes mounts a secret: files are links through `..data`, which is exchanged as one. */
class Mounted {
  readonly certificate: string;
  readonly key: string;
  readonly #directory: string;
  #versions = 0;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory);
    [this.certificate, this.key] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
    symlinkSync('..data/tls.crt', this.certificate);
    symlinkSync('..data/tls.key', this.key);
  }

  /** Exchanges both files in one step. */
  put({ certificate, key }: Pick<SelfMadeCertificate, 'certificate' | 'key'>): void {
    const version = `..version-${++this.#versions}`;
    const directory = join(this.#directory, version);
    mkdirSync(directory);
    writeFileSync(join(directory, 'tls.crt'), certificate);
    writeFileSync(join(directory, 'tls.key'), key, { mode: 0o600 });
    symlinkSync(version, join(this.#directory, '..data.new'));
    renameSync(join(this.#directory, '..data.new'), join(this.#directory, '..data'));
  }
}

async function start(t: Test) {
  const directory = temporaryDirectory(t);
  const mounted = new Mounted(join(directory, 'mounted'));
  const first = await makeCertificate('127.0.0.1');
  mounted.put(first);
  const flags = ['--listen', 'tls://127.0.0.1:0', '--tls-cert', mounted.certificate, '--tls-key', mounted.key];
  const server = new TurndProcess(labFlags(directory, ...flags));
  t.teardown(() => server.stop());
  return { server, mounted, first, port: await server.port('tls') };
}

test('R14 certificates are renewed by themselves, and a bad pair keeps the old ones', async (t) => {
  const { server, mounted, first, port } = await start(t);
  t.same(await served(port), [fingerprint(first)]);
  const client = await RawClient.open({ transport: 'tls', port });
  t.teardown(() => client.close());
  await client.allocated();

  const second = await makeCertificate('127.0.0.1');
  mounted.put(second);
  await untilServed(server, 1, second);
  t.match(await client.binding(), { cls: 2 }, 'an established connection goes on');

  const third = await makeCertificate('127.0.0.1');
  mounted.put({ certificate: third.certificate, key: first.key });
  const refusal = await server.logged(
    'the refusal',
    ({ event, level }) => event === 'certificates' && level === 'error',
  );
  t.match(refusal.msg, /tls\.key is not the key of the certificate in .*tls\.crt: those that were served go on/);
  t.same(await served(port), [fingerprint(second)]);

  const descriptors = countDescriptors(server.pid);
  for (const [index, next] of [first, third, second, first, third].entries()) {
    mounted.put(next);
    await untilServed(server, index + 2, next);
  }
  // In one process, connections of a moment ago may not have ended yet.
  for (let tries = 0; tries < 1000 && countDescriptors(server.pid) > descriptors; tries++) await client.binding();
  t.ok(countDescriptors(server.pid) <= descriptors, 'no descriptor is left behind');
  t.match(await client.binding(), { cls: 2 });
  const refusals = server.log.filter(({ event, level }) => event === 'certificates' && level === 'error');
  t.equal(refusals.length, 1, 'told once');
});

test('R14 the certificate of the control API is renewed by itself too, and a bad pair stops nobody else’s', async (t) => {
  const directory = temporaryDirectory(t);
  const [ours, its] = [new Mounted(join(directory, 'ours')), new Mounted(join(directory, 'its'))];
  const [first, second] = [await makeCertificate('127.0.0.1'), await makeCertificate('127.0.0.1')];
  ours.put(first);
  its.put(first);
  const file = join(directory, 'turnd.yaml');
  const tls = `tls: {certificate: ${its.certificate}, key: ${its.key}}`;
  writeFileSync(file, `control: {listen: ['https://127.0.0.1:0'], ${tls}}`);
  const flags = ['--listen', 'tls://127.0.0.1:0', '--tls-cert', ours.certificate, '--tls-key', ours.key];
  const server = await startTurndWith(t, labFlags(directory, ...flags, '--config', file));
  const said = server.log.find(({ listening }) => String(listening).startsWith('https:'));
  const port = Number(new URL(String(said?.['listening'])).port);
  t.same(await served(port), [fingerprint(first)]);

  its.put(second);
  await server.logged('the renewal', ({ msg }) => msg?.startsWith('the certificate of the control API') === true);
  t.same(await served(port), [fingerprint(second)]);
  t.same(await served(await server.port('tls')), [fingerprint(first)]);

  its.put({ certificate: first.certificate, key: second.key });
  const refusal = await server.logged('the refusal', ({ level }) => level === 'error');
  t.match(refusal.msg, /tls\.key is not the key .*: the control API goes on with the one that was served/);
  t.same(await served(port), [fingerprint(second)]);
  ours.put(second);
  await untilServed(server, 1, second);
});

function fingerprint({ certificate }: SelfMadeCertificate): string {
  return new X509Certificate(certificate).fingerprint256;
}

// What new handshakes are given.
async function served(port: number): Promise<string[]> {
  return [...new Set(await Promise.all(Array.from({ length: HANDSHAKES }, () => shown(port))))];
}

// Main tells of the renewal, and every worker hears of it a moment later.
async function untilServed(server: TurndProcess, renewal: number, certificate: SelfMadeCertificate): Promise<void> {
  const isRenewal = ({ msg }: LogLine): boolean => msg === 'the certificates have changed: the new are served';
  await server.until(`renewal ${renewal}`, () => server.log.filter(isRenewal)[renewal - 1]);
  const port = await server.port('tls');
  const wanted = fingerprint(certificate);
  let isTold = false;
  const look = async (): Promise<void> => {
    while (!isTold) if ((await served(port).catch(() => [])).join() === wanted) return;
  };
  await patiently('the new certificate', look(), PATIENCE_MS).finally(() => {
    isTold = true;
  });
}

function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
