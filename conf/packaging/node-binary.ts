// Brings the Node that a Debian package carries: one version, from the npm registry, checked against a hash that stands here.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './stage-app.ts';

/** The version, and the packages that its binaries come in (Subresource Integrity, as package-lock.json has it). */
export const NODE_VERSION = '24.21.0';
const INTEGRITY: Readonly<Record<string, string>> = Object.freeze({
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
});
/** Kept between builds. */
const CACHE = join(PROJECT, 'dist/node-binaries');

/** A Node binary with its licence. */
export interface NodeBinary {
  readonly binary: string;
  readonly licence: string;
}

/** The binary for an architecture, in npm's words. @throws Error where it cannot be had, or is another one */
export function nodeBinary(cpu: string): NodeBinary {
  const integrity = INTEGRITY[cpu];
  if (integrity === undefined) throw new Error(`no Node for ${cpu}: ${Object.keys(INTEGRITY).join(', ')}`);
  const directory = join(CACHE, `${NODE_VERSION}-${cpu}`);
  const kept = { binary: join(directory, 'node'), licence: join(directory, 'LICENSE') };
  if (!existsSync(directory)) download(cpu, integrity, directory);
  return kept;
}

function download(cpu: string, integrity: string, directory: string): void {
  mkdirSync(CACHE, { recursive: true });
  const scratch = mkdtempSync(join(CACHE, 'new-'));
  try {
    const name = `node-linux-${cpu}`;
    execFileSync('npm', ['pack', '--silent', `${name}@${NODE_VERSION}`], { cwd: scratch, stdio: 'inherit' });
    const archive = join(scratch, `${name}-${NODE_VERSION}.tgz`);
    const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (hash !== integrity) throw new Error(`${name}@${NODE_VERSION} is not what it was: ${hash}`);
    execFileSync('tar', ['-xzf', archive, '-C', scratch, 'package/bin/node', 'package/LICENSE']);
    const made = join(scratch, 'made');
    mkdirSync(made);
    copyFileSync(join(scratch, 'package/bin/node'), join(made, 'node'));
    copyFileSync(join(scratch, 'package/LICENSE'), join(made, 'LICENSE'));
    renameSync(made, directory);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
