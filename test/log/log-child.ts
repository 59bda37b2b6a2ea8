// A program for tests: writes LINES lines of a kilobyte to standard output, then closes the log and ends.
// It prints to standard error whether all lines were written, and how many were lost.

import { openLog } from '../../src/log/logger.ts';

const log = openLog({ level: 'info', format: 'json', file: null, isTerminal: false });
for (let i = 0; i < Number(process.argv[2]); i++) log.logger.info({ i, filler: 'x'.repeat(1000) }, 'line');
const isDrained = await log.close();
process.stderr.write(JSON.stringify({ isDrained, lost: log.lost }));
process.exit(0);
