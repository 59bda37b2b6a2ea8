import { test } from 'tap';
import { streamSettings } from '../../src/server/streams-setup.ts';
import { parse } from '../config/parse.ts';

function settingsOf(yaml: string) {
  const result = parse({ yaml });
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return streamSettings(result.config);
}

test('S45 S47 by default silence ends within 15 s of accept, and a stalled client within half a minute', async (t) => {
  const settings = settingsOf('realm: example.org');
  const sweep = 1;
  t.ok(settings.firstFrameTimeout + sweep <= 15, `${settings.firstFrameTimeout} s for the first frame`);
  // Two seconds: until the queues in the kernel are full, and until a sweep looks.
  t.ok(settings.stallTimeout + sweep + 2 <= 30, `${settings.stallTimeout} s without reading`);
  // What waits in two buffers, and half a frame.
  t.ok(settings.writeQueue + 65_552 <= 256 * 1024);
  t.same([settings.connections, settings.connectionsPerClient], [10_000, 1000]);
});

test('the first frame has no longer than a handshake, nor than a connection without allocation', async (t) => {
  t.equal(settingsOf('limits: {handshake-timeout: 4}').firstFrameTimeout, 4);
  t.equal(settingsOf('limits: {idle-timeout: 3}').firstFrameTimeout, 3);
});
