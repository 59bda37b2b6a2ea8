// A constant load for a long time, on allocations that are refreshed meanwhile, while others come and go; and what it
// leaves behind.

import { type GeneratorGroup, openGenerators } from '../generators.ts';
import { Direction, GeneratorKind } from '../load-job.ts';
import type { Step } from '../samples.ts';
import { type Server, withServers } from '../servers.ts';
import { type Census, takeCensus } from './census.ts';
import { Churn } from './churn.ts';
import type { SoakOptions } from './options.ts';
import type { MemorySample, SoakCounts } from './verdict.ts';

/** A generator that shares its machine with the server sleeps when nothing is due, in microseconds. */
const REST = 200;
const MIB = 1024 * 1024;

/** Allocations that nobody ends are to end during the soak. Read by turnd. */
const LIFETIME_VARIABLE = 'TURND_LIMITS__DEFAULT_LIFETIME';

/** Starts the server, soaks it and stops it. @throws Error when the load cannot be put on, or a refresh fails */
export async function soak(options: SoakOptions, say: (line: string) => void): Promise<SoakCounts> {
  const env = { [LIFETIME_VARIABLE]: String(options.lifetime) };
  const nobody = { username: '', password: '' }; // of servers that run already
  const act = async ([server]: readonly Server[]): Promise<SoakCounts> => {
    if (server?.pid == null) throw new Error('the process of the server is not known');
    const group = await openGenerators(
      {
        generator: GeneratorKind.BATCHED,
        server: server.address,
        serverPid: null,
        credentials: server.credentials,
        clients: options.clients,
        window: 32,
        peers: true,
        payload: options.payload,
        gsoBurst: 1,
        rest: REST,
      },
      1,
    );
    try {
      return await new Soak(options, server, server.pid, group, say).run();
    } finally {
      await group.close();
    }
  };
  return withServers([options.server], nobody, act, env);
}

class Soak {
  readonly #options: SoakOptions;
  readonly #server: Server;
  readonly #root: number;
  readonly #group: GeneratorGroup;
  readonly #say: (line: string) => void;
  readonly #memory: MemorySample[] = [];
  readonly #total = { sent: 0, received: 0, dropped: 0, renewed: 0 };
  readonly #startedAt = performance.now();

  constructor(options: SoakOptions, server: Server, root: number, group: GeneratorGroup, say: (line: string) => void) {
    this.#options = options;
    this.#server = server;
    this.#root = root;
    this.#group = group;
    this.#say = say;
  }

  async run(): Promise<SoakCounts> {
    const { churn: perSecond, lifetime, minutes, every } = this.#options;
    const before = takeCensus(this.#root);
    const { address: server, credentials } = this.#server;
    const churn = new Churn({ server, credentials, perSecond, lifetime });
    let last = before;
    for (let left = minutes * 60; left > 0; left -= every) {
      const step = await this.#step(Math.min(every, left));
      const census = takeCensus(this.#root);
      this.#note(step, census, last, churn);
      last = census;
    }
    await churn.stop();
    const after = takeCensus(this.#root);
    return {
      ...this.#total,
      churn: churn.counts,
      memory: this.#memory,
      descriptorsBefore: before.descriptors,
      descriptorsAfter: after.descriptors,
      sameProcesses: before.pids.join() === after.pids.join(),
    };
  }

  #step(seconds: number): Promise<Step> {
    const { rate, renewals } = this.#options;
    return this.#group.run({ rate, burst: 1, direction: Direction.BOTH, warmUpSeconds: 0, seconds, renewals });
  }

  #note(step: Step, census: Census, last: Census, churn: Churn): void {
    const total = this.#total;
    for (const key of ['sent', 'received', 'dropped', 'renewed'] as const) total[key] += step[key];
    const seconds = (performance.now() - this.#startedAt) / 1000;
    this.#memory.push({ seconds, bytes: census.ownBytes });
    const cpu = (census.cpuMicroseconds - last.cpuMicroseconds) / 1e6 / step.seconds;
    const { ok, refused, failed, codes } = churn.counts;
    this.#say(
      [
        `${seconds.toFixed(0)} s: sent ${step.sent}, received ${step.received}`,
        `lost ${total.sent - total.received} so far, refreshed ${total.renewed}`,
        `churn ${ok} ok, ${refused} refused${codesText(codes)}, ${failed} failed`,
        `RSS ${mib(census.residentBytes)}, own ${mib(census.ownBytes)} MiB, ${census.descriptors} descriptors, CPU ${cpu.toFixed(2)}`,
      ].join(' | '),
    );
  }
}

function codesText(codes: readonly number[]): string {
  return codes.length === 0 ? '' : ` (${[...new Set(codes)].join(', ')})`;
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
