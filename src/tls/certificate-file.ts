// Reads a certificate and its key from files and says in a sentence what is wrong with them. Knows no TLS.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describeSystemError } from '../errors.ts';
import { CertificateError } from './certificate-error.ts';
import type { PemPair } from './secure-context.ts';

/** Where a certificate and its key are. */
export interface CertificateFiles {
  /** PEM: the server's certificate first, then its chain. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** Of the key, where it is encrypted. */
  readonly passphrase?: string | undefined;
}

/** A certificate that may be served. */
export interface LoadedCertificate {
  readonly files: CertificateFiles;
  readonly pem: PemPair;
  /** `rsa`, `ec`…: one context serves one certificate of each type. */
  readonly keyType: string;
  /** DNS names in lower case, `*.` included. */
  readonly names: readonly string[];
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** What the operator should know, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Loads a pair.
 * @param now unix milliseconds: an expired certificate is a warning, since clients may know it by its key
 * @throws CertificateError naming the file and what is wrong
 */
export function loadCertificate(files: CertificateFiles, now: number): LoadedCertificate {
  const text = { certificate: readText(files.certificate), key: readText(files.key) };
  const certificate = parseCertificate(files.certificate, text.certificate);
  const key = parseKey(files, text.key);
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateError(files.key, `is not the key of the certificate in ${files.certificate}`);
  }
  const notBefore = Date.parse(certificate.validFrom);
  const notAfter = Date.parse(certificate.validTo);
  return {
    files,
    // Decrypted, if it was not.
    pem: { certificate: text.certificate, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() },
    keyType: key.asymmetricKeyType ?? 'unknown',
    names: namesOf(certificate),
    notBefore,
    notAfter,
    warnings: validityWarnings(files, certificate, now),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CertificateError(path, `cannot be read: ${describeSystemError(error)}`, error);
  }
}

function parseCertificate(path: string, text: string): X509Certificate {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new CertificateError(path, 'holds no PEM certificate ("-----BEGIN CERTIFICATE-----")');
  }
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw new CertificateError(path, 'holds a damaged certificate', error);
  }
}

function parseKey(files: CertificateFiles, text: string): KeyObject {
  const path = files.key;
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new CertificateError(path, 'holds no PEM private key ("-----BEGIN PRIVATE KEY-----")');
  }
  const { passphrase } = files;
  if (text.includes('ENCRYPTED') && passphrase === undefined) {
    throw new CertificateError(path, 'is encrypted: give its passphrase, or decrypt it with "openssl pkey"');
  }
  try {
    return createPrivateKey(passphrase === undefined ? text : { key: text, passphrase });
  } catch (error) {
    const orWrong = passphrase === undefined ? '' : ', or its passphrase is wrong';
    throw new CertificateError(path, `holds a damaged private key${orWrong}`, error);
  }
}

function validityWarnings(files: CertificateFiles, certificate: X509Certificate, now: number): string[] {
  if (Date.parse(certificate.validTo) <= now) return [`${files.certificate} expired on ${certificate.validTo}`];
  if (Date.parse(certificate.validFrom) > now)
    return [`${files.certificate} is valid from ${certificate.validFrom} on`];
  return [];
}

// RFC 6125 §6.4.4: the common name counts only where there is no DNS name.
function namesOf(certificate: X509Certificate): string[] {
  const names: string[] = [];
  for (const entry of (certificate.subjectAltName ?? '').split(', ')) {
    if (entry.startsWith('DNS:')) names.push(entry.slice(4).toLowerCase());
  }
  const commonName = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
  if (names.length === 0 && commonName !== undefined) names.push(commonName.toLowerCase());
  return names;
}
