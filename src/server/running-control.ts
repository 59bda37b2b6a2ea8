// A running server as those see it who control it: what it says of itself, and what they may change.

import type { Config } from '../config/config.ts';
import { iceUrls, urlHost } from '../config/ice-servers.ts';
import { compareConfigs } from '../config/live-changes.ts';
import type { ConfigResult } from '../config/parse-config.ts';
import { redactedConfig } from '../config/print-config.ts';
import { AdminError, type Administration } from '../control/administration.ts';
import type {
  ConfigReport,
  DrainRequest,
  DrainStatus,
  IceSource,
  ReloadReport,
  ServerControl,
  ServerStatus,
  StoreStatus,
} from '../control/server-control.ts';
import { StoreAdministration } from '../control/store-administration.ts';
import type { TokenAdministration } from '../control/tokens.ts';
import { ConfigError, TurnServerError } from '../errors.ts';
import type { EventFilter, EventReader } from '../events/event-reader.ts';
import type { Backend } from '../net/backend-addresses.ts';
import { systemClock } from '../state/system-clock.ts';
import type { Random } from '../turn/env.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import type { SessionDetail, SessionInfo, SessionQuery, SessionSelector } from '../workers/sessions.ts';
import { backendsOf } from './backend-setup.ts';
import { CertificateRenewal, CONTROL_CERTIFICATE, TURN_CERTIFICATES } from './certificate-renewal.ts';
import type { Closers } from './closers.ts';
import { Drain } from './drain.ts';
import type { Foundation } from './foundation.ts';
import type { PendingExternal } from './relay-setup.ts';
import { Revocations } from './revocations.ts';
import type { RunningServer } from './running-server.ts';

const SECRET_BYTES = 32;
const TOLD_TO_END = 'a signal has told turnd to end: that cannot be taken back';

/** What is controlled. */
export interface RunningControlParts {
  readonly foundation: Foundation;
  readonly server: RunningServer;
  readonly tokens: TokenAdministration;
  /** Hosts that are nobody's peers beside those of the configuration. */
  readonly backends: () => readonly Backend[];
  /** Gets each new configuration that is in effect. */
  readonly onConfig: (config: Config) => void;
  /** Told when the server begins to drain, and when that is taken back. */
  readonly onDraining: (isDraining: boolean) => void;
  /** Get what must be closed with it. */
  readonly closers: Closers;
}

/** Whoever wants to know when the configuration is read again. */
export interface ReloadObserver {
  reloading(): void;
  /** It is in effect, or was refused. */
  reloaded(): void;
}

