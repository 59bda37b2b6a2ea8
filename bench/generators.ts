// Forks load generators and has them work together: they share the clients and the rate. Knows no figures.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { GeneratorCommand, GeneratorMessage, LoadJob, LoadStep, SetUpResult } from './load-job.ts';
import { addUpSetUps, addUpStep, type Step } from './samples.ts';

const GENERATOR = fileURLToPath(new URL('./load-generator.js', import.meta.url));

// Garbage of the set-up must not be collected while packets are measured.
const NODE_FLAGS = ['--max-semi-space-size=64'];

class Generator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(GENERATOR, [], { stdio: 'inherit', execArgv: NODE_FLAGS });
  }

  tell(command: GeneratorCommand): void {
    this.#child.send(command);
  }

  /** The next message of this type; rejects when the generator fails. */
  async next<T extends GeneratorMessage['type']>(type: T): Promise<Extract<GeneratorMessage, { type: T }>> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: GeneratorMessage): void => {
        if (message.type === 'failed') settle(() => reject(new Error(`load generator: ${message.message}`)));
        else if (message.type === type) settle(() => resolve(message as Extract<GeneratorMessage, { type: T }>));
      };
      const onExit = (): void => settle(() => reject(new Error('the load generator died')));
      const settle = (how: () => void): void => {
        this.#child.off('message', onMessage).off('exit', onExit);
        how();
      };
      this.#child.on('message', onMessage).on('exit', onExit);
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.tell({ type: 'close' });
    await ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

// The job is split evenly; the first generators take what is left over, and the very first looks at the server.
function shareOf(job: LoadJob, index: number, count: number): LoadJob {
  const clients = Math.floor(job.clients / count) + (index < job.clients % count ? 1 : 0);
  return { ...job, clients, serverPid: index === 0 ? job.serverPid : null };
}

/** Generators whose clients are set up. Make it with {@link openGenerators}. */
export class GeneratorGroup {
  readonly setUp: SetUpResult;
  readonly #generators: readonly Generator[];

  constructor(generators: readonly Generator[], setUp: SetUpResult) {
    this.#generators = generators;
    this.setUp = setUp;
  }

  /** Puts the load on. */
  async run(step: LoadStep): Promise<Step> {
    const share = { ...step, rate: step.rate / this.#generators.length };
    const done = Promise.all(this.#generators.map((generator) => generator.next('done')));
    for (const generator of this.#generators) generator.tell({ type: 'run', step: share });
    return addUpStep((await done).map((message) => message.result));
  }

  /** Ends the allocations, then the processes. */
  async close(): Promise<void> {
    try {
      await Promise.all(this.#generators.map((generator) => generator.close()));
    } finally {
      this.kill();
    }
  }

  /** Ends the processes and leaves the allocations as they are. */
  kill(): void {
    for (const generator of this.#generators) generator.kill();
  }
}

/** Forks up to `count` generators and sets their clients up. */
export async function openGenerators(job: LoadJob, count: number): Promise<GeneratorGroup> {
  const used = Math.min(count, job.clients);
  const generators = Array.from({ length: used }, () => new Generator());
  try {
    const ready = Promise.all(generators.map((generator) => generator.next('ready')));
    for (const [index, generator] of generators.entries()) {
      generator.tell({ type: 'open', job: shareOf(job, index, used) });
    }
    return new GeneratorGroup(generators, addUpSetUps((await ready).map((message) => message.result)));
  } catch (error) {
    for (const generator of generators) generator.kill();
    throw error;
  }
}
