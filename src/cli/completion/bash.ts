// Owns the completion script for bash (4 or newer).

import type { CompletionNode, Values } from './completion-tree.ts';
import { quoteWord, quoteWords } from './quoting.ts';

/** A script to source, or to save as /etc/bash_completion.d/turnctl. */
export function bashScript(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => quoteWord(path));
  return `# bash completion for turnctl, made by: turnctl completion bash

__turnctl_reply() {
  mapfile -t COMPREPLY < <(compgen "$@" -- "\${COMP_WORDS[COMP_CWORD]}")
}

_turnctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} path='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${paths.join(' | ')}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path $previous" in
${nodes.flatMap(valueCases).join('\n')}
  esac
  if [[ $current == -* ]]; then
    case "$path" in
${nodes.map(optionCase).join('\n')}
    esac
    return
  fi
  case "$path" in
${nodes.map(wordCase).join('\n')}
  esac
}

complete -o filenames -F _turnctl turnctl
`;
}

function valueCases({ path, options }: CompletionNode): string[] {
  return options.flatMap(({ flag, value }) =>
    value === null ? [] : [`    ${quoteWord(`${path} ${flag}`)}) ${reply(value)}; return ;;`],
  );
}

function optionCase({ path, options }: CompletionNode): string {
  return `      ${quoteWord(path)}) __turnctl_reply -W ${quoteWords(options.map(({ flag }) => flag))} ;;`;
}

function wordCase({ path, commands, options, argument }: CompletionNode): string {
  const words = commands.length > 0 ? commands.map(({ name }) => name) : options.map(({ flag }) => flag);
  const action =
    commands.length === 0 && argument !== null ? reply(argument) : `__turnctl_reply -W ${quoteWords(words)}`;
  return `    ${quoteWord(path)}) ${action} ;;`;
}

function reply({ kind, words }: Values): string {
  if (kind === 'words') return `__turnctl_reply -W ${quoteWords(words)}`;
  if (kind === 'other') return ':';
  return kind === 'file' ? '__turnctl_reply -f' : '__turnctl_reply -d';
}