/** Controls one server. */
export class RunningControl implements ServerControl {
  readonly administration: Administration | null;
  readonly tokens: TokenAdministration;
  readonly #parts: RunningControlParts;
  readonly #certificates: CertificateRenewal;
  readonly #drain: Drain;
  readonly #revocations: Revocations;
  readonly #startedAt = systemClock.wallTime();
  /** As it is in effect. */
  #config: Config;
  /** As it was read last. */
  #report: ConfigReport;
  #observer: ReloadObserver = { reloading: ignore, reloaded: ignore };
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(parts: RunningControlParts) {
    const { foundation, server, closers } = parts;
    const { store, directory, config, tree, logger, revoked, state } = foundation;
    this.#parts = parts;
    this.#config = config;
    this.#report = { file: config.configFile, config: redactedConfig(tree), restart: [] };
    this.tokens = parts.tokens;
    this.#certificates = new CertificateRenewal({
      ...{ words: TURN_CERTIFICATES, logger, closers },
      renew: () => server.renewCertificates(this.#config),
    });
    this.#certificates.follow(config.tls.certificates);
    followControl(foundation, closers);
    this.#drain = new Drain({
      ...{ logger, timers: nodeTimers, wallTime: systemClock.wallTime },
      allocations: () => server.allocations(),
      setDraining: (isDraining) => {
        server.setDraining(isDraining);
        parts.onDraining(isDraining);
      },
    });
    closers.add(() => this.#drain.close());
    this.#revocations = new Revocations({
      names: revoked,
      state,
      touch: () => directory.touch(),
      end: (selector) => parts.server.end(selector),
      after: nodeTimers.after,
    });
    closers.add(() => this.#revocations.close());
    this.administration =
      store &&
      new StoreAdministration({
        store: store.store,
        defaultRealm: directory.realm,
        now: systemClock.wallTime,
        makeSecret: () => makeSecret(parts.foundation.random),
        isConfigured: (id) => directory.isConfigured(id),
      });
  }

  async status(): Promise<ServerStatus> {
    const { foundation, server } = this.#parts;
    const { version } = foundation;
    const { plane, workers, shown } = server;
    const { configFile, stateDir, log } = this.#config;
    return {
      ...{ version, pid: process.pid, startedAt: this.#startedAt, plane, workers },
      realm: foundation.directory.realm,
      listeners: server.listeners.map(({ transport, address, port }) => ({ transport, address: at(address, port) })),
      relayed: shown,
      allocations: server.allocations(),
      drain: this.#drain.status,
      ...{ configFile, stateDir, logLevel: log.level },
      store: this.#storeStatus(),
      counters: await server.counters(),
    };
  }

  async config(): Promise<ConfigReport> {
    return this.#report;
  }

  sessions(query: SessionQuery): Promise<readonly SessionInfo[]> {
    return this.#parts.server.sessions(query);
  }

  session(id: number): Promise<SessionDetail | null> {
    return this.#parts.server.session(id);
  }

  events(filter: EventFilter, lastId: string | null): EventReader | null {
    return this.#parts.foundation.events.read(filter, lastId);
  }

  end(selector: SessionSelector): Promise<number> {
    return this.#parts.server.end(selector);
  }

  /** Tells `observer`, and nobody else, of reloads from now on. */
  observe(observer: ReloadObserver): void {
    this.#observer = observer;
  }

  /** One after the other: each compares with what is in effect. */
  reload(): Promise<ReloadReport> {
    const report = this.#reloading.then(() => this.#reload());
    this.#reloading = report.catch(ignore);
    return report;
  }

  /** Reads the certificates again, and nothing else of the configuration. A refusal is a line of the log. */
  renewCertificates(): void {
    const { server, foundation } = this.#parts;
    try {
      foundation.tls.renewControl();
    } catch (error) {
      this.#refused(error, 'certificates', CONTROL_CERTIFICATE.kept);
    }
    try {
      server.renewCertificates(readAgain(foundation).config);
      foundation.logger.info({ event: 'certificates' }, 'the certificates were read again');
    } catch (error) {
      this.#refused(error, 'certificates', TURN_CERTIFICATES.kept);
    }
  }

  get isDraining(): boolean {
    return this.#drain.status !== null;
  }

  /** Resolves when the server has been drained, and should end. */
  get drained(): Promise<void> {
    return this.#drain.finished;
  }

  async drain({ threshold, ...wish }: DrainRequest): Promise<DrainStatus> {
    const begun = this.#drain.begin({ ...wish, threshold: threshold ?? this.#config.drain.threshold }, 'command');
    const { status } = this.#drain;
    if (!begun || status === null) throw new AdminError('conflict', TOLD_TO_END);
    return status;
  }

  async undrain(): Promise<void> {
    if (!this.#drain.cancel()) throw new AdminError('conflict', TOLD_TO_END);
  }

  /** Goes out of service for good, as it is configured: see {@link drained}. */
  retire(): void {
    this.#drain.begin({ ...this.#config.drain, stays: false }, 'signal');
  }

  async setLogLevel(level: Config['log']['level']): Promise<void> {
    const { server } = this.#parts;
    server.setLogLevel(level);
    this.#config = { ...this.#config, log: { ...this.#config.log, level } };
  }

  async iceSource(realm: string | null): Promise<IceSource> {
    const { foundation, server } = this.#parts;
    const { listeners, shown, trustedCertificate } = server;
    const { directory } = foundation;
    const wanted = realm ?? directory.realm;
    const { auth, relay } = this.#config;
    const host = relay.externalAddress.kind === 'name' ? relay.externalAddress.name : urlHost(shown, listeners);
    return {
      urls: auth.iceUrls.length > 0 ? auth.iceUrls : iceUrls({ host, listeners, trustedCertificate }),
      realm: wanted,
      secrets: directory.secretsOf(wanted),
      separator: auth.restSeparator,
      isRevoked: (username) => this.#revocations.isRevoked(username),
    };
  }

  async revoke(username: string): Promise<number> {
    const ended = await this.#revocations.revoke(username, this.#config.auth.restSeparator);
    const { logger } = this.#parts.foundation;
    logger.info({ event: 'credentials-revoked', user: username, ended }, 'credentials are revoked');
    return ended;
  }

  async #reload(): Promise<ReloadReport> {
    const { foundation } = this.#parts;
    this.#observer.reloading();
    try {
      const { config: next, tree, warnings } = readAgain(foundation);
      const { live, restart, config } = compareConfigs(this.#config, next);
      // Each refuses as a whole: whatever can be refused is judged before anything changes.
      foundation.directory.check(config);
      await this.#change(config);
      void foundation.backends.follow([...backendsOf(config), ...this.#parts.backends()]);
      this.#config = config;
      this.#report = { file: config.configFile, config: redactedConfig(tree), restart };
      this.#parts.onConfig(config);
      foundation.events.configure(config);
      this.#certificates.follow(config.tls.certificates);
      foundation.logger.info({ event: 'reloaded', applied: live, restart }, describeReload(live, restart));
      return { applied: live, restart, warnings };
    } catch (error) {
      throw this.#refused(error, 'reload-refused', 'nothing has changed');
    } finally {
      this.#observer.reloaded();
    }
  }

  async #change(config: Config): Promise<void> {
    const { server, foundation } = this.#parts;
    // Those who take TLS for the first time take it with these; until then nobody sees them.
    await server.prepareTls(config);
    const listeners = await server.prepareListeners(config.listen);
    const external = await this.#prepareExternal(config);
    try {
      foundation.tls.renewControl();
      server.renewCertificates(config);
      server.apply(config);
    } catch (error) {
      listeners.cancel();
      external?.cancel();
      throw error;
    }
    listeners.commit();
    external?.commit();
  }

  // To find addresses takes time, and may find others than at the start: not without a reason.
  async #prepareExternal(config: Config): Promise<PendingExternal | null> {
    if (!isExternalChanged(this.#config.relay, config.relay)) return null;
    return this.#parts.foundation.relay.prepare(config);
  }

  // Whoever has asked is told; and so is the log, for a signal is asked by nobody who hears.
  #refused(error: unknown, event: string, outcome: string): unknown {
    const { logger } = this.#parts.foundation;
    if (!(error instanceof TurnServerError)) {
      logger.error({ event, err: error }, `${outcome}: please report this`);
      return error;
    }
    logger.error({ event }, `${error.message}: ${outcome}`);
    return new AdminError('invalid', error.message, { cause: error });
  }

  #storeStatus(): StoreStatus | null {
    const { store } = this.#parts.foundation;
    if (store === null) return null;
    return { name: store.name, isAnswering: store.problem === null, problem: store.problem };
  }
}

// Which files they are needs a restart: what is in them does not.
function followControl({ config, tls, logger }: Foundation, closers: Closers): void {
  const renewal = new CertificateRenewal({
    ...{ words: CONTROL_CERTIFICATE, logger, closers },
    renew: () => tls.renewControl(),
  });
  renewal.follow(tls.hasControl && config.control.tls !== null ? [config.control.tls] : []);
}

function isExternalChanged(old: Config['relay'], next: Config['relay']): boolean {
  const textOf = ({ externalAddress, stunServers }: Config['relay']) => JSON.stringify([externalAddress, stunServers]);
  return textOf(old) !== textOf(next);
}

/** @throws ConfigError with every fault, a line each */
function readAgain({ reload }: Foundation): ConfigResult & { readonly ok: true } {
  const result = reload();
  if (!result.ok) throw new ConfigError(result.errors);
  return result;
}

function makeSecret(random: Random): string {
  const bytes = Buffer.alloc(SECRET_BYTES);
  random.fill(bytes);
  return bytes.toString('hex');
}

function at(address: string, port: number): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]:${port}` : `${address}:${port}`;
}

function describeReload(live: readonly string[], restart: readonly string[]): string {
  const applied = live.length === 0 ? 'nothing to apply' : `applied ${live.join(', ')}`;
  return restart.length === 0 ? applied : `${applied}; ${restart.join(', ')} needs a restart`;
}

function ignore(): void {}
