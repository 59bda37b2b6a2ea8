// `turnctl completion`: the scripts do what they are for in the real shells, for every command of the tree.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, Command, Option } from 'commander';
import { test } from 'tap';
import { bashScript } from '../../src/cli/completion/bash.ts';
import { type CompletionNode, completionNodes } from '../../src/cli/completion/completion-tree.ts';
import { fishScript } from '../../src/cli/completion/fish.ts';
import { zshScript } from '../../src/cli/completion/zsh.ts';
import { runTurnctl } from '../../src/cli/turnctl-program.ts';
import { fakeIo } from '../support/command-io.ts';
import { wholeProgram } from '../support/command-tree.ts';
import { findProgram } from '../support/foreign-program.ts';
import { temporaryDirectory } from '../support/turnd-process.ts';

const bash = findProgram('TURND_TEST_BASH', ['/bin/bash', '/usr/bin/bash']);
const zsh = findProgram('TURND_TEST_ZSH', ['/usr/bin/zsh', '/bin/zsh']);
const fish = findProgram('TURND_TEST_FISH', ['/usr/bin/fish', '/bin/fish']);

/** A small tree with one of each: quotes, colons, files, directories, choices, plain values. */
function sampleProgram(): Command {
  const program = new Command('turnctl').helpCommand(false);
  const group = program.command('log').helpCommand(false).description("the log's: level");
  group
    .command('level')
    .description('set it')
    .addArgument(new Argument('<level>', 'how much').choices(['debug', 'info']))
    .addOption(new Option('--for <what>', 'of "what"').choices(['all', 'one']))
    .option('--file <file>', 'a file')
    .option('--dir <directory>', 'a directory')
    .option('--user <name>', 'a name')
    .option('--json', 'as JSON');
  program.command('load').description('load it').argument('[file]', 'a file');
  return program;
}

/** What is completed after these words; the last one is being typed. */
type Complete = (words: readonly string[]) => string[];

const EXPECTED: readonly (readonly [words: readonly string[], found: readonly string[]])[] = [
  [['l'], ['load', 'log']],
  [['log', ''], ['level']],
  [
    ['log', 'level', ''],
    ['debug', 'info'],
  ],
  [['log', 'level', 'd'], ['debug']],
  [
    ['log', 'level', '--for', ''],
    ['all', 'one'],
  ],
  [
    ['log', 'level', '--json', '--f'],
    ['--file', '--for'],
  ],
  [['log', 'level', '--user', ''], []],
  [['log', 'level', '--dir', ''], ['sub']],
  [['log', 'level', '--file', 'a'], ['a file.yaml']],
  [['load', 'a'], ['a file.yaml']],
];

function tidy(lines: string): string[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\t.*$/, '').replace(/\/$/, ''))
    .toSorted();
}

function sandbox(t: Parameters<typeof temporaryDirectory>[0]): string {
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'a file.yaml'), '');
  mkdirSync(join(cwd, 'sub'));
  return cwd;
}

