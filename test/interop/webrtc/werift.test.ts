import { test } from 'tap';
import { serverSkip } from '../../support/turn-under-test.ts';
import { testRelayedClient } from './relayed-client.ts';

test('werift relays a data channel over UDP', { skip: serverSkip }, async (t) => {
  await testRelayedClient(t, 'werift', 'udp');
});

test('werift relays a data channel over TCP', { skip: serverSkip }, async (t) => {
  await testRelayedClient(t, 'werift', 'tcp');
});
