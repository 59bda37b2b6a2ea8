// The table of docs/conformance.md: each requirement row with the tests that carry its number and the mutants that
// break it, read from the tests and mutant lists themselves. `node dist/test/conformance/table.js --write` renews it.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot, readFixture } from '../support/vectors.ts';

/** A requirement. */
export interface Row {
  readonly id: string;
  readonly level: 'M' | 'S' | 'D' | 'O';
  readonly section: string;
  readonly title: string;
  readonly requirement: string;
  readonly reference: string;
}

/** A requirement and its proof. */
export interface Proof {
  readonly row: Row;
  /** Test files, relative to `test/`. */
  readonly tests: readonly string[];
  /** How many mutants carry the number. */
  readonly mutants: number;
}

/** Why a row of level M, S or D has no test: known and said, not forgotten. */
export const WAITING: ReadonlyMap<string, string> = new Map([
  ['TRN-16', 'DTLS is not built yet'],
  ['TRN-17', 'DTLS is not built yet'],
  ['TRN-18', 'DTLS is not built yet'],
  ['TURN-40', 'bandwidth limits are not built yet'],
]);

const ROOT = fileURLToPath(projectRoot);
const OUTPUT = 'docs/conformance.md';

function testFiles(): string[] {
  const root = join(ROOT, 'test');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('support/'))
    .sort();
}

/** Test names begin with the numbers that they prove: `TURN-03 a retransmitted …`, `TURN-03, TURN-29: …`. */
export function numbersIn(source: string): Set<string> {
  const numbers = new Set<string>();
  for (const [, name = ''] of source.matchAll(/\btest\(\s*[`'"]((?:[^`'"\\]|\\.)*)/g)) {
    const head = /^((?:[A-Z]+-\d+(?:\u2026\d+)?[,:; ]*(?:and )?)+)/.exec(name)?.[1] ?? '';
    for (const [number] of head.matchAll(/[A-Z]+-\d+/g)) numbers.add(number);
  }
  return numbers;
}

/** Reads rows, tests and mutants. */
export function readProofs(): Proof[] {
  const rows = JSON.parse(readFixture('conformance-rows.json')) as Row[];
  const files = testFiles().map((path) => {
    return { path, numbers: numbersIn(readFileSync(join(ROOT, 'test', path), 'utf8')) };
  });
  const mutants = readMutantIds();
  return rows.map((row) => ({
    row,
    tests: files.filter(({ numbers }) => numbers.has(row.id)).map(({ path }) => path),
    mutants: mutants.filter((id) => id === row.id || id.startsWith(`${row.id}-`)).length,
  }));
}

function readMutantIds(): string[] {
  const folder = join(ROOT, 'test/mutants');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { id: string }[])
    .map(({ id }) => id);
}

/** The whole text of docs/conformance.md. */
export function renderTable(proofs: readonly Proof[]): string {
  const lines = [
    '# Conformance',
    '',
    'Requirements of RFC 8489 and RFC 8656 (levels: M = MUST, S = SHOULD, O = optional, D = practice of the field), the',
    'tests that carry their numbers, and how many mutants (one-line changes to the source) must make them fail.',
    'Made by `node dist/test/conformance/table.js --write`; a test keeps it true.',
    '',
    '## What the portable plane cannot do',
    '',
    'Node’s datagram sockets cannot set DF, read or set DSCP, ECN and TTL, or receive ICMP. DONT-FRAGMENT is therefore',
    'answered 420 in Allocate, and a Send indication with it is dropped; DSCP, ECN, TTL and flow label follow the',
    'alternate behaviour of RFC 8656 §13 and §14; ICMP errors from peers are not relayed.',
    '',
    '## Not covered',
    '',
    ...proofs.filter(isOpen).map(({ row }) => `- ${row.id} (${row.level}): ${WAITING.get(row.id) ?? 'no test yet'}`),
  ];
  let section = '';
  for (const proof of proofs) {
    const { row } = proof;
    if (row.section !== section) {
      section = row.section;
      lines.push(
        '',
        `## ${row.title}`,
        '',
        '| ID | L | Requirement | Ref | Tests | Mutants |',
        '|---|---|---|---|---|---|',
      );
    }
    const tests = proof.tests.map((path) => path.replace(/\.test\.ts$|\.ts$/, '')).join(', ');
    const cells = [row.id, row.level, row.requirement, row.reference, tests, String(proof.mutants)];
    lines.push(`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

function isOpen({ row, tests }: Proof): boolean {
  return row.level !== 'O' && tests.length === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = renderTable(readProofs());
  if (process.argv.includes('--write')) writeFileSync(join(ROOT, OUTPUT), text);
  else process.stdout.write(text);
}
