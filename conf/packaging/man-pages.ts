// Makes turnd(8) and turnctl(1) of the programs' own help, so that they cannot drift from it.

/** What a page is made of. */
export interface ManPage {
  readonly name: string;
  readonly section: 1 | 8;
  readonly version: string;
  /** Days since 1970 would differ from build to build: `2026-12-01`. */
  readonly date: string;
  /** One line. */
  readonly summary: string;
  /** Parts in their order: a heading and text that stands as it is. */
  readonly parts: readonly { readonly heading: string; readonly text: string }[];
}

/** The page in roff. */
export function manPage({ name, section, version, date, summary, parts }: ManPage): string {
  return [
    `.TH ${name.toUpperCase()} ${section} ${date} "${name} ${version}"`,
    '.SH NAME',
    `${name} \\- ${roff(summary)}`,
    ...parts.flatMap(({ heading, text }) => [`.SH ${heading.toUpperCase()}`, '.nf', ...lines(text), '.fi']),
    '',
  ].join('\n');
}

function lines(text: string): string[] {
  return text.trimEnd().split('\n').map(roff);
}

/** A line that begins with a dot or a quote would be a command. */
function roff(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}
