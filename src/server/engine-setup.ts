// Makes an engine of its parts, the same for one process and for each of many, and drives it by timers.

import { type ConfiguredPeers, network, RealmTable, type RealmTableData } from '../auth/realm-table.ts';
import type { Config } from '../config/config.ts';
import type { BudgetMemory } from '../limits/budget-memory.ts';
import { SourceLoginBrake } from '../limits/login-brake.ts';
import { SourceReplyBudget } from '../limits/reply-budget.ts';
import type { Logger, LogLevel } from '../log/logger.ts';
import { SessionLog } from '../log/session-log.ts';
import { SAMPLE_MS, SampledClock } from '../state/sampled-clock.ts';
import { systemClock } from '../state/system-clock.ts';
import { Engine } from '../turn/engine.ts';
import type { Env } from '../turn/env.ts';
import { engineLimits, engineSettings } from './engine-settings.ts';
import { makeSessionObserver } from './session-observer.ts';
import { reporting, type SendReport, StatusReporter } from './status-reporter.ts';

const TICK_MS = 1000;

/** What differs between the processes of a server. */
export interface EngineParts
  extends Omit<Env, 'clock' | 'realms' | 'peers' | 'rateMemory' | 'budget' | 'brake' | 'observer'> {
  readonly config: Config;
  /** Prepared with OpaqueString. */
  readonly realm: string;
  /** The realms of the store, as they are now. */
  readonly realmData: RealmTableData;
  /** Takes reports on allocations; null where nobody publishes them. */
  readonly report: SendReport | null;
  /** What all processes of the server count in. */
  readonly budgets: BudgetMemory;
  /** The process's number among several; 0 where one process is the whole server. */
  readonly worker: number;
  readonly logger: Logger;
}

/** An engine that is driven. */
export interface EngineSetup {
  readonly engine: Engine;
  /** Realms and peer rules, to be updated when the store or the configuration changes. */
  readonly realms: RealmTable;
  setLogLevel(level: LogLevel): void;
  /** Applies what the engine bounds, from now on. */
  setLimits(limits: Config['limits']): void;
  /** Starts the timers. Returns how to stop them. */
  start(): () => void;
}

/** Makes an engine. */
export function setUpEngine(parts: EngineParts): EngineSetup {
  const { config, realm, realmData, report, budgets, worker, logger, ...given } = parts;
  const clock = systemClock;
  const sampled = new SampledClock(clock);
  const reporter = report && new StatusReporter(report, clock);
  const realms = new RealmTable(peerOptions(config));
  realms.update(realmData);
  const sessions = new SessionLog({ logger, now: () => clock.now() });
  const observer = makeSessionObserver(sessions, logger, clock);
  const budget = new SourceReplyBudget(config.limits, clock, budgets);
  const brake = new SourceLoginBrake(config.limits.failedLoginsPerSecond, clock, budgets);
  const engine = new Engine(
    {
      ...given,
      clock: sampled,
      realms,
      peers: realms,
      rateMemory: { server: budgets.table('server-rates'), users: budgets.table('user-rates') },
      budget,
      brake,
      observer: reporter === null ? observer : reporting(observer, reporter),
    },
    engineSettings(config, realm, worker),
  );
  const tick = (): void => {
    engine.tick();
    reporter?.tick();
    sessions.flush();
  };
  const setLogLevel = (level: LogLevel): void => {
    logger.level = level;
    sessions.setLevel(level);
  };
  const setLimits = (limits: Config['limits']): void => {
    budget.setRates(limits);
    brake.setRate(limits.failedLoginsPerSecond);
    engine.setLimits(engineLimits({ limits }));
  };
  return { engine, realms, setLogLevel, setLimits, start: () => startTimers(tick, sampled) };
}

/** Says in the log what the engine threw: a bug, which must not end the process. */
export function faultReporter(logger: Logger): (fault: unknown) => void {
  return (fault) => logger.error({ err: fault }, 'a datagram failed: please report this');
}

function startTimers(tick: () => void, sampled: SampledClock): () => void {
  const timers = [setInterval(tick, TICK_MS), setInterval(() => sampled.sample(), SAMPLE_MS)];
  return () => timers.forEach(clearInterval);
}

/** What a configuration says of peers. */
export function peerOptions({ peers }: Pick<Config, 'peers'>): ConfiguredPeers {
  const { unsafeAllowLoopback, realms } = peers;
  return { allow: peers.allow.map(network), deny: peers.deny.map(network), unsafeAllowLoopback, realms };
}
