// Certificates for labs, made when none is configured: kept in the state directory and made anew when they end soon or
// are for other names. Browsers refuse them, which the caller must say.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { describeSystemError, StateDirectoryError } from '../errors.ts';
import type { CertificateFiles } from './certificate-file.ts';
import { makeSelfSigned, SelfSignedKey } from './self-signed.ts';

/** What to make. */
export interface SelfMadeOptions {
  /** The state directory; files lie in `tls/` below it. */
  readonly stateDirectory: string;
  /** DNS names and IP addresses that clients use, at least one. */
  readonly names: readonly string[];
  /** Unix milliseconds now. */
  readonly now: number;
}

const DAY = 86_400_000;
const LIFETIME = 365 * DAY;
const RENEW_BEFORE = 30 * DAY;
// Clients' clocks differ.
const BACKDATED = DAY;

/**
 * The files of an RSA and a P-256 certificate, made now or before.
 * @throws StateDirectoryError where the directory cannot be written
 */
export async function selfMadeCertificates(options: SelfMadeOptions): Promise<readonly CertificateFiles[]> {
  const directory = join(options.stateDirectory, 'tls');
  orFault(directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
  const made: CertificateFiles[] = [];
  for (const keyType of [SelfSignedKey.RSA, SelfSignedKey.P256]) {
    const files = {
      certificate: join(directory, `self-made-${keyType}.crt`),
      key: join(directory, `self-made-${keyType}.key`),
    };
    if (!isUsable(files, options)) await make(files, keyType, options);
    made.push(files);
  }
  return made;
}

async function make(files: CertificateFiles, keyType: SelfSignedKey, options: SelfMadeOptions): Promise<void> {
  const { names, now } = options;
  const pair = await makeSelfSigned({ keyType, names, notBefore: now - BACKDATED, notAfter: now + LIFETIME });
  // A crash between the two leaves a pair that does not match, which is made anew.
  orFault(files.key, () => writeAtomically(files.key, pair.key, 0o600));
  orFault(files.certificate, () => writeAtomically(files.certificate, pair.certificate, 0o644));
}

function isUsable(files: CertificateFiles, options: SelfMadeOptions): boolean {
  if (!existsSync(files.certificate) || !existsSync(files.key)) return false;
  try {
    const certificate = new X509Certificate(readFileSync(files.certificate));
    const key = createPrivateKey(readFileSync(files.key));
    return (
      Date.parse(certificate.validTo) - options.now >= RENEW_BEFORE &&
      Date.parse(certificate.validFrom) <= options.now &&
      options.names.every((name) => isFor(certificate, name)) &&
      certificate.checkPrivateKey(key)
    );
  } catch {
    // Damaged: it is ours, so it is made anew.
    return false;
  }
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

function writeAtomically(path: string, text: string, mode: number): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { mode, flag: 'wx', flush: true });
  renameSync(temporary, path);
}

function orFault(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const message = `${path} cannot be written: ${describeSystemError(error)}: mend its owner and mode, or remove it`;
    throw new StateDirectoryError('TURN_STATE_DIRECTORY', message, error);
  }
}
