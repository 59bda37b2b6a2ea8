// Owns what is told of a server's certificate. It judges nothing.

import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls';

/** A certificate as operators want to see it. All text is foreign. */
export interface CertificateDetails {
  readonly subject: string;
  /** DNS names and addresses of subjectAltName. */
  readonly names: readonly string[];
  readonly issuer: string;
  readonly isSelfSigned: boolean;
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  /** Whole days until it expires; negative afterwards. */
  readonly daysLeft: number;
  /** SHA-256 in hexadecimal digits with colons. */
  readonly fingerprint: string;
  /** `TLSv1.3` and the like. */
  readonly protocol: string;
  /** Why it was not accepted, as OpenSSL or Node names it; null when it was. */
  readonly refusal: string | null;
}

const DAY_MS = 86_400_000;

/** The certificate of a connection whose handshake is done, or null when the server showed none. */
export function certificateOf(socket: TLSSocket, wallTime: number): CertificateDetails | null {
  const shown: PeerCertificate | DetailedPeerCertificate = socket.getPeerCertificate(false);
  if (shown === null || typeof shown.valid_to !== 'string') return null;
  const refusal: unknown = socket.authorizationError;
  return {
    subject: nameOf(shown.subject),
    names: alternativeNames(shown.subjectaltname ?? ''),
    issuer: nameOf(shown.issuer),
    isSelfSigned: JSON.stringify(shown.subject) === JSON.stringify(shown.issuer),
    validFrom: isoDate(shown.valid_from),
    validTo: isoDate(shown.valid_to),
    daysLeft: Math.floor((Date.parse(shown.valid_to) - wallTime) / DAY_MS),
    fingerprint: shown.fingerprint256,
    protocol: socket.getProtocol() ?? '',
    refusal: refusal === undefined || refusal === null ? null : String(refusal),
  };
}

function isoDate(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? text : new Date(time).toISOString();
}

// A certificate may hold any of these several times, or none.
function nameOf(parts: unknown): string {
  const { CN, O } = { CN: '', O: '', ...(parts as Record<string, string | string[]>) };
  return [CN, O].flat().find((part) => part !== '') ?? '';
}

function alternativeNames(text: string): readonly string[] {
  return text
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):"?(.*?)"?$/.exec(entry)?.[1] ?? '')
    .filter((name) => name !== '');
}
