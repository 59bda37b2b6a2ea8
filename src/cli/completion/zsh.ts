// Owns the completion script for zsh.

import type { CompletionNode, Values } from './completion-tree.ts';
import { quoteWord } from './quoting.ts';

/** A script to source after compinit, or to save as _turnctl in a directory of $fpath. */
export function zshScript(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => quoteWord(path));
  return `#compdef turnctl
# zsh completion for turnctl, made by: turnctl completion zsh

_turnctl() {
  local current=$words[CURRENT] previous=$words[CURRENT-1] here='' i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    case "$here $words[i]" in
      (${paths.join('|')}) here="$here $words[i]" ;;
    esac
  done
  case "$here $previous" in
${nodes.flatMap(valueCases).join('\n')}
  esac
  if [[ $current == -* ]]; then
    case "$here" in
${nodes.map(optionCase).join('\n')}
    esac
    _describe option found
    return
  fi
  case "$here" in
${nodes.flatMap(wordCase).join('\n')}
  esac
  _describe command found
}

if [[ $funcstack[1] == _turnctl ]]; then
  _turnctl "$@"
else
  compdef _turnctl turnctl
fi
`;
}

function valueCases({ path, options }: CompletionNode): string[] {
  return options.flatMap(({ flag, value }) =>
    value === null ? [] : [`    (${quoteWord(`${path} ${flag}`)}) ${complete(value)}; return ;;`],
  );
}

function optionCase({ path, options }: CompletionNode): string {
  const entries = options.map(({ flag, description }) => describe(flag, description));
  return `      (${quoteWord(path)}) found=(${entries.join(' ')}) ;;`;
}

function wordCase({ path, commands, argument }: CompletionNode): string[] {
  if (commands.length > 0) {
    const entries = commands.map(({ name, description }) => describe(name, description));
    return [`    (${quoteWord(path)}) found=(${entries.join(' ')}) ;;`];
  }
  return argument === null ? [] : [`    (${quoteWord(path)}) ${complete(argument)}; return ;;`];
}

function complete({ kind, words }: Values): string {
  if (kind === 'words') return `compadd -- ${words.map(quoteWord).join(' ')}`;
  if (kind === 'other') return ':';
  return kind === 'file' ? '_files' : '_files -/';
}

function describe(word: string, description: string): string {
  return quoteWord(`${word}:${description.replaceAll(':', '\\:')}`);
}
