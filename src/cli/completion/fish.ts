// Owns the completion script for fish.

import type { CompletionNode, CompletionOption, Values } from './completion-tree.ts';
import { quoteFish } from './quoting.ts';

/** A script to source, or to save as ~/.config/fish/completions/turnctl.fish. */
export function fishScript(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => quoteFish(path));
  return `# fish completion for turnctl, made by: turnctl completion fish

function __turnctl_at
    set -l here ''
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        switch "$here $word"
            case ${paths.join(' ')}
                set here "$here $word"
        end
    end
    test "$here" = "$argv[1]"
end

complete -c turnctl -f
${nodes.flatMap(lines).join('\n')}
`;
}

function lines({ path, commands, options, argument }: CompletionNode): string[] {
  const at = `complete -c turnctl -n ${quoteFish(`__turnctl_at ${quoteFish(path)}`)}`;
  return [
    ...commands.map(({ name, description }) => `${at} -a ${quoteFish(name)} -d ${quoteFish(description)}`),
    ...options.map((option) => `${at} ${optionArguments(option)} -d ${quoteFish(option.description)}`),
    ...(commands.length === 0 ? argumentLines(at, argument) : []),
  ];
}

function optionArguments({ flag, value }: CompletionOption): string {
  const name = `-l ${flag.slice(2)}`;
  if (value === null) return name;
  if (value.kind === 'words') return `${name} -x -a ${quoteFish(value.words.join(' '))}`;
  if (value.kind === 'other') return `${name} -x`;
  return value.kind === 'file' ? `${name} -r -F` : `${name} -x -a '(__fish_complete_directories)'`;
}

function argumentLines(at: string, argument: Values | null): string[] {
  if (argument === null || argument.kind === 'other') return [];
  if (argument.kind === 'words') return [`${at} -a ${quoteFish(argument.words.join(' '))}`];
  return [`${at} -F`];
}
