// A Debian system with a running systemd of its own, in namespaces on top of this host's files: where packages are
// installed and units started for real. Nothing of it outlives the test. Takes root and Debian's systemd.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Teardown } from './turnd-process.ts';

const BOOT = fileURLToPath(new URL('../../../test/packages/boot-systemd.sh', import.meta.url));
// Only a system that hangs takes this long.
const PATIENCE_MS = 60_000;

/** The reason why no system can be booted here, or `false`. Under TURND_TEST_REQUIRE_ALL=1 it is always `false`. */
export function bootSkip(): string | false {
  if (process.env['TURND_TEST_REQUIRE_ALL'] === '1') return false;
  if (process.getuid?.() !== 0) return 'namespaces take root';
  if (!existsSync('/lib/systemd/systemd') || !existsSync('/usr/bin/dpkg')) return 'this is no Debian with systemd';
  return cgroupRoot() === null ? 'no cgroup2 is mounted' : false;
}

/** What a command has come to. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The system. */
export class BootedSystem {
  readonly #unshare: ChildProcess;
  readonly #init: number;

  /** Boots it, and ends it after the test. */
  static async boot(t: Teardown): Promise<BootedSystem> {
    const mount = mkdtempSync(join(tmpdir(), 'turnd-system-'));
    const cgroup = join(cgroupRoot() ?? '/sys/fs/cgroup', `turnd-test-${process.pid}`);
    mkdirSync(cgroup);
    const child = spawn(BOOT, [mount, cgroup], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    t.teardown(async () => {
      child.kill('SIGKILL');
      await ended;
      rmdirSync(mount);
      await untilEmpty(cgroup);
      removeCgroup(cgroup);
    });
    const system = new BootedSystem(child, await initOf(child, () => said));
    await system.#waitUntilUp(() => said);
    return system;
  }

  private constructor(unshare: ChildProcess, init: number) {
    this.#unshare = unshare;
    this.#init = init;
  }

  /** Runs a command there to its end. */
  run(command: string, ...args: readonly string[]): Promise<Ran> {
    // By `env`, for a test runner slips hooks of its own into what a test starts.
    const env = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C.UTF-8'];
    const enter = ['--target', String(this.#init), '--all', '--root', '--wd', '--', ...env, command, ...args];
    return new Promise((resolve) => {
      execFile('nsenter', enter, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      });
    });
  }

  /** Runs a script there; its output. @throws Error where it fails */
  async shell(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.run('sh', '-euc', script);
    if (status !== 0) throw new Error(`${script}: exit status ${status}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  /** The output of a script, once it matches. */
  async until(script: string, pattern: RegExp): Promise<string> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const { stdout, stderr } = await this.run('sh', '-c', script);
      if (pattern.test(stdout)) return stdout.trim();
      if (Date.now() > deadline || this.#unshare.exitCode !== null)
        throw new Error(`never ${pattern}: ${stdout}${stderr}`);
      await sleep(100);
    }
  }

  /** A file of this host, there. */
  async put(from: string, to: string): Promise<void> {
    const content = readFileSync(from);
    const enter = ['--target', String(this.#init), '--all', '--root', '--', 'sh', '-c', `cat >'${to}'`];
    const child = spawn('nsenter', enter, { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.end(content);
    await new Promise((resolve) => child.once('close', resolve));
  }

  async #waitUntilUp(said: () => string): Promise<void> {
    try {
      await this.until('systemctl is-system-running', /running|degraded|starting|initializing/);
    } catch (error) {
      throw new Error(`systemd does not answer: ${said()}`, { cause: error });
    }
  }
}

/** Where the cgroup2 hierarchy is mounted. */
function cgroupRoot(): string | null {
  return /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1] ?? null;
}

/** The process that `unshare` has forked: the first of the new system, once it is systemd. */
async function initOf({ pid }: ChildProcess, said: () => string): Promise<number> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const children = tryRead(`/proc/${pid}/task/${pid}/children`).trim();
    if (children !== '' && tryRead(`/proc/${children}/comm`).trim() === 'systemd') return Number(children);
    await sleep(50);
  }
  throw new Error(`no systemd: ${said()}`);
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** What died with its init is gone a moment later. */
async function untilEmpty(cgroup: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline && /^populated 1/m.test(tryRead(join(cgroup, 'cgroup.events')))) await sleep(50);
}

/** From the leaves to the root. */
function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  rmdirSync(path);
}
