// Which of several certificates is served for which server name (RFC 6066 §3). Knows neither files nor sockets.

import type { SecureContext } from 'node:tls';
import { CertificateError } from './certificate-error.ts';
import type { LoadedCertificate } from './certificate-file.ts';
import { type ContextOptions, openSecureContext } from './secure-context.ts';
import type { SecureContexts } from './tls-acceptor.ts';

/** Certificates with their contexts. */
export interface Served {
  readonly certificates: readonly LoadedCertificate[];
  /** Certificates of a key type that not every name has. */
  readonly unserved: readonly LoadedCertificate[];
  readonly contexts: ReadonlyMap<string, SecureContext>;
  readonly defaultContext: SecureContext;
}

/** Certificates from memory: those that another process has loaded. */
export class MemoryCertificates implements SecureContexts {
  readonly #options: ContextOptions;
  #served: Served;

  /** @throws CertificateError for the first that cannot be served */
  constructor(certificates: readonly LoadedCertificate[], options: ContextOptions) {
    this.#options = options;
    this.#served = serve(certificates, options);
  }

  get defaultContext(): SecureContext {
    return this.#served.defaultContext;
  }

  contextFor(serverName: string): SecureContext {
    return contextFor(this.#served, serverName);
  }

  /**
   * Serves others from now on; handshakes that have begun keep what they have.
   * @throws CertificateError for one that cannot be served; everything stays as it was then
   */
  replace(certificates: readonly LoadedCertificate[]): void {
    this.#served = serve(certificates, this.#options);
  }
}

/** An exact name first, then the wildcard of its parent, then the default. */
export function contextFor({ contexts, defaultContext }: Served, serverName: string): SecureContext {
  const name = serverName.toLowerCase();
  // A wildcard stands for exactly one label (RFC 6125 §6.4.3).
  const dot = name.indexOf('.');
  return contexts.get(name) ?? (dot > 0 ? contexts.get(`*${name.slice(dot)}`) : undefined) ?? defaultContext;
}

/** Opens the contexts of all names. @throws CertificateError for a certificate that cannot be served */
export function serve(loaded: readonly LoadedCertificate[], options: ContextOptions): Served {
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
