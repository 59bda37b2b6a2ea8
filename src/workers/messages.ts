// What the main process and its workers say to each other, as plain JSON data: keys in base64, addresses as text. Both
// ends are of one package and one start, so nothing is versioned. Descriptors travel beside: a sender puts them into the
// worker's descriptor channel first and then sends the message that speaks of them. What is said in one turn of a loop
// travels as one array (outbox.ts).

import type { RealmTableData } from '../auth/realm-table.ts';
import type { PortRange } from '../config/address-values.ts';
import type { Config } from '../config/config.ts';
import type { EventReport } from '../events/event-schemas.ts';
import type { EventType } from '../events/event-types.ts';
import type { LogLevel } from '../log/logger.ts';
import type { LoadedCertificate } from '../tls/certificate-file.ts';
import type { Grant } from '../turn/grant.ts';
import type { AnswerMessage, CallMessage, RefusalMessage } from './calls.ts';
import type { CounterTree } from './counter-tree.ts';
import type { SessionDetail, SessionInfo, SessionQuery, SessionSelector } from './sessions.ts';
import type { StatusReport } from './status-report.ts';

/** An address and a port. */
export interface WireEndpoint {
  readonly ip: string;
  readonly port: number;
}

/** The addresses of this host and this server, all of them, as they are now. */
export interface WireAddresses {
  /** Of all interfaces. */
  readonly local: readonly string[];
  /**
   * Addresses that relay sockets are bound to, in the order of the port table's rows, what they are shown as, and all that
   * they have ever been shown as: the marks of the port table are indexes of that.
   */
  readonly relays: readonly { readonly ip: string; readonly shown: string; readonly known: readonly string[] }[];
  /** External addresses beside those shown. */
  readonly external: readonly string[];
  readonly listeners: readonly WireEndpoint[];
  /** What the server itself talks to. */
  readonly backends: readonly WireEndpoint[];
}

/** A listening socket for one worker. Its descriptor lies in the channel, under the same id. */
export interface WireListener {
  readonly id: number;
  readonly transport: 'udp' | 'tcp' | 'tls' | 'tcp+tls';
  /** Whether connections begin with a PROXY header. */
  readonly proxied: boolean;
  readonly local: WireEndpoint;
}

/** Everything that a worker is given at its start. */
export interface StartMessage {
  readonly kind: 'start';
  /** Whether it has to say {@link FromWorker} `status`. */
  readonly reports: boolean;
  /** What it has to say {@link FromWorker} `event` of. */
  readonly events: readonly EventType[];
  /** 1 and up. */
  readonly worker: number;
  /** How many there are. */
  readonly workers: number;
  /** Without secrets, users, stores and certificates. */
  readonly config: Config;
  /** Prepared with OpaqueString. */
  readonly realm: string;
  /** What the store says of realms. */
  readonly realms: RealmTableData;
  readonly nonceKey: string;
  /** No certificates where no listener takes TLS. Keys are decrypted. */
  readonly tls: { readonly certificates: readonly LoadedCertificate[]; readonly ticketKeys: string };
  readonly addresses: WireAddresses;
  readonly listeners: readonly WireListener[];
  readonly isDraining: boolean;
}

/** From main to a worker. */
export type ToWorker =
  | StartMessage
  /** One more listening socket, or one that was retired and is wanted again. */
  | { readonly kind: 'listen'; readonly listener: WireListener }
  | { readonly kind: 'unlisten'; readonly id: number }
  /** A UDP listening socket serves nobody new; {@link FromWorker} `idle` is said when its last client has gone. */
  | { readonly kind: 'retire'; readonly id: number }
  | { readonly kind: 'addresses'; readonly addresses: WireAddresses }
  /** Of what a worker itself bounds: its stream connections, what strangers get, what its engine holds to. And whose
      PROXY headers it believes. */
  | {
      readonly kind: 'limits';
      readonly limits: Config['limits'];
      readonly auth: Pick<Config['auth'], 'expiry'>;
      readonly drain: Pick<Config['drain'], 'alternateServers'>;
      readonly proxyProtocol: Config['proxyProtocol'];
    }
  /** New relay sockets get ports of this range; those that are open keep theirs. */
  | { readonly kind: 'relay-ports'; readonly ports: PortRange }
  /** Served from now on; the first ones, perhaps. */
  | { readonly kind: 'certificates'; readonly certificates: readonly LoadedCertificate[] }
  /** Users, secrets, realms or peer rules have changed: whatever is cached of them is void, and this is what holds now. */
  | { readonly kind: 'invalidate'; readonly realms: RealmTableData; readonly peers: Config['peers'] }
  /** What it has to say {@link FromWorker} `event` of from now on. */
  | { readonly kind: 'events'; readonly types: readonly EventType[] }
  | { readonly kind: 'log-level'; readonly level: LogLevel }
  /** Whether new allocations are refused. */
  | { readonly kind: 'drain'; readonly isDraining: boolean }
  /** Ends its allocations, says {@link FromWorker} `stopped`, and exits. */
  | { readonly kind: 'stop' }
  | CallMessage
  | AnswerMessage
  | RefusalMessage;

