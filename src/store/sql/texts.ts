// Decides which texts a table can hold, alike for all databases: what none of them could keep as it is, is not asked
// for, and refused when it is to be written.

import { StoreError } from '../../errors.ts';
import { escapeText } from '../../escape-text.ts';
import { lengthOf, type TableName } from './tables.ts';

// PostgreSQL cannot hold NUL; a lone surrogate would become U+FFFD, which may be somebody else's name.
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what this line is about
const UNKEEPABLE = /[\u0000\p{Cs}]/u;
const SHOWN_CHARACTERS = 40;

/** Whether a row with this text can exist. */
export function isKeepable(text: string): boolean {
  return !UNKEEPABLE.test(text);
}

/** Refuses values of which the table would keep something else, or nothing. */
export function checkKeepable(store: string, table: TableName, values: Readonly<Record<string, unknown>>): void {
  for (const [column, value] of Object.entries(values)) {
    if (typeof value !== 'string') continue;
    const isSecret = column === 'value' || column === 'password' || column === 'ikm_key' || column.endsWith('key');
    const shown = isSecret ? `the ${column}` : `the ${column} "${shorten(value)}"`;
    const refuse = (why: string): StoreError =>
      new StoreError('failed', `store ${store}: ${shown} cannot be kept in ${table}: ${why}`);
    if (!isKeepable(value)) throw refuse('it holds a NUL or half a character');
    if ([...value].length > lengthOf(table, column)) {
      throw refuse(`it is longer than ${lengthOf(table, column)} characters`);
    }
  }
}

function shorten(text: string): string {
  const characters = [...text];
  const shown = characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS).join('')}…` : text;
  return escapeText(shown);
}
