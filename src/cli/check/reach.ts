// The steps up to the first answer: connect and Binding, on each address that the name led to until one answers.

import { findAnswerSource } from '../../client/answer-source.ts';
import { ClientError } from '../../client/client-error.ts';
import type { Target } from '../../client/resolve.ts';
import type { ClientTransport } from '../../client/transport.ts';
import type { BindingResult, TurnClient } from '../../client/turn-client.ts';
import { escapeText } from '../../escape-text.ts';
import type { StepReport } from './report.ts';
import { type Done, SkipStep, type StepLog } from './step-log.ts';

/** A path to the server on which something answered, or may still answer. */
export interface Reached {
  readonly target: Target;
  readonly client: TurnClient;
  /** Null when the server gave no mapped address. */
  readonly binding: BindingResult | null;
  /** The Binding that nobody answered, not noted yet: the next request may be. Else null. */
  readonly silence: StepReport | null;
}

/** What reaching needs. */
export interface ReachEnv {
  readonly log: StepLog;
  connect(target: Target): Promise<ClientTransport>;
  makeClient(transport: ClientTransport): TurnClient;
  /** Told of each address before it is tried. */
  onTarget(target: Target): void;
  /** Whether the certificate of a path deserves a warning. */
  warnings(transport: ClientTransport): readonly string[];
}

interface Attempt {
  readonly target: Target;
  readonly reports: readonly StepReport[];
  readonly client: TurnClient | null;
  readonly binding: BindingResult | null;
}

/**
 * Tries the targets in turn and notes the steps of the first that answers, or of the very first. A TURN server may be
 * told not to answer Binding: with `goOnInSilence` a path without an answer is better than none.
 */
export async function reach(
  targets: readonly Target[],
  env: ReachEnv,
  goOnInSilence: boolean,
): Promise<Reached | null> {
  const attempts: Attempt[] = [];
  for (const target of targets) {
    env.onTarget(target);
    const attempt = await tryTarget(target, env);
    if (answered(attempt)) {
      await closeAll(attempts);
      return conclude(attempt, attempts, env);
    }
    attempts.push(attempt);
  }
  const best = attempts.find(({ client }) => client !== null && goOnInSilence) ?? attempts[0];
  if (best === undefined) return null;
  const others = attempts.filter((attempt) => attempt !== best);
  env.onTarget(best.target);
  await closeAll(goOnInSilence ? others : attempts);
  return conclude(goOnInSilence ? best : { ...best, client: null }, others, env);
}

function answered({ client, binding, reports }: Attempt): boolean {
  return client !== null && (binding !== null || reports.every(({ status }) => status !== 'failed'));
}

async function closeAll(attempts: readonly Attempt[]): Promise<void> {
  for (const { client } of attempts) await client?.close();
}

function conclude(attempt: Attempt, others: readonly Attempt[], { log }: ReachEnv): Reached | null {
  const { target, client, binding, reports } = attempt;
  const [connect, ...rest] = reports;
  const warnings = others.map(({ reports: tried }) => tried.find(({ problem }) => problem !== null)?.summary ?? '');
  if (connect !== undefined) log.add({ ...connect, warnings: [...connect.warnings, ...warnings] });
  const [bound] = rest;
  const silence = client !== null && bound?.status === 'failed' ? bound : null;
  if (silence === null) for (const report of rest) log.add(report);
  return client === null ? null : { target, client, binding, silence };
}

async function tryTarget(target: Target, env: ReachEnv): Promise<Attempt> {
  const { report, value: transport } = await env.log.attempt('connect', () => connect(target, env));
  if (transport === null) return { target, reports: [report], client: null, binding: null };
  const client = env.makeClient(transport);
  const bound = await env.log.attempt('binding', () => bind(client));
  const isLost = bound.report.facts['fault'] !== undefined && bound.report.facts['fault'] !== 'timeout';
  if (isLost) await client.close();
  return { target, reports: [report, bound.report], client: isLost ? null : client, binding: bound.value };
}

async function connect(target: Target, env: ReachEnv): Promise<Done<ClientTransport>> {
  const transport = await env.connect(target);
  const { kind, local, remote, certificate } = transport;
  const shown = certificate === null ? '' : `, ${certificate.protocol}, certificate ${certificate.daysLeft} days left`;
  return {
    value: transport,
    summary: `${kind} ${remote.text}${shown}`,
    facts: { local: local.text, remote: remote.text },
    warnings: env.warnings(transport),
  };
}

async function bind(client: TurnClient): Promise<Done<BindingResult>> {
  try {
    const value = await client.binding();
    const { mapped, rttMs, software, transmissions } = value;
    const { local } = client.transport;
    const isNatted = !mapped.equals(local);
    const nat = isNatted ? `, behind NAT (we are ${local.text})` : ', no NAT';
    const lost = transmissions > 1 ? [`the answer took ${transmissions} requests: packets are lost on the way`] : [];
    return {
      value,
      summary: `we are seen as ${mapped.text}${nat}, rtt ${rttMs.toFixed(1)} ms`,
      facts: { mapped: mapped.text, nat: isNatted, rttMs: Math.round(rttMs * 10) / 10, software: software ?? '' },
      warnings: lost,
    };
  } catch (error) {
    // An answer, if not the one wished for: the server is there.
    if (error instanceof ClientError && error.fault === 'timeout') await lookElsewhere(client);
    if (error instanceof ClientError && error.fault === 'rejected')
      throw new SkipStep(`the server gives no address to strangers: ${escapeText(error.message)}`);
    throw error;
  }
}

const ELSEWHERE_MS = 500;

/** Throws when a server that seems silent answers from another address. */
async function lookElsewhere({ transport, timers }: TurnClient): Promise<void> {
  if (transport.isReliable) return;
  const source = await findAnswerSource(transport.remote, timers, ELSEWHERE_MS);
  if (source === null || source.equals(transport.remote)) return;
  const message = `${transport.remote.text} was asked, and ${source.text} answers`;
  throw new ClientError('other-source', message);
}
