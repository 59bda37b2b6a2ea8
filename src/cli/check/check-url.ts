// Checks one URL as a client: from the name to the echo through the relay. Owns the order of the steps and what each of
// them tells; prints nothing.

import type { CertificateDetails } from '../../client/certificate-details.ts';
import { ClientError } from '../../client/client-error.ts';
import { connectTo } from '../../client/connect.ts';
import { type AllocationEnv, type OpenAllocation, openAllocation } from '../../client/open-allocation.ts';
import { resolveUri, type Target } from '../../client/resolve.ts';
import type { ServerMemory } from '../../client/server-memory.ts';
import { STANDARD_PACING } from '../../client/transaction.ts';
import type { ClientTransport } from '../../client/transport.ts';
import { TurnClient } from '../../client/turn-client.ts';
import type { TurnUri } from '../../client/uri.ts';
import { escapeText } from '../../escape-text.ts';
import { ErrorCode } from '../../stun/error-codes.ts';
import { specialKind, unroutableKind } from './address-kind.ts';
import { explain, unroutableRelay } from './causes.ts';
import type { CheckOptions, CheckSurroundings } from './options.ts';
import { type Reached, reach } from './reach.ts';
import { relaySteps } from './relay-steps.ts';
import { type CheckedServer, type CheckReport, STEPS, type StepName } from './report.ts';
import { type Done, type OnStep, SkipStep, StepLog } from './step-log.ts';
import { udpReaches } from './udp-reaches.ts';

/** A certificate with fewer days left deserves a warning. */
const FEW_DAYS = 14;

/** Checks one URL. What the server does wrong is in the report, never thrown. */
export function checkUrl(
  uri: TurnUri,
  options: CheckOptions,
  surroundings: CheckSurroundings,
  memory: ServerMemory,
  onStep: OnStep = () => {},
): Promise<CheckReport> {
  return new UrlCheck(uri, options, surroundings, memory, onStep).run();
}

class UrlCheck {
  readonly #uri: TurnUri;
  readonly #options: CheckOptions;
  readonly #surroundings: CheckSurroundings;
  readonly #log: StepLog;
  readonly #env: AllocationEnv;
  #target: Target | null = null;
  #certificate: CertificateDetails | null = null;

