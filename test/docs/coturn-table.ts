// The table of docs/coturn.md: each option of coturn and what it becomes, made of the code that does it.
// `node dist/test/docs/coturn-table.js --write` renews it.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CoturnOption } from '../../src/coturn/option.ts';
import { OPTION_GROUPS } from '../../src/coturn/options.ts';

const PAGE = fileURLToPath(new URL('../../../docs/coturn.md', import.meta.url));
const BEGIN = '<!-- made by test/docs/coturn-table.ts: begin -->';
const END = '<!-- end -->';

/** The page as it is. */
export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

/** The page with a new table. */
export function renewPage(page: string): string {
  const [head, rest] = page.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined) throw new Error(`docs/coturn.md needs ${BEGIN} and ${END}`);
  return `${head}${BEGIN}\n${table()}\n${END}${tail}`;
}

function table(): string {
  return OPTION_GROUPS.flatMap(({ title, options }) => [
    `\n### ${title}\n`,
    '| coturn | turnd | |',
    '|---|---|---|',
    ...options.map(row),
  ]).join('\n');
}

function row(option: CoturnOption): string {
  const cells = [`\`${option.name}\``, placeOf(option), capital(option.note)];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function placeOf(option: CoturnOption): string {
  if (option.kind === 'mapped') return option.keys.map((key) => `\`${key}\``).join(', ');
  return option.kind === 'built-in' ? 'always so' : 'no';
}

function capital(text: string): string {
  return text.startsWith('turnd') ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = renewPage(readPage());
  if (process.argv.includes('--write')) writeFileSync(PAGE, page);
  else process.stdout.write(page);
}
