// Reads a certificate and its key from files and says in a sentence what is wrong with them. Knows no TLS.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { CertificateError } from './certificate-error.ts';
import type { PemPair } from './secure-context.ts';

/** Where a certificate and its key are. */
export interface CertificateFiles {
  /** PEM: the server's certificate first, then its chain. */
  readonly certificate: string;
  /** PEM, not encrypted. */
  readonly key: string;
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

// Others may read it.
const WORLD_READABLE = 0o004;

/**
 * Loads a pair.
 * @param now unix milliseconds: an expired certificate is a warning, since clients may know it by its key
 * @throws CertificateError naming the file and what is wrong
 */
export function loadCertificate(files: CertificateFiles, now: number): LoadedCertificate {
  const pem: PemPair = { certificate: readText(files.certificate), key: readText(files.key) };
  const certificate = parseCertificate(files.certificate, pem.certificate);
  const key = parseKey(files.key, pem.key);
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateError(files.key, `is not the key of the certificate in ${files.certificate}`);
  }
  const notBefore = Date.parse(certificate.validFrom);
  const notAfter = Date.parse(certificate.validTo);
  const warnings = [...validityWarnings(files, certificate, now), ...modeWarnings(files.key)];
  const keyType = key.asymmetricKeyType ?? 'unknown';
  return { files, pem, keyType, names: namesOf(certificate), notBefore, notAfter, warnings };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CertificateError(path, `cannot be read: ${(error as NodeJS.ErrnoException).code}`, error);
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

function parseKey(path: string, text: string): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new CertificateError(path, 'holds no PEM private key ("-----BEGIN PRIVATE KEY-----")');
  }
  if (text.includes('ENCRYPTED')) {
    throw new CertificateError(path, 'is encrypted; decrypt it with "openssl pkey" and protect it by its file mode');
  }
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw new CertificateError(path, 'holds a damaged private key', error);
  }
}

function validityWarnings(files: CertificateFiles, certificate: X509Certificate, now: number): string[] {
  if (Date.parse(certificate.validTo) <= now) return [`${files.certificate} expired on ${certificate.validTo}`];
  if (Date.parse(certificate.validFrom) > now)
    return [`${files.certificate} is valid from ${certificate.validFrom} on`];
  return [];
}

function modeWarnings(path: string): string[] {
  const isExposed = (statSync(path).mode & WORLD_READABLE) !== 0;
  return isExposed ? [`${path} is readable by every user of this machine; mode 0600 or 0640 is right`] : [];
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
