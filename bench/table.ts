// Rows of text as a table for a terminal or for Markdown. The first row is the header.

/** Columns side by side: the first `left` of them begin at the left, the others end at the right. */
export function textTable(rows: readonly (readonly string[])[], left: number): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const cell = (text: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column < left ? text.padEnd(width) : text.padStart(width);
  };
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

/** The same as a table of Markdown. */
export function markdownTable(rows: readonly (readonly string[])[], left: number): string {
  const [header = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = header.map((_, column) => (column < left ? '---' : '---:'));
  return [header, rule, ...body].map(line).join('\n');
}
