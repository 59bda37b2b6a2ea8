// A running server as those see it who control it: what it says of itself, and what they may change.

import type { Config } from '../config/config.ts';
import { iceUrls, urlHost } from '../config/ice-servers.ts';
import { compareConfigs } from '../config/live-changes.ts';
import { redactedConfig } from '../config/print-config.ts';
import { AdminError, type Administration } from '../control/administration.ts';
import type {
  ConfigReport,
  IceSource,
  ReloadReport,
  ServerControl,
  ServerStatus,
  StoreStatus,
} from '../control/server-control.ts';
import { StoreAdministration } from '../control/store-administration.ts';
import type { TokenAdministration } from '../control/tokens.ts';
import { TurnServerError } from '../errors.ts';
import type { Backend } from '../net/backend-addresses.ts';
import { systemClock } from '../state/system-clock.ts';
import type { Random } from '../turn/env.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import type { SessionDetail, SessionInfo, SessionQuery, SessionSelector } from '../workers/sessions.ts';
import { backendsOf } from './backend-setup.ts';
import type { Foundation } from './foundation.ts';
import { Revocations } from './revocations.ts';
import type { RunningServer } from './running-server.ts';

const SECRET_BYTES = 32;

/** What is controlled. */
export interface RunningControlParts {
  readonly foundation: Foundation;
  readonly server: RunningServer;
  readonly tokens: TokenAdministration;
  /** Hosts that are nobody's peers beside those of the configuration. */
  readonly backends: () => readonly Backend[];
  /** Gets each new configuration that is in effect. */
  readonly onConfig: (config: Config) => void;
}

/** Controls one server. */
export class RunningControl implements ServerControl {
  readonly administration: Administration | null;
  readonly tokens: TokenAdministration;
  readonly #parts: RunningControlParts;
  readonly #revocations: Revocations;
  readonly #startedAt = systemClock.wallTime();
  /** As it is in effect. */
  #config: Config;
  /** As it was read last. */
  #report: ConfigReport;

  constructor(parts: RunningControlParts) {
    const { store, directory, config, tree, revoked, state } = parts.foundation;
    this.#parts = parts;
    this.#config = config;
    this.#report = { file: config.configFile, config: redactedConfig(tree), restart: [] };
    this.tokens = parts.tokens;
    this.#revocations = new Revocations({
      names: revoked,
      state,
      touch: () => directory.touch(),
      end: (selector) => parts.server.end(selector),
      after: nodeTimers.after,
    });
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

  end(selector: SessionSelector): Promise<number> {
    return this.#parts.server.end(selector);
  }

  async reload(): Promise<ReloadReport> {
    const { server, foundation } = this.#parts;
    const result = foundation.reload();
    if (!result.ok) throw new AdminError('invalid', result.errors.join('\n'));
    const { live, restart, config } = compareConfigs(this.#config, result.config);
    try {
      // Each refuses as a whole: whatever can be refused is judged before anything changes.
      foundation.directory.check(config);
      server.renewCertificates(config);
      server.apply(config);
      void foundation.backends.follow([...backendsOf(config), ...this.#parts.backends()]);
    } catch (error) {
      if (error instanceof TurnServerError) throw new AdminError('invalid', error.message);
      throw error;
    }
    this.#config = config;
    this.#report = { file: config.configFile, config: redactedConfig(result.tree), restart };
    this.#parts.onConfig(config);
    foundation.logger.info({ event: 'reloaded', applied: live, restart }, describeReload(live, restart));
    return { applied: live, restart, warnings: result.warnings };
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

  close(): void {
    this.#revocations.close();
  }

  #storeStatus(): StoreStatus | null {
    const { store } = this.#parts.foundation;
    if (store === null) return null;
    return { name: store.name, isAnswering: store.problem === null, problem: store.problem };
  }
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
