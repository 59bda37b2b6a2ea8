// Holds every command of turnctl to account: descriptions, and examples that are understood. A new command without them
// fails here, by name.

import type { Command } from 'commander';
import { test } from 'tap';
import { EXAMPLES } from '../../src/cli/examples.ts';
import { runTurnctl } from '../../src/cli/turnctl-program.ts';
import { fakeIo } from '../support/command-io.ts';
import { argumentsOf, helpOf, leafCommands, refusal, wholeProgram } from '../support/command-tree.ts';

function examplesIn(help: string): string[] {
  const section = help.split(/^Examples:\n/m)[1] ?? '';
  return section
    .split('\n')
    .filter((line) => /^ {2}\S/.test(line))
    .map((line) => line.trim());
}

test('every command, group, option and argument says what it is', async (t) => {
  const look = (command: Command, name: string): void => {
    t.not(command.description(), '', `${name} has a description`);
    for (const option of command.options) t.ok(option.description, `${name} ${option.long} has a description`);
    for (const one of command.registeredArguments) t.ok(one.description, `${name} <${one.name()}> has a description`);
    for (const child of command.commands) look(child, `${name} ${child.name()}`);
  };
  look(wholeProgram(), 'turnctl');
});

test('every command has an example, and every example is understood', async (t) => {
  const leaves = leafCommands(wholeProgram());
  t.ok(leaves.length > 6);
  for (const { path, command } of leaves) {
    const examples = examplesIn(helpOf(command));
    t.ok(examples.length > 0, `turnctl ${path}: its --help ends with examples (src/cli/examples.ts)`);
    for (const example of examples) {
      const argv = argumentsOf(example);
      t.equal(argv.slice(0, path.split(' ').length).join(' '), path, `"${example}" is one of turnctl ${path}`);
      t.equal(await refusal(argv), null, `"${example}" is understood`);
    }
  }
});

test('no example belongs to a command that is gone', async (t) => {
  const known = leafCommands(wholeProgram()).map(({ path }) => path);
  t.same(
    Object.keys(EXAMPLES).filter((path) => !known.includes(path)),
    [],
  );
});

test('the checks above can fail', async (t) => {
  t.same(argumentsOf('A=b turnctl x "y z" --w | less'), ['x', 'y z', '--w']);
  t.same(argumentsOf("source <(turnctl x 'y')"), ['x', 'y']);
  t.same(examplesIn('x\nExamples:\n  turnctl a\n  turnctl b\n'), ['turnctl a', 'turnctl b']);
  t.match(await refusal(['config', 'check', '--nonsense']), /unknown option/);
  t.match(await refusal(['firewall', '--for', 'pf']), /invalid/);
  t.equal(await refusal(['config', 'check', 'x']), null);
});

test('help shows what --help shows, at every depth', async (t) => {
  for (const words of [[], ['firewall'], ['config'], ['config', 'check']]) {
    const [help, flag] = [fakeIo(), fakeIo()];
    t.equal(await runTurnctl(['help', ...words], '1.2.3', help), 0);
    t.equal(await runTurnctl([...words, '--help'], '1.2.3', flag), 0);
    t.equal(help.printed.join(''), flag.printed.join(''), words.join(' '));
    t.match(help.printed.join(''), new RegExp(`^Usage: turnctl ${words.join(' ')}`));
  }
});

test('help of an unknown command is status 2, with a suggestion', async (t) => {
  const io = fakeIo();
  t.equal(await runTurnctl(['help', 'config', 'chek'], '1.2.3', io), 2);
  t.same(io.refused, ['error: unknown command \'chek\' (did you mean "check"?)\n']);
});
