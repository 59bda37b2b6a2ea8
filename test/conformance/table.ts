// The table of docs/conformance.md: each requirement row with the tests that carry its number and the mutants that
// break it, read from the tests and mutant lists themselves. `node dist/test/conformance/table.js --write` renews it.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nameTests, type Proofs, readProofs, tableLine } from '../support/requirement-proofs.ts';
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
export interface Proof extends Proofs {
  readonly row: Row;
}

/** Why a row of level M, S or D has no test: known and said, not forgotten. */
export const WAITING: ReadonlyMap<string, string> = new Map([
  ['TRN-16', 'DTLS is not built yet'],
  ['TRN-17', 'DTLS is not built yet'],
  ['TRN-18', 'DTLS is not built yet'],
  ['PROXY-15', 'the PROXY protocol is taken on TCP and TLS only'],
]);

const OUTPUT = fileURLToPath(new URL('docs/conformance.md', projectRoot));

/** The rows, and what proves them. */
export function readTable(): Proof[] {
  const rows = JSON.parse(readFixture('conformance-rows.json')) as Row[];
  const proofsOf = readProofs();
  return rows.map((row) => ({ row, ...proofsOf(row.id) }));
}

/** The whole text of docs/conformance.md. */
export function renderTable(proofs: readonly Proof[]): string {
  const lines = [
    '# Conformance',
    '',
    'Requirements of RFC 8489, RFC 8656 and the PROXY protocol (levels: M = MUST, S = SHOULD, O = optional, D = practice of',
    'the field), the tests that carry their numbers, and how many mutants (one-line changes to the source) must make them fail.',
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
    const tests = nameTests(proof.tests);
    lines.push(tableLine([row.id, row.level, row.requirement, row.reference, tests, String(proof.mutants)]));
  }
  return `${lines.join('\n')}\n`;
}

function isOpen({ row, tests }: Proof): boolean {
  return row.level !== 'O' && tests.length === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = renderTable(readTable());
  if (process.argv.includes('--write')) writeFileSync(OUTPUT, text);
  else process.stdout.write(text);
}
