// The table of docs/security.md: each item of the security and reliability bar with the tests that carry its number, or
// the reason why there is none. `node dist/test/security/table.js --write` renews it.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nameTests, type Proofs, readProofs, tableLine } from '../support/requirement-proofs.ts';
import { projectRoot, readFixture } from '../support/vectors.ts';

/** An item of the bar. */
export interface Item {
  readonly id: string;
  readonly section: string;
  readonly requirement: string;
}

/** An item and what proves it. */
export interface ProvenItem extends Proofs {
  readonly item: Item;
}

/** Why an item has no test: known and said, not forgotten. */
export const OPEN: ReadonlyMap<string, string> = new Map([
  ['S13', 'TURN over TCP to peers (RFC 6062) is not built yet; its methods are dropped'],
  ['S24', 'Tokens (RFC 7635) are not built yet; ACCESS-TOKEN is an unknown attribute'],
  ['S37', 'RFC 6062 is not built yet: REQUESTED-TRANSPORT other than UDP is 442, and there is no Connect'],
  ['S44', 'DTLS is not built yet; its records are dropped by their first byte'],
  ['S53', 'Mobility is not built yet; MOBILITY-TICKET is an unknown attribute'],
  ['R5', 'Measured beside coturn, not asserted: docs/performance.md'],
  ['R6', 'Measured beside coturn, not asserted: docs/performance.md'],
  ['R7', 'Measured beside coturn, not asserted: docs/performance.md'],
  ['R16', 'Shown by S22; not yet with calls at load'],
  ['R18', 'Not built yet'],
  ['R19', 'Not built yet; nonces stay valid over a restart'],
  ['R21', 'Workers end with main (integration/workers/processes); a service manager starts both again'],
  ['R32', 'Not run: nobody has held a call for a day'],
  ['R34', 'x64 with glibc, Node 20 and 24, IPv4 and IPv6 run in CI; arm64 and musl were never run'],
]);

/** What a test does not show of an item that has one. */
export const LIMITS: ReadonlyMap<string, string> = new Map([
  ['S1', 'A worker that is taken over can still end main by bytes that are no JSON on Node’s own channel'],
  ['S3', 'Run on x64 only'],
  ['S15', 'One client is given the same nonce within a time slot, as RFC 8489 allows'],
  ['S18', 'The work is compared, and times relative to each other in one process; not 20 µs on a running server'],
  ['S19', 'The first and the last wrong byte are timed, not each'],
  ['S20', 'One user guessed from many sources is not held back: that would lock the user out'],
  ['S21', 'Strict is auth.expiry: strict; by default live allocations past expiry go on'],
  ['S36', 'Log collectors do not exist yet'],
  ['S42', 'On a running server with one forging source; whole networks at unit level'],
  ['S43', '10⁵ of each kind on a running server; 16 MiB is asked of each process'],
  ['S45', '300 connections; 10⁴ by TURND_TEST_CROWD'],
  ['S46', 'Floods of hundreds; 2,000 a second for a minute beside a call was not run'],
  ['S47', 'Bounded per process; 256 KB per connection over TLS is not measured'],
  ['S49', 'Lapsing reservations in the long version only'],
  [
    'S52',
    'At rates that a machine shared with the generator can serve: the test halves the rate where it cannot, and says so',
  ],
  ['S54', 'Per kind of line; floods of several kinds at once add up'],
  ['S58', 'Scrapes by the hundred beside one call; TLS and passwords are a proxy’s in front of a loopback address'],
  ['S62', 'By openssl’s client; testssl was not run'],
  ['S61', 'The container’s steps and limits without a container engine; AppArmor and SELinux were not looked at'],
  ['S63', 'No signed image yet; npm audit is left to the release'],
  ['R1', 'Short in CI; 10⁷ datagrams by npm run mutated:release'],
  ['R2', '600 s per target by npm run fuzz:release'],
  ['R3', 'What wraps at 2³² is preset; the soak is npm run bench:soak'],
  ['R4', '300 allocations in CI; 10,000 for an hour by npm run endurance'],
  ['R8', 'A pool of 64 in CI; 16,384 by npm run endurance'],
  ['R9', 'As S52'],
  ['R14', 'One live connection per kind'],
  ['R15', '100 reloads beside three calls; 1,000 by TURND_TEST_RELOADS'],
  ['R22', 'The watchdog is shown at unit level; systemd itself was not run'],
  [
    'R24',
    'limits.memory with real processes; a control group’s limit by its files at unit level. Permissions of live allocations are not bounded by it',
  ],
  ['R31', 'The self-test is a Binding request; no Allocate is tried. 50 ms at full load is not asserted'],
  ['R27', 'Over a path of the test’s own, in one process and as a simulation'],
  [
    'R30',
    'On loopback. Failed sends of the portable plane are sampled; a forced overflow of the kernel’s buffers is not part of it',
  ],
]);

const PAGE = fileURLToPath(new URL('docs/security.md', projectRoot));
const BEGIN = '<!-- made by test/security/table.ts: begin -->';
const END = '<!-- end -->';

/** The items, and what proves them. */
export function readItems(): ProvenItem[] {
  const items = JSON.parse(readFixture('security-rows.json')) as Item[];
  const proofsOf = readProofs();
  return items.map((item) => ({ item, ...proofsOf(item.id) }));
}

/** docs/security.md as it is. */
export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

/** The page with a new table. */
export function renewPage(page: string, items: readonly ProvenItem[]): string {
  const [head, rest] = page.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined) throw new Error(`docs/security.md needs ${BEGIN} and ${END}`);
  return `${head}${BEGIN}\n${renderItems(items)}\n${END}${tail}`;
}

function renderItems(items: readonly ProvenItem[]): string {
  const sections = [...new Set(items.map(({ item }) => item.section))];
  return sections
    .flatMap((section) => [
      `\n### ${section}\n`,
      '| | Requirement | Tests, or why not | Mutants |',
      '|---|---|---|---|',
      ...items.filter(({ item }) => item.section === section).map(lineOf),
    ])
    .join('\n');
}

function lineOf({ item, tests, mutants }: ProvenItem): string {
  const remark = OPEN.get(item.id) ?? LIMITS.get(item.id) ?? '';
  const state = [nameTests(tests), remark].filter((text) => text !== '').join('. ');
  return tableLine([item.id, item.requirement, state, tests.length === 0 ? '–' : String(mutants)]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = renewPage(readPage(), readItems());
  if (process.argv.includes('--write')) writeFileSync(PAGE, page);
  else process.stdout.write(page);
}
