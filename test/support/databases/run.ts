// Runs a program to its end, for the tools around database servers.

import { type ExecFileOptions, execFile } from 'node:child_process';

/** No tool takes longer, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** What it wrote to stdout, trimmed. Rejects with all that it wrote when it fails. */
export function run(program: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: TIMEOUT_MS, ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`${program} failed: ${error.message}\n${stdout}\n${stderr}`));
    });
  });
}