/** From a worker to main. */
export type FromWorker =
  /** It serves. */
  | { readonly kind: 'ready' }
  /** It cannot start; a sentence says why. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** Once a second: it lives. */
  | { readonly kind: 'beat'; readonly allocations: number; readonly counters: CounterTree }
  /** Lines for the log, each a JSON object; `lost` could not be kept. */
  | { readonly kind: 'log'; readonly lines: readonly string[]; readonly lost: number }
  /** Something has happened to an allocation. */
  | { readonly kind: 'status'; readonly report: StatusReport }
  /** What somebody listens to has happened. */
  | { readonly kind: 'event'; readonly report: EventReport }
  /** A retired listening socket is closed. */
  | { readonly kind: 'idle'; readonly id: number }
  /** An allocation has ended: its unit is free. */
  | { readonly kind: 'release'; readonly request: WireQuotaRequest }
  | { readonly kind: 'stopped'; readonly counters: CounterTree }
  | CallMessage
  | AnswerMessage
  | RefusalMessage;

/** A credential whose keys are base64. */
export interface WireCredential {
  readonly md5Key: string;
  readonly sha256Key: string | null;
  readonly username: string;
  readonly realm: string;
  readonly quotaKey: string | null;
  readonly quotaLimit: number;
  readonly realmLimit: number;
}

/** What main knows about a username. */
export type WireLookup =
  | {
      readonly candidates: readonly WireCredential[];
      /** Unix milliseconds from which on the candidates are void; null = none. */
      readonly expiresAt: number | null;
    }
  | { readonly refusal: 'unknown-user' | 'expired' | 'unavailable' };

/** What an allocation is counted against. */
export interface WireQuotaRequest {
  /** Null when access is anonymous. */
  readonly credential: {
    readonly quotaKey: string | null;
    readonly quotaLimit: number;
    /** Absent: the default one. */
    readonly realm?: string;
    /** Absent: no limit of its own. */
    readonly realmLimit?: number;
  } | null;
  readonly client: string;
}

/** What workers ask main. */
export type MainCalls = {
  readonly credential: {
    readonly ask: { readonly username: string; readonly realm: string };
    readonly answer: WireLookup;
  };
  readonly userhash: {
    readonly ask: { readonly hash: string; readonly realm: string };
    readonly answer: string | null;
  };
  readonly quota: { readonly ask: WireQuotaRequest; readonly answer: Grant | null };
  readonly mayHold: { readonly ask: { readonly holder: string; readonly limit: number }; readonly answer: boolean };
  /** Holds a socket whose descriptor lies in the channel under the tag; the answer is a token in hexadecimal digits. */
  readonly hold: {
    readonly ask: { readonly tag: string; readonly local: WireEndpoint; readonly holder: string | null };
    readonly answer: string | null;
  };
  /** The descriptor lies in the channel under the tag; null for a token that is unknown, used or expired. */
  readonly redeem: { readonly ask: { readonly token: string }; readonly answer: { readonly tag: string } | null };
};

/** What main asks workers. */
export type WorkerCalls = {
  readonly sessions: { readonly ask: SessionQuery; readonly answer: readonly SessionInfo[] };
  readonly session: { readonly ask: number; readonly answer: SessionDetail | null };
  readonly end: { readonly ask: SessionSelector; readonly answer: number };
  readonly counters: { readonly ask: null; readonly answer: CounterTree };
};
