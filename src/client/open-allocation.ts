// From a target to an allocation, by the rules of what to do when a server refuses: other ports after 437, other servers
// after 300, and no more asking after 440, 486 and 508 (RFC 8656 §7.4, RFC 8489 §10).

import { ErrorCode } from '../stun/error-codes.ts';
import { ClientError, RedirectError } from './client-error.ts';
import type { Target } from './resolve.ts';
import type { ServerMemory } from './server-memory.ts';
import type { ClientTransport } from './transport.ts';
import { type AllocateOptions, type AllocateResult, TurnClient, type TurnClientOptions } from './turn-client.ts';

/** Local ports tried beside the first when the server says that ours has an allocation already. */
const OTHER_PORTS = 3;
/** Redirections followed in a row: a hostile server has no end of addresses to send us to. */
const MAX_REDIRECTS = 5;

/** What opening needs. */
export interface AllocationEnv extends TurnClientOptions {
  readonly memory: ServerMemory;
  /** Opens a path from a new local port. */
  connect(target: Target): Promise<ClientTransport>;
}

/** An allocation and where it came to be. */
export interface OpenAllocation {
  readonly client: TurnClient;
  readonly allocation: AllocateResult;
  /** Another than the one asked for when the server redirected. */
  readonly target: Target;
}

/**
 * Opens a path and allocates. Rejects with a {@link ClientError}; no path is left open then.
 * @param opened a path to `target` that is open already, to begin with
 */
export async function openAllocation(
  target: Target,
  env: AllocationEnv,
  options: AllocateOptions = {},
  opened: TurnClient | null = null,
): Promise<OpenAllocation> {
  let [current, client] = [target, opened];
  for (let redirects = 0; ; redirects++) {
    try {
      return await allocateAt(current, env, options, client);
    } catch (error) {
      if (!(error instanceof RedirectError)) throw error;
      if (redirects === MAX_REDIRECTS)
        throw new ClientError(
          'protocol',
          `redirected more than ${MAX_REDIRECTS} times, last by ${current.address.text}`,
        );
      current = follow(current, error, env);
      client = null;
    }
  }
}

async function allocateAt(
  target: Target,
  env: AllocationEnv,
  options: AllocateOptions,
  opened: TurnClient | null,
): Promise<OpenAllocation> {
  const questions = questionsOf(target, options);
  for (let ports = 0; ; ports++) {
    const reuse = ports === 0 ? opened : null;
    try {
      for (const question of questions) env.memory.check(question, env.timers.now());
    } catch (error) {
      await reuse?.close();
      throw error;
    }
    const client = reuse ?? new TurnClient(await env.connect(target), env);
    try {
      return { client, allocation: await client.allocate(options), target };
    } catch (error) {
      await client.close();
      const code = error instanceof ClientError ? error.errorCode : 0;
      remember(questions, code, env);
      if (code !== ErrorCode.ALLOCATION_MISMATCH || ports === OTHER_PORTS) throw error;
    }
  }
}

// A server that is full is full for all; one without a family may have the other.
function questionsOf({ address, transport }: Target, { family = 4 }: AllocateOptions): [string, string] {
  const server = `${transport}:${address.text}`;
  return [`an allocation at ${server}`, `an IPv${family} allocation at ${server}`];
}

function remember([wildcard, ofFamily]: [string, string], code: number, { memory, timers }: AllocationEnv): void {
  memory.refused(code === ErrorCode.ADDRESS_FAMILY_NOT_SUPPORTED ? ofFamily : wildcard, code, timers.now());
}

// RFC 8489 §10: the same transport and, unless ALTERNATE-DOMAIN says otherwise, the same name in the certificate.
function follow(from: Target, error: RedirectError, { memory, timers }: AllocationEnv): Target {
  const now = timers.now();
  const address = error.servers.find(({ ip }) => ip.family === from.address.ip.family) ?? error.servers[0];
  if (address === undefined) throw new ClientError('protocol', 'the server redirects without saying where to');
  memory.passed(from.address.text, now);
  if (!memory.mayFollow(address.text, now)) {
    throw new ClientError('protocol', `redirection loop: ${from.address.text} sends us back to ${address.text}`);
  }
  memory.passed(address.text, now);
  return { ...from, address, name: error.domain ?? from.name };
}
