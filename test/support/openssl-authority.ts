// A certificate authority made with the openssl program, for servers and clients under test. Good, expired and early
// certificates; knows nothing of who uses them.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './foreign-program.ts';

/** The openssl program; `skip` tells why tests that need it cannot run. */
export const opensslProgram = findProgram('TURND_TEST_OPENSSL', ['/usr/bin/openssl', '/usr/local/bin/openssl']);

const DAY_MS = 86_400_000;
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const CONFIG = `[ca]
default_ca = authority
[authority]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = policy
unique_subject = no
copy_extensions = copy
[policy]
commonName = supplied
`;

/** Which certificate is wanted. */
export interface IssueOptions {
  /** subjectAltName as openssl writes it: `DNS:turn.example.org`. */
  readonly names: string;
  /** Days from now until it begins and ends; yesterday until in 90 days by default. */
  readonly fromDay?: number;
  readonly toDay?: number;
}

/** Paths of PEM files, and their content. */
export interface Issued {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificate: string;
  readonly key: string;
}

/** An authority in a directory of its own. */
export class OpensslAuthority {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'turnd-authority-'));
  readonly certificateFile: string;
  #issued = 0;

  constructor() {
    writeFileSync(join(this.directory, 'config'), CONFIG);
    writeFileSync(join(this.directory, 'index'), '');
    writeFileSync(join(this.directory, 'serial'), '1000\n');
    this.certificateFile = join(this.directory, 'ca.pem');
    const root = ['-x509', '-subj', '/CN=Test Root', '-days', '30', '-addext', 'basicConstraints=critical,CA:TRUE'];
    this.#run('req', ...NEW_KEY, ...root, '-keyout', 'ca.key', '-out', 'ca.pem');
  }

  /** The root in PEM. */
  get certificate(): string {
    return readFileSync(this.certificateFile, 'utf8');
  }

  issue({ names, fromDay = -1, toDay = 90 }: IssueOptions): Issued {
    const name = `server-${this.#issued++}`;
    const [key, request, certificate] = [`${name}.key`, `${name}.csr`, `${name}.pem`];
    const subject = ['-subj', '/CN=a server', '-addext', `subjectAltName=${names}`];
    this.#run('req', ...NEW_KEY, ...subject, '-keyout', key, '-out', request);
    const dates = ['-startdate', dateText(fromDay), '-enddate', dateText(toDay)];
    const authority = ['-config', 'config', '-cert', 'ca.pem', '-keyfile', 'ca.key'];
    this.#run('ca', '-batch', '-notext', ...authority, ...dates, '-in', request, '-out', certificate);
    const [certificateFile, keyFile] = [join(this.directory, certificate), join(this.directory, key)];
    return {
      certificateFile,
      keyFile,
      certificate: readFileSync(certificateFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
    };
  }

  /** Removes everything. */
  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #run(...args: readonly string[]): void {
    execFileSync(opensslProgram.path, args, { cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

// 20260131235959Z
function dateText(days: number): string {
  return `${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
}
