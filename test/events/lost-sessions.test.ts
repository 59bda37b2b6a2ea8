// The sessions of a worker that dies end for those who listen, once and with what was known of them.

import { test } from 'tap';
import { eventReport } from '../../src/events/event-schemas.ts';
import { LostSessions } from '../../src/events/lost-sessions.ts';
import { REPORTS, session, TRAFFIC } from '../support/events.ts';

test('only what lives in that worker ends with it', async (t) => {
  let now = 1000;
  const sessions = new LostSessions(() => now);
  for (const id of [1001, 2001, 3001]) sessions.note(1, { ...session(id), type: 'allocated', lifetime: 600 });
  sessions.note(2, { ...session(1002), type: 'allocated', lifetime: 600 });
  sessions.note(1, { ...session(2001), type: 'traffic', ...TRAFFIC });
  sessions.note(1, { ...session(3001), type: 'released', ...TRAFFIC, duration: 1, reason: 'expired' });
  sessions.note(1, { ...session(9001), type: 'traffic', ...TRAFFIC });
  for (const report of REPORTS) if (report.type === 'denied' || report.type === 'dropped') sessions.note(1, report);
  now += 5400;
  const ends = sessions.gone(1);
  const nothing = { packetsFromClient: 0, bytesFromClient: 0, packetsToClient: 0, bytesToClient: 0 };
  const end = { type: 'released', duration: 5, reason: 'worker-lost' };
  t.strictSame(ends, [
    { ...session(1001), ...nothing, ...end },
    { ...session(2001), ...TRAFFIC, ...end },
  ]);
  for (const report of ends) t.strictSame(eventReport.parse(report), report);
  t.same(sessions.gone(1), []);
  sessions.clear();
  t.same(sessions.gone(2), []);
});
