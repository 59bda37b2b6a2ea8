#!/usr/bin/env node
// The entry of `turnctl`: gives the program its surroundings and sets the exit status.

import { systemFileReader } from '../config/file-reader.ts';
import { hideArguments } from './hide-arguments.ts';
import { packageVersion } from './package-version.ts';
import { terminalQuestions } from './terminal-questions.ts';
import { runTurnctl } from './turnctl-program.ts';

const argv = process.argv.slice(2);
// The URL of a store may hold a password.
hideArguments('turnctl');

// `turnctl config schema | head` closes the pipe early: that is no fault.
process.stdout.on('error', () => {});

process.exitCode = await runTurnctl(argv, packageVersion(), {
  ...terminalQuestions({ input: process.stdin, output: process.stderr }),
  env: process.env,
  cwd: process.cwd(),
  reader: systemFileReader,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
