// Builds the Debian package: `npm run package:deb -- [--cpu x64|arm64] [--output DIRECTORY] [--fast]`. It prints the path.
// The same clone gives the same bytes: times are those of SOURCE_DATE_EPOCH, else of the last commit, else of the changelog.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEBIAN_ARCHITECTURES, type DebPlan, layOutDeb } from './deb-tree.ts';
import { nodeBinary } from './node-binary.ts';
import { type Manifest, PROJECT, readProject } from './stage-app.ts';

/** How to build. */
export interface DebOptions {
  readonly cpu: DebPlan['cpu'];
  /** Where the package goes. */
  readonly output: string;
  /** Compress quickly: three times the size, a tenth of the time. */
  readonly fast: boolean;
}

/** Builds the package; returns its path. @throws Error where a piece is missing, with what to do */
export async function buildDeb({ cpu, output, fast }: DebOptions): Promise<string> {
  mkdirSync(output, { recursive: true });
  const root = mkdtempSync(join(output, '.deb-'));
  const epoch = sourceDate();
  const { version } = readProject<Manifest>('package.json');
  const path = join(output, `turnd_${version}-1_${DEBIAN_ARCHITECTURES[cpu]}.deb`);
  try {
    await layOutDeb({ root, cpu, node: nodeBinary(cpu), epoch });
    const compression = fast ? ['-Zgzip', '-z1'] : ['-Zxz', '--threads-max=1'];
    execFileSync('dpkg-deb', ['--root-owner-group', ...compression, '--build', root, path], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
    });
    return path;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function sourceDate(): number {
  const { SOURCE_DATE_EPOCH: given } = process.env;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: PROJECT, encoding: 'utf8', stdio }));
  } catch {
    return Math.floor(statSync(join(PROJECT, 'CHANGELOG.md')).mtimeMs / 1000);
  }
}

function readCpu(text: string): DebPlan['cpu'] {
  if (text === 'x64' || text === 'arm64') return text;
  throw new Error(`--cpu ${text}: must be x64 or arm64`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      cpu: { type: 'string', default: process.arch },
      output: { type: 'string', default: join(PROJECT, 'dist/packages') },
      fast: { type: 'boolean', default: false },
    },
  });
  const path = await buildDeb({ cpu: readCpu(values.cpu), output: resolve(values.output), fast: values.fast });
  process.stdout.write(`${path}\n${(statSync(path).size / 1e6).toFixed(1)} MB\n`);
}
