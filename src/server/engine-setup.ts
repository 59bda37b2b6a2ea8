// Makes an engine of its parts, the same for one process and for each of many, and drives it by timers.

import { type ConfiguredPeers, network, RealmTable, type RealmTableData } from '../auth/realm-table.ts';
import type { Config } from '../config/config.ts';
import type { EventType } from '../events/event-types.ts';
import type { BudgetMemory } from '../limits/budget-memory.ts';
import { SourceLoginBrake } from '../limits/login-brake.ts';
import { SourceReplyBudget } from '../limits/reply-budget.ts';
import { FaultLog } from '../log/fault-log.ts';
import { hideAddresses, showAddress } from '../log/hidden-addresses.ts';
import { shareOfLines } from '../log/line-budget.ts';
import type { Logger, LogLevel } from '../log/logger.ts';
import { SessionLog } from '../log/session-log.ts';
import { GarbageCollector } from '../state/garbage.ts';
import { LoopLag } from '../state/loop-lag.ts';
import { SAMPLE_MS, SampledClock } from '../state/sampled-clock.ts';
import { systemClock } from '../state/system-clock.ts';
import { Engine } from '../turn/engine.ts';
import type { Env } from '../turn/env.ts';
import { type EngineBounds, engineLimits, engineSettings } from './engine-settings.ts';
import { EventReporter, type SendEvent } from './event-reporter.ts';
import { makeSessionObserver } from './session-observer.ts';
import { reporting, type SendReport, StatusReporter } from './status-reporter.ts';

const TICK_MS = 1000;
/** Of faults, in all processes together: each has a stack (S54). */
const FAULT_LINES_PER_SECOND = 4;

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
  /** Takes events, as far as {@link EngineSetup.wantEvents} asks for them. */
  readonly sendEvent: SendEvent;
  /** What all processes of the server count in. */
  readonly budgets: BudgetMemory;
  /** The process's number among several; 0 where one process is the whole server. */
  readonly worker: number;
  /** How many processes serve clients, and share the budgets of the log. */
  readonly processes: number;
  readonly logger: Logger;
}

/** An engine that is driven. */
export interface EngineSetup {
  readonly engine: Engine;
  /** Realms and peer rules, to be updated when the store or the configuration changes. */
  readonly realms: RealmTable;
  /** How late the loop is that drives it. */
  readonly lag: LoopLag;
  setLogLevel(level: LogLevel): void;
  /** Reports events of these types from now on, and no others. */
  wantEvents(types: readonly EventType[]): void;
  /** Applies what the engine bounds, from now on. */
  setLimits(bounds: EngineBounds): void;
  /** Starts the timers. Returns how to stop them. */
  start(): () => void;
}

/** Makes an engine. */
export function setUpEngine(parts: EngineParts): EngineSetup {
  const { config, realm, realmData, report, sendEvent, budgets, worker, processes, logger, ...given } = parts;
  const clock = systemClock;
  const sampled = new SampledClock(clock);
  const reporter = report && new StatusReporter(report, clock);
  const events = new EventReporter({ send: sendEvent, clock, live: () => engine.allocations.list() });
  const realms = new RealmTable(peerOptions(config));
  realms.update(realmData);
  const sessions = new SessionLog({ logger, now: () => clock.now(), processes });
  const observer = makeSessionObserver({
    sessions,
    faults: faultLog(logger, processes, 'a request failed: please report this'),
    logger,
    clock,
    show: config.log.hideAddresses ? hideAddresses(given.nonceKey) : showAddress,
    tellsPeers: config.log.peers,
  });
  const budget = new SourceReplyBudget(config.limits, clock, budgets);
  const brake = new SourceLoginBrake(config.limits.failedLoginsPerSecond, clock, budgets);
  const engine: Engine = new Engine(
    {
      ...given,
      clock: sampled,
      realms,
      peers: realms,
      rateMemory: { server: budgets.table('server-rates'), users: budgets.table('user-rates') },
      budget,
      brake,
      observer: events.reporting(reporter === null ? observer : reporting(observer, reporter)),
    },
    engineSettings(config, realm, worker),
    clock.now,
  );
  const garbage = new GarbageCollector(given.isShortOfMemory);
  const tick = (): void => {
    engine.tick();
    garbage.tick(clock.now());
    reporter?.tick();
    events.tick();
    sessions.flush();
  };
  const setLogLevel = (level: LogLevel): void => {
    logger.level = level;
    sessions.setLevel(level);
  };
  const setLimits = (bounds: EngineBounds): void => {
    const { limits } = bounds;
    budget.setRates(limits);
    brake.setRate(limits.failedLoginsPerSecond);
    engine.setLimits(engineLimits(bounds));
  };
  const lag = new LoopLag(SAMPLE_MS, clock.now);
  const sample = (): void => {
    sampled.sample();
    lag.tick();
  };
  const wantEvents = (types: readonly EventType[]): void => events.want(types);
  return { engine, realms, lag, setLogLevel, setLimits, wantEvents, start: () => startTimers(tick, sample) };
}

/** Says in the log what the engine threw: a bug, which must not end the process. */
export function faultReporter(logger: Logger, processes: number): (fault: unknown) => void {
  const faults = faultLog(logger, processes, 'a datagram failed: please report this');
  return (fault) => faults.report(fault);
}

function faultLog(logger: Logger, processes: number, message: string): FaultLog {
  return new FaultLog({
    ...{ logger, message, rate: shareOfLines(FAULT_LINES_PER_SECOND, processes) },
    now: () => systemClock.now(),
    after: (milliseconds, act) => setTimeout(act, milliseconds).unref(),
  });
}

function startTimers(tick: () => void, sample: () => void): () => void {
  const timers = [setInterval(tick, TICK_MS), setInterval(sample, SAMPLE_MS)];
  return () => timers.forEach(clearInterval);
}

/** What a configuration says of peers. */
export function peerOptions({ peers }: Pick<Config, 'peers'>): ConfiguredPeers {
  const { unsafeAllowLoopback, realms } = peers;
  return { allow: peers.allow.map(network), deny: peers.deny.map(network), unsafeAllowLoopback, realms };
}
