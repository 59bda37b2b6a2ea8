// What a running server offers to whoever has started it, however many processes it has. Declares, does nothing.

import type { Config } from '../config/config.ts';
import type { ListenerInfo } from '../config/ice-servers.ts';
import type { LogLevel } from '../log/logger.ts';
import type { RelayPorts } from '../metrics/snapshot.ts';
import type { LabUser } from '../state/kept-secrets.ts';
import type { CounterTree } from '../workers/counter-tree.ts';
import type { SessionDetail, SessionInfo, SessionQuery, SessionSelector } from '../workers/sessions.ts';
import type { WorkerState } from '../workers/supervisor.ts';
import type { CollectedWorker } from '../workers/worker-fleet.ts';
import type { PendingListeners } from './pending-listeners.ts';

/** The counters of all processes. */
export interface Collected {
  /** Of whoever serves clients. */
  readonly counters: CounterTree;
  /** Of main beside workers; null where there are none. */
  readonly main: CounterTree | null;
  readonly workers: readonly CollectedWorker[];
  /** Workers that died so far. */
  readonly workersLost: number;
}

/** A server that serves. */
export interface RunningServer {
  /** How datagrams are moved. */
  readonly plane: 'linux' | 'portable';
  /** Relay worker processes; 0 = all is this one process. */
  readonly workers: number;
  /** As they are now. */
  readonly listeners: readonly ListenerInfo[];
  /** Relayed addresses as shown to clients now. */
  readonly shown: readonly string[];
  /** The user that was made because there is no configuration, or null. */
  readonly labUser: LabUser | null;
  /** Whether browsers may accept the certificate of the TLS listeners. */
  readonly trustedCertificate: boolean;
  /** Resolves if the server cannot go on, with a sentence that says why; it must be closed then. */
  readonly failed: Promise<string>;
  /** Live allocations. */
  allocations(): number;
  /** Whether every process of the server lives, or is being replaced in time. */
  isAlive(): boolean;
  /** One page of the live allocations, in the order of their ids. */
  sessions(query: SessionQuery): Promise<readonly SessionInfo[]>;
  /** One allocation with its permissions and channels, or null if there is none of that id. */
  session(id: number): Promise<SessionDetail | null>;
  /** Ends allocations. @returns how many */
  end(selector: SessionSelector): Promise<number>;
  /** All counters since the start, summed over workers, the dead ones' included. */
  counters(): Promise<CounterTree>;
  /** As {@link counters}, in a second at most, with what only metrics tell. */
  collect(): Promise<Collected>;
  /** Every worker, as main knows it without asking; none where all is one process. */
  workerStates(): readonly WorkerState[];
  /** Relay ports by family, counted now; a family that is not served is not there. */
  relayPorts(): readonly RelayPorts[];
  /**
   * Opens what of these addresses is not open yet, or nothing.
   * @throws ListenError that names the one that could not be opened
   */
  prepareListeners(listen: Config['listen']): Promise<PendingListeners>;
  /**
   * Loads certificates if these addresses are the first that take TLS: before they are opened.
   * @throws CertificateError for one that cannot be served
   */
  prepareTls(config: Pick<Config, 'listen' | 'tls'>): Promise<void>;
  /** Serves by this from now on: what can change live in it differs from what was. */
  apply(config: Config): void;
  setLogLevel(level: LogLevel): void;
  /** Whether new allocations are refused from now on, while those that live go on. */
  setDraining(isDraining: boolean): void;
  /**
   * Reads the certificates again, from the files of {@link apply}'s configuration if there are any: new handshakes use them.
   * @returns whether they differ from those that were served
   * @throws CertificateError for a pair that cannot be served; everything stays as it was then
   */
  renewCertificates(config: Pick<Config, 'tls'>): boolean;
  /** Ends all allocations and closes everything. Idempotent. */
  close(): Promise<void>;
}
