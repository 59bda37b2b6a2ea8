// The likely cause of each failure and what to do about it, for operators. Owns words only.

import type { CertificateDetails } from '../../client/certificate-details.ts';
import type { ClientError } from '../../client/client-error.ts';
import type { Target } from '../../client/resolve.ts';
import type { TurnUri } from '../../client/uri.ts';
import { escapeText } from '../../escape-text.ts';
import type { Problem, StepName } from './report.ts';

/** What is known when something fails. */
export interface CauseContext {
  readonly uri: TurnUri;
  readonly target: Target | null;
  readonly timeoutMs: number;
  /** The password was made from a shared secret. */
  readonly isTimeLimited: boolean;
}

type Advice = Omit<Problem, 'what'>;

/** Explains what a client said during a step. */
export function explain(step: StepName, error: ClientError, context: CauseContext): Problem {
  return { what: whatFailed(error, context), ...adviceFor(step, error, context) };
}

function whatFailed(error: ClientError, { target, timeoutMs }: CauseContext): string {
  if (error.fault !== 'timeout' || target === null) return escapeText(error.message);
  return `no answer from ${target.address.text} by ${target.transport.toUpperCase()} in ${timeoutMs / 1000} s`;
}

function adviceFor(step: StepName, error: ClientError, context: CauseContext): Advice {
  switch (error.fault) {
    case 'uri':
      return {
        cause: 'certificates name hosts, and the URL has an address',
        remedy: 'use the host name in the URL, or --tls-name NAME to say which one to expect, or --insecure',
      };
    case 'resolution':
      return {
        cause: 'the name is misspelt or not published, or the resolver of this machine is down',
        remedy: `compare with: dig +short ${context.uri.host} A ${context.uri.host} AAAA`,
      };
    case 'timeout':
      return timeoutAdvice(context);
    case 'other-source':
      return {
        cause:
          'the server has several addresses and answers from another than the one asked; clients drop such answers',
        remedy:
          'let it listen on each address by itself, not on 0.0.0.0 (coturn listening-ip), or mend the NAT before it',
      };
    case 'refused':
      return refusedAdvice(context);
    case 'unreachable':
      return {
        cause: 'this machine has no route to that address (often: it has no IPv6)',
        remedy: 'check the network of this machine; --ipv4 or --ipv6 choose the family',
      };
    case 'tls':
      return tlsAdvice(error, context);
    case 'unsupported':
      return {
        cause: 'turnctl cannot speak DTLS yet; the server may be well',
        remedy: `check the other transports: ${context.uri.scheme}:${context.uri.host}?transport=tcp`,
      };
    case 'closed':
    case 'protocol':
      return {
        cause: 'what answers there is no STUN or TURN server, or a proxy in between cuts the connection',
        remedy: `look what listens on port ${portOf(context)} of the server, and into its log`,
      };
    case 'bid-down':
      return {
        cause: 'somebody on the way alters answers, or the server announces algorithms that it does not offer',
        remedy: 'do not use this path with this password; check over turns: and look at the server’s settings',
      };
    case 'integrity':
      return integrityAdvice(error);
    case 'wait':
      return {
        cause: 'the server refused before, and the protocol forbids to ask again so soon',
        remedy: 'wait, and mend the cause of the first refusal',
      };
    case 'rejected':
      return rejectionAdvice(step, error, context);
  }
}

function portOf({ target, uri }: CauseContext): string {
  return String(target?.address.port ?? uri.port ?? '');
}

function protocolOf({ target }: CauseContext): 'UDP' | 'TCP' {
  return target?.transport === 'udp' || target?.transport === 'dtls' ? 'UDP' : 'TCP';
}

function timeoutAdvice(context: CauseContext): Advice {
  const port = `${protocolOf(context)} port ${portOf(context)}`;
  return {
    cause: `a firewall drops ${port} (the server’s, the cloud’s or the one of this network), or the server is down`,
    remedy: `open ${port} on the server and in the cloud’s rules; a slow network needs --timeout`,
  };
}

function refusedAdvice(context: CauseContext): Advice {
  const port = `${protocolOf(context)} port ${portOf(context)}`;
  return {
    cause: `the host is up, and nothing listens on its ${port}`,
    remedy: 'start the server, or correct its listening addresses or the port of the URL',
  };
}

function integrityAdvice({ errorCode }: ClientError): Advice {
  if (errorCode !== 0) {
    return {
      cause: `the server refuses with ${errorCode} and does not sign it, so that it must not be believed`,
      remedy: 'look into the server’s log for the reason of its refusal',
    };
  }
  return {
    cause: 'the server knows another password for this user, or somebody on the way alters answers',
    remedy: 'set the password again on the server and check once more',
  };
}

const UNKNOWN_AUTHORITY = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

function tlsAdvice({ certificate, message }: ClientError, context: CauseContext): Advice {
  if (certificate !== null) return certificateAdvice(certificate, context.target?.name ?? context.uri.host);
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH|ECONNRESET|closed|UNSUPPORTED|NO_PROTOCOLS|ALERT/.test(message)) {
    return {
      cause: `port ${portOf(context)} speaks no TLS, or the server has no certificate or none that suits`,
      remedy: 'check the server’s certificate settings and log; without TLS the URL is turn:…?transport=tcp',
    };
  }
  return {
    cause: 'client and server agree on no version or cipher of TLS',
    remedy: 'let the server offer TLS 1.2 or 1.3',
  };
}

