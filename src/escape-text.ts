// Owns how text of foreign origin (user names, realms, keys of a file) is made safe for one line of a log or terminal.
// It knows nothing of who prints it.

// C0, DEL, C1, the line and paragraph separators, and the characters that reorder or hide text on a terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this file is about
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu;

/** Writes every character that could break a line or steer a terminal as `\uXXXX`; all others stay. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

/** Puts text between quotes, for a sentence of one line. */
export function quoteText(text: string): string {
  // JSON leaves what is above ASCII as it is, U+2028 among it.
  return escapeText(JSON.stringify(text));
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
