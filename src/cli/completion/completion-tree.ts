// Owns what a shell must know of the commands, read off the tree itself, so that completion cannot drift from it.

import type { Argument, Command, Option } from 'commander';

/** What can stand in a place. */
export interface Values {
  readonly kind: 'words' | 'file' | 'directory' | 'other';
  /** Of the kind `words`. */
  readonly words: readonly string[];
}

/** A flag. */
export interface CompletionOption {
  /** `--for`. */
  readonly flag: string;
  readonly description: string;
  /** Null: it takes no value. */
  readonly value: Values | null;
}

/** A command, or the program itself. */
export interface CompletionNode {
  /** Names from the root, each with a space before it; the root's is empty. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletionOption[];
  /** Of the first argument; null: it takes none. */
  readonly argument: Values | null;
}

/** The program and every command below it. */
export function completionNodes(program: Command): CompletionNode[] {
  return collect(program, '');
}

function collect(command: Command, path: string): CompletionNode[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).toSorted((a, b) => a.name().localeCompare(b.name()));
  const node = {
    path,
    commands: children.map((child) => ({ name: child.name(), description: child.description() })),
    options: help.visibleOptions(command).flatMap(toOption),
    argument: command.registeredArguments.map(argumentValues)[0] ?? null,
  };
  return [node, ...children.flatMap((child) => collect(child, `${path} ${child.name()}`))];
}

function toOption(option: Option): CompletionOption[] {
  const { long, description, flags, argChoices, required, optional } = option;
  if (long === null || long === undefined) return [];
  const value = required || optional ? valuesOf(flags, argChoices) : null;
  return [{ flag: long, description, value }];
}

function argumentValues(argument: Argument): Values {
  return valuesOf(`<${argument.name()}>`, argument.argChoices);
}

/** `<file>` and `<directory>` say themselves what they take. */
function valuesOf(text: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { kind: 'words', words: choices };
  const name = /[<[]([\w-]+)/.exec(text)?.[1] ?? '';
  if (name === 'file' || name === 'directory') return { kind: name, words: [] };
  return { kind: 'other', words: [] };
}
