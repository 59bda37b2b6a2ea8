// Owns the quoting of words for shells.

/** One word for sh, bash and zsh. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A list of words, as one word for `compgen -W`. */
export function quoteWords(words: readonly string[]): string {
  return quoteWord(words.join(' '));
}

/** One word for fish, whose single quotes know two escapes. */
export function quoteFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
