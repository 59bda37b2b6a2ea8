// The certificates that are served, and which of them for which server name (RFC 6066 §3). Replaced as a whole by
// a reload; handshakes that have begun keep the context they have. Knows no sockets.

import type { SecureContext } from 'node:tls';
import { CertificateError } from './certificate-error.ts';
import { type CertificateFiles, type LoadedCertificate, loadCertificate } from './certificate-file.ts';
import { type ContextOptions, openSecureContext } from './secure-context.ts';
import type { SecureContexts } from './tls-acceptor.ts';

/** What a store is given. */
export interface CertificateStoreOptions extends ContextOptions {
  /** At least one pair. The first is for clients that name no server, or an unknown one. */
  readonly files: readonly CertificateFiles[];
  /** Unix milliseconds. */
  readonly wallTime: () => number;
}

interface Served {
  readonly certificates: readonly LoadedCertificate[];
  /** Certificates of a key type that not every name has. */
  readonly unserved: readonly LoadedCertificate[];
  readonly contexts: ReadonlyMap<string, SecureContext>;
  readonly defaultContext: SecureContext;
}

/** Certificates from files. */
export class CertificateStore implements SecureContexts {
  readonly #options: CertificateStoreOptions;
  #files: readonly CertificateFiles[];
  #served: Served;

  /** @throws CertificateError for the first pair that cannot be served */
  constructor(options: CertificateStoreOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#served = this.#load(options.files);
  }

  get defaultContext(): SecureContext {
    return this.#served.defaultContext;
  }

  /** What is served now. */
  get certificates(): readonly LoadedCertificate[] {
    return this.#served.certificates;
  }

  /** Sentences that the operator should read. */
  get warnings(): readonly string[] {
    const unserved = this.#served.unserved.map(
      ({ files, keyType }) => `${files.certificate} is not served: not every name has a certificate of type ${keyType}`,
    );
    return [...this.certificates.flatMap((certificate) => certificate.warnings), ...unserved];
  }

  /** An exact name first, then the wildcard of its parent, then the default. */
  contextFor(serverName: string): SecureContext {
    const { contexts, defaultContext } = this.#served;
    const name = serverName.toLowerCase();
    // A wildcard stands for exactly one label (RFC 6125 §6.4.3).
    const dot = name.indexOf('.');
    return contexts.get(name) ?? (dot > 0 ? contexts.get(`*${name.slice(dot)}`) : undefined) ?? defaultContext;
  }

  /**
   * Reads the files again, or others: new handshakes use them.
   * @throws CertificateError for a pair that cannot be served; everything stays as it was then
   */
  reload(files: readonly CertificateFiles[] = this.#files): void {
    this.#served = this.#load(files);
    this.#files = files;
  }

  #load(files: readonly CertificateFiles[]): Served {
    const certificates = files.map((pair) => loadCertificate(pair, this.#options.wallTime()));
    return serve(certificates, this.#options);
  }
}

function serve(loaded: readonly LoadedCertificate[], options: ContextOptions): Served {
  const certificates = servable(loaded);
  const first = certificates[0];
  if (first === undefined) throw new Error('no certificate');
  const opened = new Map<string, SecureContext>();
  const contexts = new Map<string, SecureContext>();
  for (const name of allNames(certificates)) {
    contexts.set(name, contextOf(oneOfEachType(certificates, name), options, opened));
  }
  const defaultName = first.names[0];
  const defaults = defaultName === undefined ? [first] : oneOfEachType(certificates, defaultName);
  const unserved = loaded.filter((certificate) => !certificates.includes(certificate));
  return { certificates, unserved, contexts, defaultContext: contextOf(defaults, options, opened) };
}

// Node lays a certificate that was chosen by name beside those of the default context: a client that prefers another
// key type would then be given the default's certificate for that name. So several types are served only where all
// certificates are for the same names; else one type that every name has, RSA first (RFC 8489 §6.2.3).
function servable(loaded: readonly LoadedCertificate[]): readonly LoadedCertificate[] {
  const names = allNames(loaded);
  if (loaded.every((certificate) => certificate.names.length === names.length)) return loaded;
  const types = [...new Set(['rsa', ...loaded.map(({ keyType }) => keyType)])];
  const hasAll = (type: string): boolean =>
    names.every((name) => loaded.some((one) => one.keyType === type && one.names.includes(name)));
  const type = types.find(hasAll);
  if (type !== undefined) return loaded.filter(({ keyType }) => keyType === type);
  const odd = loaded.find(({ keyType }) => keyType !== loaded[0]?.keyType) ?? loaded[0];
  throw new CertificateError(
    odd?.files.certificate ?? '',
    `has a key of type ${odd?.keyType}, the first certificate another: names that differ need one key type in common`,
  );
}

function allNames(certificates: readonly LoadedCertificate[]): readonly string[] {
  return [...new Set(certificates.flatMap(({ names }) => names))];
}

// An RSA and an ECDSA certificate for one name are served together.
function oneOfEachType(certificates: readonly LoadedCertificate[], name: string): LoadedCertificate[] {
  const byType = new Map<string, LoadedCertificate>();
  for (const certificate of certificates) {
    if (certificate.names.includes(name) && !byType.has(certificate.keyType)) {
      byType.set(certificate.keyType, certificate);
    }
  }
  return [...byType.values()];
}

function contextOf(
  certificates: readonly LoadedCertificate[],
  options: ContextOptions,
  opened: Map<string, SecureContext>,
): SecureContext {
  const id = certificates.map((certificate) => certificate.files.certificate).join('\n');
  const known = opened.get(id);
  if (known !== undefined) return known;
  try {
    const pairs = certificates.map((certificate) => certificate.pem);
    const context = openSecureContext(pairs, options);
    opened.set(id, context);
    return context;
  } catch (error) {
    const path = certificates[0]?.files.certificate ?? '';
    throw new CertificateError(path, `is not accepted by OpenSSL: ${(error as Error).message}`, error);
  }
}