  constructor(
    uri: TurnUri,
    options: CheckOptions,
    surroundings: CheckSurroundings,
    memory: ServerMemory,
    onStep: OnStep,
  ) {
    this.#uri = uri;
    this.#options = options;
    this.#surroundings = surroundings;
    this.#log = new StepLog(surroundings.timers, (step, error) => this.#explain(step, error), onStep);
    this.#env = {
      credential: options.credential?.make(surroundings.wallTime()) ?? null,
      timers: surroundings.timers,
      pacing: { ...STANDARD_PACING, limitMs: options.timeoutMs },
      memory,
      connect: (target) => this.#connect(target),
    };
  }

  async run(): Promise<CheckReport> {
    const targets = await this.#log.run('resolve', () => this.#resolve());
    if (targets === null) this.#skipRest('resolve', 'needs an address');
    else await this.#onAddresses(targets);
    return {
      url: this.#uri.text,
      ok: !this.#log.hasFailed,
      server: this.#server(),
      certificate: this.#certificate,
      steps: this.#log.steps,
    };
  }

  async #onAddresses(targets: readonly Target[]): Promise<void> {
    const isTurn = this.#uri.scheme === 'turn' || this.#uri.scheme === 'turns';
    const reached = await reach(targets, this.#reachEnv(), isTurn);
    if (reached === null) {
      const last = this.#log.steps.at(-1)?.step ?? 'connect';
      return this.#skipRest(last, isTurn || last === 'connect' ? 'needs the server' : 'a stun: URL has no relay');
    }
    if (!isTurn) {
      await reached.client.close();
      return this.#skipRest('binding', 'a stun: URL has no relay');
    }
    await this.#relay(reached);
  }

  async #relay(reached: Reached): Promise<void> {
    const { report, value: near } = await this.#log.attempt('allocate', () => this.#allocate(reached));
    if (reached.silence !== null && report.facts['fault'] === 'timeout') {
      this.#log.add(reached.silence);
      return this.#skipRest('binding', 'needs the server');
    }
    if (reached.silence !== null) this.#log.skip('binding', 'the server answers no Binding (coturn: no-stun)');
    this.#log.add(report);
    if (near === null) return this.#skipRest('allocate', 'needs an allocation');
    const own = near.allocation.mapped?.ip ?? reached.binding?.mapped.ip ?? null;
    const { count, size, timeoutMs } = this.#options;
    await relaySteps(near, own, {
      log: this.#log,
      echo: { count, size, timeoutMs, timers: this.#surroundings.timers },
      allocateAgain: () => openAllocation(near.target, this.#env),
      udpGetsOut: () => udpReaches(near.target.address, this.#env),
    });
  }

  async #resolve(): Promise<Done<readonly Target[]>> {
    const { family, tlsName: verifyName, insecure } = this.#options;
    const only = family === undefined ? {} : { family };
    const all = await this.#inTime(resolveUri(this.#uri, this.#surroundings.names, { verifyName, insecure, ...only }));
    const spoken = all.filter(({ transport }) => transport !== 'dtls');
    // Only where nothing else is left is it worth a word that DTLS cannot be checked.
    const targets = spoken.length > 0 ? spoken : all;
    const addresses = targets.map(({ address, transport }) => `${address.text} ${transport}`);
    const by = targets[0]?.by ?? 'literal';
    const how = { literal: 'is an address', address: 'A and AAAA', srv: 'SRV', naptr: 'NAPTR and SRV' }[by];
    return { value: targets, summary: `${addresses.join(', ')} (${how})`, facts: { addresses, by } };
  }

  // Resolvers have a patience of their own, which is often longer.
  #inTime<T>(work: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const late = new ClientError('resolution', `${this.#uri.host}: DNS does not answer in ${timeoutMs / 1000} s`);
      const cancel = this.#surroundings.timers.after(timeoutMs, () => reject(late));
      work.then(resolve, reject).finally(cancel);
    });
  }

  async #connect(target: Target): Promise<ClientTransport> {
    const { timeoutMs, insecure, authorities } = this.#options;
    const { timers, wallTime } = this.#surroundings;
    return connectTo(target, { timeoutMs, timers, insecure, authorities, wallTime });
  }

  #reachEnv() {
    return {
      log: this.#log,
      connect: async (target: Target) => {
        try {
          const transport = await this.#connect(target);
          this.#certificate = transport.certificate;
          return transport;
        } catch (error) {
          if (error instanceof ClientError) this.#certificate = error.certificate;
          throw error;
        }
      },
      makeClient: (transport: ClientTransport) => new TurnClient(transport, this.#env),
      onTarget: (target: Target) => {
        this.#target = target;
      },
      warnings: ({ certificate }: ClientTransport) => certificateWarnings(certificate),
    };
  }

  async #allocate({ client, target }: Reached): Promise<Done<OpenAllocation>> {
    const near = await this.#openAllocation(client, target);
    const { relayed, lifetime, software } = near.allocation;
    const kind = specialKind(relayed.ip);
    const unroutable = unroutableKind(relayed.ip, near.target.address.ip);
    const redirected = near.target === target ? [] : [`the server redirects to ${near.target.address.text}`];
    const digest = near.client.usesSha256 === true ? 'SHA-256' : 'MD5';
    return {
      value: near,
      summary: `relayed address ${relayed.text}${kind === null ? '' : ` (${kind})`} for ${lifetime} s`,
      facts: { relayed: relayed.text, relayedKind: kind, lifetime, digest, software: software ?? '' },
      warnings: redirected,
      problem: unroutable === null ? null : unroutableRelay(relayed.text, unroutable),
    };
  }

  async #openAllocation(client: TurnClient, target: Target): Promise<OpenAllocation> {
    try {
      return await openAllocation(target, this.#env, {}, client);
    } catch (error) {
      const isAsked = error instanceof ClientError && error.errorCode === ErrorCode.UNAUTHENTICATED;
      if (!isAsked || this.#env.credential !== null) throw error;
      const realm = escapeText(error.realm);
      throw new SkipStep(`the server asks for credentials of realm “${realm}”: give --user or --secret-file`, {
        realm,
      });
    }
  }

  #explain(step: StepName, error: ClientError) {
    const { timeoutMs, credential } = this.#options;
    const isTimeLimited = credential?.isTimeLimited === true;
    return explain(step, error, { uri: this.#uri, target: this.#target, timeoutMs, isTimeLimited });
  }

  #skipRest(after: StepName, why: string): void {
    for (const step of STEPS.slice(STEPS.indexOf(after) + 1)) this.#log.skip(step, why);
  }

  #server(): CheckedServer | null {
    if (this.#target === null) return null;
    const { address, transport, by } = this.#target;
    return { address: address.text, transport, by };
  }
}

function certificateWarnings(certificate: CertificateDetails | null): readonly string[] {
  if (certificate === null) return [];
  const { daysLeft, refusal } = certificate;
  const refused = refusal === null ? [] : [`the certificate was not verified: ${escapeText(refusal)}`];
  const when = daysLeft < 1 ? 'in less than a day' : `in ${daysLeft} days`;
  return daysLeft >= 0 && daysLeft < FEW_DAYS ? [...refused, `the certificate expires ${when}`] : refused;
}
