// Owns the guess of what a mistyped name was meant to be.

/** Names the candidate nearest to `name`, as ` (did you mean "x"?)`, or an empty string when none is near. */
export function suggest(name: string, candidates: Iterable<string>): string {
  const text = name.slice(0, 64);
  const limit = Math.max(1, Math.floor(text.length / 3));
  let best = '';
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best === '' ? '' : ` (did you mean "${best}"?)`;
}

/** Insertions, deletions and replacements that lead from `a` to `b` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
