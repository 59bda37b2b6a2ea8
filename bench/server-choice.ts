// Which server an argument of the command line names. Pure.

import type { Address } from './turn-messages.ts';
import { UsageError } from './usage-error.ts';

/** A server that runs already, or one to be started. */
export type ServerChoice =
  | { readonly kind: 'running'; readonly name: string; readonly address: Address; readonly pid: number | null }
  | {
      readonly kind: 'spawn';
      readonly name: string;
      /** `turnd`, `coturn`, or the path of a coturn. */
      readonly program: string;
      readonly flags: readonly string[];
    };

/** Reads `NAME=udp://host:port[,pid=123]`. Throws a {@link UsageError}. */
export function runningServer(text: string): ServerChoice {
  const match = /^([^=]+)=udp:\/\/(?:\[([0-9a-f:]+)\]|([^:/\]]+)):(\d+)(?:,pid=(\d+))?$/i.exec(text);
  if (match === null)
    throw new UsageError(`--server ${text}: must be NAME=udp://host:port or NAME=udp://host:port,pid=N`);
  const [, name = '', ipv6, host = '', portText = '', pid] = match;
  const port = Number(portText);
  if (port < 1 || port > 0xffff) throw new UsageError(`--server ${text}: the port must be from 1 to 65535`);
  return {
    kind: 'running',
    name,
    address: { address: ipv6 ?? host, port },
    pid: pid === undefined ? null : Number(pid),
  };
}

/** Reads `[NAME=]PROGRAM[ FLAG…]`. Throws a {@link UsageError}. */
export function spawnedServer(text: string): ServerChoice {
  const [first = '', ...flags] = text.trim().split(/\s+/);
  const [name = '', program = name] = first.split('=', 2);
  const known = program === 'turnd' || program === 'coturn' || program.startsWith('/');
  if (!known || name === '')
    throw new UsageError(
      `--spawn ${text}: must be [NAME=]turnd, [NAME=]coturn or NAME=/path/of/turnserver, and its flags`,
    );
  return { kind: 'spawn', name, program, flags };
}

/** Whether it is a coturn that this program starts. */
export function isCoturn(choice: ServerChoice): boolean {
  return choice.kind === 'spawn' && choice.program !== 'turnd';
}
