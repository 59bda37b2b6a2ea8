// Quotas and lifetimes, details of the protocol, and the log.

import { resolve } from 'node:path';
import type { Draft } from './draft.ts';

const COUNT = { min: 0, max: 1_000_000 };
// Of coturn, which keeps them in 32 bits.
const BYTES_PER_SECOND = { min: 0, max: 0xffff_ffff };
const SECONDS = { min: 1, max: Number.MAX_SAFE_INTEGER };
const MAX_LIFETIME = 3600;
const DEFAULT_LIFETIME = 600;

/** Sets what stands below `limits`. Where coturn has no limit, there is none: also where turnd would have one. */
export function resolveLimits(draft: Draft): void {
  resolveTotal(draft);
  const user = draft.number('user-quota', COUNT);
  const userSource = [draft.last('user-quota')];
  draft.set('limits.allocations-per-user', user ?? 0, 'user-quota; 0 = no limit.', userSource);
  draft.set('limits.allocations-per-rest-user', user ?? 0, 'user-quota too; the default of turnd is 100.', userSource);
  draft.set('limits.allocations-per-client-address', 0, 'coturn has no such limit; the default of turnd is 1000.');
  resolveLifetime(draft);
  const idle = draft.number('max-allocate-timeout', { min: 1, max: 86_400 });
  if (idle !== null)
    draft.set('limits.idle-timeout', idle, 'max-allocate-timeout', [draft.last('max-allocate-timeout')]);
  resolveRate(draft);
  const threshold = draft.number('drain-min-allocations', COUNT);
  if (threshold !== null)
    draft.set('drain.threshold', threshold, 'drain-min-allocations', [draft.last('drain-min-allocations')]);
}

// bps-capacity is a sum of promises in coturn: each allocation is promised max-bps, the last one what is left, and then
// none is made. So it becomes both a number of allocations and a rate of the server.
function resolveTotal(draft: Draft): void {
  const total = draft.number('total-quota', COUNT) ?? 0;
  const each = draft.number('max-bps', BYTES_PER_SECOND) ?? 0;
  const capacity = draft.number('bps-capacity', BYTES_PER_SECOND) ?? 0;
  const eachSource = draft.last('max-bps');
  const capacitySource = draft.last('bps-capacity');
  const promised = each === 0 || capacity === 0 ? 0 : Math.min(Math.ceil(capacity / each), COUNT.max);
  if (promised > 0 && (total === 0 || promised < total)) {
    draft.set('limits.allocations', promised, 'bps-capacity / max-bps', [eachSource, capacitySource]);
  } else draft.set('limits.allocations', total, 'total-quota; 0 = no limit.', [draft.last('total-quota')]);
  if (each > 0) draft.set('limits.bandwidth-per-allocation', each * 8, 'max-bps, in bits a second.', [eachSource]);
  if (capacity > 0) draft.set('limits.bandwidth', capacity * 8, 'bps-capacity, in bits a second.', [capacitySource]);
}

function resolveLifetime(draft: Draft): void {
  const entry = draft.last('max-allocate-lifetime');
  if (entry === null || entry.value === '') return;
  const wanted = draft.number('max-allocate-lifetime', SECONDS);
  if (wanted === null) return;
  if (wanted > MAX_LIFETIME)
    draft.warn(entry, `an allocation lasts at most ${MAX_LIFETIME} s (RFC 8656 §7.2): so long it is taken`);
  const taken = Math.min(wanted, MAX_LIFETIME);
  draft.set('limits.max-lifetime', taken, 'max-allocate-lifetime', [entry]);
  if (taken < DEFAULT_LIFETIME) draft.set('limits.default-lifetime', taken, 'Not longer than the longest.', [entry]);
}

/** coturn's switch is off by default; turnd's limit is on and is kept, for replies to forged sources are a weapon. */
function resolveRate(draft: Draft): void {
  const key = 'limits.unauthenticated-replies-per-second';
  const isOn = draft.switch('unauthorized-ratelimit');
  const rate =
    draft.last('unauthorized-ratelimit-rps')?.value === ''
      ? 10
      : draft.number('unauthorized-ratelimit-rps', { min: 1, max: 1_000_000 });
  if (isOn === false) draft.set(key, 0, 'unauthorized-ratelimit is off.', [draft.last('unauthorized-ratelimit')]);
  else if (rate !== null)
    draft.set(key, rate, 'unauthorized-ratelimit-rps', [draft.last('unauthorized-ratelimit-rps')]);
}

/** Sets what stands below `protocol`. */
export function resolveProtocol(draft: Draft): void {
  const numbers = draft.switch('rfc5766-channel-numbers') ?? true;
  const comment = 'coturn before 4.17 took channel numbers up to 0x7FFF, and its clients use them.';
  draft.set('protocol.rfc5766-channel-numbers', numbers, comment, [draft.last('rfc5766-channel-numbers')]);
  const software = draft.lastOf(['software-attribute', 'no-software-attribute', 'prod']);
  const isOn = software === null ? null : draft.switchOf(software);
  if (software === null || isOn === null) return;
  const isShown = software.name === 'software-attribute' ? isOn : !isOn;
  draft.set('protocol.software', isShown ? 'turnd' : '', software.name, [software]);
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
const MIN_LEVELS: Readonly<Record<string, number>> = Object.freeze({ debug: 0, info: 2, warning: 3, error: 4 });
const STANDARD_OUTPUT = new Set(['stdout', '-']);

/** Sets what stands below `log`. `cwd` is what relative paths count from. */
export function resolveLog(draft: Draft, cwd: string): void {
  resolveLevel(draft);
  const syslog = draft.isOn('syslog') ? draft.last('syslog') : null;
  const file = draft.text('log-file');
  if (syslog !== null)
    draft.warn(
      syslog,
      'turnd does not speak to syslog: it logs to standard output, which systemd takes to its journal',
    );
  if (file !== null && file.value === 'syslog') {
    draft.warn(file, 'turnd does not speak to syslog: it logs to standard output, which systemd takes to its journal');
  } else if (file !== null && syslog === null && !STANDARD_OUTPUT.has(file.value)) {
    const isOldName = !draft.isOn('simple-log');
    draft.set('log.file', resolve(cwd, file.value), 'log-file; reopened on SIGHUP.', [file]);
    if (isOldName)
      draft.warn(
        file,
        `exactly this name is taken: unlike coturn's, it gets no process id and no date (use logrotate and SIGHUP)`,
      );
  } else if (draft.isOn('no-stdout-log')) {
    draft.warn(
      draft.last('no-stdout-log') ?? 'no-stdout-log',
      'without a log-file turnd logs to standard output: set log-file',
    );
  }
}

function resolveLevel(draft: Draft): void {
  const source = draft.lastOf(['verbose', 'Verbose', 'log-min-level']);
  if (source === null) return;
  const wanted = draft.isOn('Verbose') ? 0 : draft.isOn('verbose') ? 1 : 2;
  const floor = floorOf(draft);
  if (floor === null) return;
  draft.set('log.level', LEVELS[Math.max(wanted, floor)], 'verbose, Verbose and log-min-level', [source]);
}

function floorOf(draft: Draft): number | null {
  const entry = draft.text('log-min-level');
  if (entry === null) return 0;
  const floor = MIN_LEVELS[entry.value.toLowerCase()];
  if (floor === undefined) draft.fault(entry, 'must be debug, info, warning or error');
  return floor ?? null;
}
