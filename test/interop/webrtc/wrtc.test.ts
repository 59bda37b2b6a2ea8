import { test } from 'tap';
import { serverSkip } from '../../support/turn-under-test.ts';
import { testRelayedClient } from './relayed-client.ts';

test('@roamhq/wrtc relays a data channel over UDP', { skip: serverSkip }, async (t) => {
  await testRelayedClient(t, 'wrtc', 'udp');
});

test('@roamhq/wrtc relays a data channel over TCP', { skip: serverSkip }, async (t) => {
  await testRelayedClient(t, 'wrtc', 'tcp');
});
