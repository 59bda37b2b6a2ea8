#!/usr/bin/env node
// The entry of `turnctl`: gives the program its surroundings and sets the exit status.

import { systemFileReader } from '../config/file-reader.ts';
import { describeSystemError } from '../errors.ts';
import { hideArguments } from './hide-arguments.ts';
import { packageVersion } from './package-version.ts';
import { ExitStatus } from './terminal-io.ts';
import { terminalQuestions } from './terminal-questions.ts';
import { runTurnctl } from './turnctl-program.ts';

const argv = process.argv.slice(2);
// The URL of a store may hold a password.
hideArguments('turnctl');

// `turnctl config schema | head` closes the pipe early: that is no fault. A full disk is: the output may be a password.
const outputClosed = new AbortController();
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return outputClosed.abort();
  process.stderr.write(`turnctl: cannot write the output: ${describeSystemError(error)}\n`);
  process.exitCode = ExitStatus.failed;
});
process.stderr.on('error', () => {});

const status = await runTurnctl(argv, packageVersion(), {
  ...terminalQuestions({ input: process.stdin, output: process.stderr }),
  env: process.env,
  cwd: process.cwd(),
  reader: systemFileReader,
  outputClosed: outputClosed.signal,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
// What was not written is known already and worse.
process.exitCode ??= status;
