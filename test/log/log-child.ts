// A program for tests: writes LINES lines of a kilobyte to standard output, then closes the log and ends.
// It prints to standard error whether all lines were written, and how many were lost. With a second argument it prints
// the latter at once and leaves the log open.

import { openLog } from '../../src/log/server-log.ts';

const [, , lines, waits] = process.argv;
const log = openLog({ level: 'info', format: 'json', file: null, isTerminal: false });
for (let i = 0; i < Number(lines); i++) log.logger.info({ i, filler: 'x'.repeat(1000) }, 'line');
if (waits === undefined) {
  const isDrained = await log.close();
  process.stderr.write(JSON.stringify({ isDrained, lost: log.lost }));
  process.exit(0);
}
process.stderr.write(String(log.lost));
setInterval(() => {}, 1000);
