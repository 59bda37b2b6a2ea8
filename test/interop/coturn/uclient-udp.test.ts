import { test } from 'tap';
import { serverSkip } from '../../support/turn-under-test.ts';
import { peerProgram, uclientProgram } from './uclient.ts';
import { testAllModes } from './uclient-modes.ts';

const skip = serverSkip || uclientProgram.skip || peerProgram.skip;

test('turnutils_uclient loses nothing over UDP', { skip }, async (t) => {
  await testAllModes(t, 'udp');
});
