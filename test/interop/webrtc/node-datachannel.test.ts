import { test } from 'tap';
import { serverSkip } from '../../support/turn-under-test.ts';
import { testRelayedClient } from './relayed-client.ts';

test('node-datachannel relays a data channel over UDP', { skip: serverSkip }, async (t) => {
  await testRelayedClient(t, 'node-datachannel', 'udp');
});
