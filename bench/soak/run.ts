// The soak as a command: `npm run bench:soak`. Exit status 0 if the server passed, 1 if not, 2 for wrong arguments.

import { UsageError } from '../usage-error.ts';
import { parseSoakOptions } from './options.ts';
import { soak } from './soak.ts';
import { judgeSoak } from './verdict.ts';

// Servers and generators end with this process if it ends by itself, not by the signal.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  const findings = judgeSoak(await soak(parseSoakOptions(process.argv.slice(2)), console.log));
  for (const { what, passed } of findings) console.log(`${passed ? 'ok    ' : 'FAILED'} ${what}`);
  process.exitCode = findings.every(({ passed }) => passed) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