function certificateAdvice(certificate: CertificateDetails, name: string): Advice {
  const refusal = certificate.refusal ?? '';
  const issuer = escapeText(certificate.issuer);
  if (refusal === 'CERT_HAS_EXPIRED') {
    return {
      cause: `the certificate expired on ${certificate.validTo.slice(0, 10)} (or this machine’s clock is wrong)`,
      remedy: 'renew it on the server and let the server load it',
    };
  }
  if (refusal === 'CERT_NOT_YET_VALID') {
    return {
      cause: `the certificate is valid from ${certificate.validFrom.slice(0, 10)} only: a clock is wrong`,
      remedy: 'set the clock of this machine, or issue the certificate anew',
    };
  }
  if (refusal === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = certificate.names.map(escapeText).join(', ') || escapeText(certificate.subject);
    return {
      cause: `the certificate is for ${names}, not for ${name}`,
      remedy: 'use one of its names in the URL, or issue a certificate for this one',
    };
  }
  if (UNKNOWN_AUTHORITY.includes(refusal)) {
    return {
      cause: certificate.isSelfSigned
        ? 'the certificate is self-signed: browsers refuse it as well'
        : `its issuer (${issuer}) is unknown here, or the server does not send the intermediate certificates`,
      remedy: 'serve a certificate of a public authority with its whole chain (fullchain.pem), or give --ca-file FILE',
    };
  }
  return { cause: `OpenSSL says ${escapeText(refusal)}`, remedy: 'look at the certificate that the server serves' };
}

function rejectionAdvice(step: StepName, error: ClientError, context: CauseContext): Advice {
  if (error.errorCode === 401) return wrongPassword(error, context);
  if (error.errorCode === 403 && step !== 'allocate') {
    return {
      cause: 'the server denies peers with this address (denied-peer rules; turnd denies private addresses by default)',
      remedy: 'check from another network, or allow the address: turnd peers.allow, coturn allowed-peer-ip',
    };
  }
  return (
    REJECTIONS.get(error.errorCode) ?? {
      cause: 'the server’s log tells more',
      remedy: 'look there for the time of this check',
    }
  );
}

function wrongPassword({ realm }: ClientError, { isTimeLimited }: CauseContext): Advice {
  const where = realm === '' ? 'the server' : `realm “${escapeText(realm)}”`;
  if (isTimeLimited) {
    return {
      cause: `the secret is not one of ${where}, or the clocks of server and this machine differ by more than an hour`,
      remedy:
        'compare the secret with the server’s (turnd auth.secrets, coturn static-auth-secret) and run date on both',
    };
  }
  return {
    cause: `user or password are wrong for ${where} (stored passwords are void when the realm changes)`,
    remedy: 'set the password of the user again, in this realm; for time-limited credentials use --secret-file',
  };
}

const REJECTIONS: ReadonlyMap<number, Advice> = new Map<number, Advice>([
  [300, { cause: 'the server redirects, without saying where to', remedy: 'check its alternate-server settings' }],
  [400, { cause: 'the server does not understand the request', remedy: 'look into its log; is it a TURN server?' }],
  [403, { cause: 'the server’s rules forbid it', remedy: 'look at its rules for users, origins and addresses' }],
  [
    437,
    {
      cause: 'for the server our address has an allocation already (or has none any more), and other ports do not help',
      remedy: 'look for a NAT or proxy that gives all clients one port; wait ten minutes',
    },
  ],
  [
    438,
    {
      cause: 'the server takes none of its own nonces: several servers behind one address do not share their key',
      remedy: 'let the balancer send a client always to the same server, or give all servers one nonce key',
    },
  ],
  [440, { cause: 'the server has no relay address of this family', remedy: 'give it one: turnd relay.address' }],
  [
    441,
    { cause: 'the allocation belongs to other credentials', remedy: 'check again; look for a NAT that reuses ports' },
  ],
  [442, { cause: 'the server relays no UDP', remedy: 'look whether no-udp-relay is set' }],
  [
    486,
    {
      cause: 'the user, or all users together, hold as many allocations as they may',
      remedy: 'end sessions or raise the quota (turnd limits.*, coturn user-quota and total-quota)',
    },
  ],
  [500, { cause: 'the server has a fault of its own', remedy: 'look into its log' }],
  [
    508,
    {
      cause: 'no relay port is free, or the relay address does not exist on the server',
      remedy: 'widen the range of relay ports (turnd relay.ports, coturn min-port and max-port), check relay.address',
    },
  ],
]);

/** The relayed address cannot be reached from outside. */
export function unroutableRelay(relayed: string, kind: string): Problem {
  return {
    what: `the relayed address ${relayed} is ${kind}: peers outside cannot reach it`,
    cause: 'the server is behind a NAT and does not know its public address',
    remedy: 'set it: turnd relay.external-address, coturn external-ip=PUBLIC/PRIVATE',
  };
}

/** Nothing came back; `insideWorks` says whether it does between two allocations of the server. */
export function lostEcho(port: number, insideWorks: boolean | null): Problem {
  const what = 'nothing came back through the relay';
  if (insideWorks === true) {
    return {
      what,
      cause: `inside the server packets pass, from here they do not: a firewall closes its relay ports (here UDP ${port})`,
      remedy:
        'open the whole range of relay ports for UDP (49152-65535 unless set otherwise), in the cloud’s rules too',
    };
  }
  return {
    what,
    cause: `the server cannot send or receive on its relay ports (here UDP ${port}): a firewall, or a wrong address`,
    remedy: 'open the range of relay ports for UDP both ways, and check relay and external address of the server',
  };
}