function inBash(script: string, cwd: string): Complete {
  return (words) => {
    const array = ['turnctl', ...words].map((word) => `'${word}'`).join(' ');
    const run = `${script}\nCOMP_WORDS=(${array}); COMP_CWORD=${words.length}; _turnctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync(bash.path, ['--norc', '-c', run], { cwd, encoding: 'utf8' });
    return stderr === '' ? tidy(stdout) : [stderr];
  };
}

/** zsh completes at its editor only: what its own functions would be given is printed instead. */
function inZsh(script: string, cwd: string): Complete {
  const stand = `compdef() { : }
compadd() { shift; print -l -- \${(M)@:#$words[CURRENT]*} }
_describe() { local one; for one in \${(P)2}; do print -- \${one%%:*} ; done | grep "^$words[CURRENT]" }
_files() { if [[ $1 == -/ ]]; then print -l -- *(/N); else print -l -- $words[CURRENT]*(N); fi }`;
  return (words) => {
    const array = ['turnctl', ...words].map((word) => `'${word}'`).join(' ');
    const run = `${stand}\n${script}\nwords=(${array}); CURRENT=${words.length + 1}; _turnctl`;
    const { stdout, stderr } = spawnSync(zsh.path, ['-f', '-c', run], { cwd, encoding: 'utf8' });
    return stderr === '' ? tidy(stdout) : [stderr];
  };
}

function inFish(script: string, cwd: string, home: string): Complete {
  return (words) => {
    const run = `${script}\ncomplete -C ${`'turnctl ${words.join(' ')}'`}`;
    const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home };
    const { stdout, stderr } = spawnSync(fish.path, ['--no-config', '-c', run], { cwd, encoding: 'utf8', env });
    return stderr === '' ? tidy(stdout) : [stderr];
  };
}

test('bash completes commands, flags and values', { skip: bash.skip }, async (t) => {
  const complete = inBash(bashScript(completionNodes(sampleProgram())), sandbox(t));
  for (const [words, found] of EXPECTED) t.same(complete(words), found, words.join(' '));
});

test('zsh completes commands, flags and values', { skip: zsh.skip }, async (t) => {
  const complete = inZsh(zshScript(completionNodes(sampleProgram())), sandbox(t));
  for (const [words, found] of EXPECTED) t.same(complete(words), found, words.join(' '));
});

test('fish completes commands, flags and values', { skip: fish.skip }, async (t) => {
  const complete = inFish(fishScript(completionNodes(sampleProgram())), sandbox(t), temporaryDirectory(t));
  for (const [words, found] of EXPECTED) {
    // fish itself offers directories wherever a file may stand.
    t.same(
      complete(words).filter((word) => word !== 'sub' || words.includes('--dir')),
      found,
      words.join(' '),
    );
  }
});

async function scriptFor(shell: string): Promise<string> {
  const io = fakeIo();
  const status = await runTurnctl(['completion', shell], '1.2.3', io);
  if (status !== 0) throw new Error(io.refused.join(''));
  return io.printed.join('');
}

test('bash completes the whole tree', { skip: bash.skip }, async (t) => {
  const complete = inBash(await scriptFor('bash'), sandbox(t));
  for (const { path, commands, options } of completionNodes(wholeProgram())) {
    const words = path.split(' ').slice(1);
    const flags = options.map(({ flag }) => flag).toSorted();
    t.same(complete([...words, '--']), flags, `turnctl${path} --`);
    if (commands.length > 0) t.same(complete([...words, '']), commands.map(({ name }) => name).toSorted(), path);
  }
  t.ok(complete(['firewall', '--for', 'n']).includes('nftables'));
});

test('every shell can read the script of the whole tree', async (t) => {
  const directory = temporaryDirectory(t);
  for (const [shell, { path, skip }] of Object.entries({ bash, zsh, fish })) {
    await t.test(shell, { skip }, async (t) => {
      const file = join(directory, shell);
      writeFileSync(file, await scriptFor(shell));
      const { status, stderr } = spawnSync(path, ['-n', file], { encoding: 'utf8' });
      t.same({ status, stderr }, { status: 0, stderr: '' });
    });
  }
});

test('the tree tells what is hidden from what is not, and what takes a value', async (t) => {
  const level = completionNodes(sampleProgram()).find(({ path }) => path === ' log level') as CompletionNode;
  t.match(level, {
    commands: [],
    argument: { kind: 'words', words: ['debug', 'info'] },
    options: [
      { flag: '--for', value: { kind: 'words', words: ['all', 'one'] } },
      { flag: '--file', value: { kind: 'file' } },
      { flag: '--dir', value: { kind: 'directory' } },
      { flag: '--user', value: { kind: 'other' } },
      { flag: '--json', value: null },
      { flag: '--help', value: null },
    ],
  });
});

test('bad input is status 2', async (t) => {
  const io = fakeIo();
  t.equal(await runTurnctl(['completion', 'tcsh'], '1.2.3', io), 2);
  t.match(io.refused.join(''), /'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish/);
  t.equal(await runTurnctl(['completion'], '1.2.3', io), 2);
});
