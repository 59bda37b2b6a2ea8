// The hub and its readers: only what somebody wants is wanted, nothing grows, and whoever comes back misses nothing or
// is told so.

import { test } from 'tap';
import { EventHub, KEPT_EVENTS, LINGER_MS } from '../../src/events/event-hub.ts';
import { type EventFilter, EventReader, WAITING_EVENTS } from '../../src/events/event-reader.ts';
import type { EventReport } from '../../src/events/event-schemas.ts';
import { EVENT_TYPES, type EventType } from '../../src/events/event-types.ts';
import { authFailed, session } from '../support/events.ts';
import { VirtualTimers } from '../workers/virtual-timers.ts';

const ALL: EventFilter = { types: null, realm: null, user: null };

function open() {
  const timers = new VirtualTimers();
  const hub = new EventHub({ timers, wallTime: () => 1_767_225_600_000 + timers.now() });
  const told: (readonly EventType[])[] = [];
  hub.onWanted((types) => void told.push(types));
  const lost: number[] = [];
  const read = (filter: Partial<EventFilter> = {}, lastId: string | null = null) =>
    new EventReader(hub, { ...ALL, ...filter }, lastId, (count) => void lost.push(count));
  return { timers, hub, told, lost, read };
}

const allocated = (id: number, more: object = {}): EventReport => ({
  ...session(id),
  ...more,
  type: 'allocated',
  lifetime: 600,
});
const permission = (id: number): EventReport => ({ ...session(id), type: 'permission', peer: '198.51.100.7' });

test('nothing is wanted until somebody listens, and nothing any more a minute after the last one has left', async (t) => {
  const { timers, hub, told, read } = open();
  t.same(told.splice(0), [[]]);
  const first = read({ types: ['denied'] });
  t.same(told.splice(0), [['denied']]);
  const second = read({ types: ['denied', 'traffic'] });
  t.same(told.splice(0), [['traffic', 'denied']]);
  first.close();
  second.close();
  second.close();
  timers.advance(LINGER_MS - 1);
  t.same(told, [], 'both are expected back');
  const again = read({ types: ['traffic'] });
  timers.advance(1);
  t.same(told.splice(0), [['traffic']]);
  again.close();
  timers.advance(LINGER_MS);
  t.same(told.splice(0), [[]]);
  t.equal(timers.size, 0);
  hub.publish(permission(1));
  t.equal(read().hasNews, false, 'what nobody wants is not kept');
});

test('ends of sessions make beginnings wanted, for a worker may die, and nobody hears of them who has not asked', async (t) => {
  const { hub, told, read } = open();
  const reader = read({ types: ['released'] });
  t.same(told.at(-1), ['allocated', 'released']);
  t.equal(hub.wantsEnds, true);
  hub.publish(allocated(1));
  t.equal(reader.hasNews, false);
});

test('an event has an id that rises, a time, and what was reported', async (t) => {
  const { hub, read } = open();
  const reader = read();
  hub.publish(allocated(7));
  hub.publish(authFailed('mallory'));
  const [first, second] = reader.read().events;
  t.match(first?.event, { id: /^[0-9a-z]+-1$/, time: 1_767_225_601_000, type: 'allocated', session: 7, user: 'alice' });
  t.strictSame(JSON.parse(first?.json ?? ''), first?.event);
  t.match(second?.event, { id: /-2$/, type: 'auth-failed', user: 'mallory' });
  t.equal(reader.hasNews, false);
});

test('filters: types, realm and user; what was left out by a process may have been anybody’s', async (t) => {
  const { hub, read } = open();
  const readers = [
    read({ types: ['permission'] }),
    read({ user: 'bob' }),
    read({ realm: 'b.example' }),
    read({ types: ['auth-failed'], user: 'bob' }),
  ];
  hub.publish(allocated(1));
  hub.publish(allocated(2, { user: 'bob' }));
  hub.publish(allocated(3, { realm: 'b.example' }));
  hub.publish(permission(4));
  hub.publish(authFailed('bob'));
  hub.publish({ type: 'dropped', of: 'auth-failed', count: 9 });
  const seen = readers.map((reader) =>
    reader.read().events.map(({ event }) => ('session' in event ? event.session : event.type)),
  );
  t.same(seen, [[4], [2, 'auth-failed', 'dropped'], [3, 'dropped'], ['auth-failed', 'dropped']]);
});

test('a reader that does not read loses the oldest events, hears how many, and costs no more', async (t) => {
  const { hub, lost, read } = open();
  const reader = read({ types: ['allocated'] });
  const other = read({ types: ['allocated'] });
  for (let id = 1; id <= WAITING_EVENTS + 5; id++) {
    hub.publish(allocated(id));
    other.read();
  }
  const seen: unknown[] = [];
  let missed = reader.read();
  t.equal(missed.lost, 5);
  t.match(missed.events[0]?.event, { session: 6 });
  while (missed.events.length > 0) {
    seen.push(...missed.events);
    missed = reader.read();
    t.equal(missed.lost, 0, 'it is told once');
  }
  t.equal(seen.length, WAITING_EVENTS);
  t.equal(
    lost.reduce((sum, count) => sum + count, 0),
    5,
    'only the slow one counts',
  );
});

test('a reader that comes back goes on where it was', async (t) => {
  const { hub, read } = open();
  const reader = read();
  const start = reader.position;
  hub.publish(allocated(1));
  const last = reader.read().events[0]?.event.id ?? '';
  reader.close();
  hub.publish(allocated(2));
  hub.publish(permission(3));
  const back = read({ types: ['allocated', 'permission'] }, last).read();
  t.equal(back.lost, 0);
  t.match(back.events, [{ event: { session: 2 } }, { event: { session: 3 } }]);
  t.match(read({ types: ['permission'] }, last).read().events, [{ event: { session: 3 } }]);
  t.match(read({}, start).read(), { lost: 0, events: { length: 3 } }, 'before the first event too');
  t.equal(read({}, last).position, last);
});

test('whoever has been away too long, or comes from another run, is told that he may have missed something', async (t) => {
  const { timers, hub, read } = open();
  const reader = read({ types: ['allocated'] });
  hub.publish(allocated(1));
  const last = reader.read().events[0]?.event.id ?? '';
  for (let id = 2; id <= KEPT_EVENTS + 2; id++) hub.publish(allocated(id));
  const old = read({ types: ['allocated'] }, last);
  t.equal(old.hasNews, true);
  t.match(old.read(), { lost: null, events: [{ event: { session: 3 } }] });
  t.equal(old.read().lost, 0, 'it is told once');
  for (const id of ['other-5', 'x', '', `${last.split('-')[0]}-9999999`, '-1', '9'.repeat(500)])
    t.equal(read({ types: ['allocated'] }, id).read().lost, null, id.slice(0, 20));
  const current = read({ types: ['allocated'] });
  const { position } = current;
  for (const one of [reader, old]) one.close();
  t.equal(read({ types: ['allocated'] }, position).read().lost, 0);
  t.equal(read({ types: ['traffic'] }, position).read().lost, 0, 'there was none to be told of');
  timers.advance(0);
});

test('what was not told while nobody was expected is a gap, though no event has been since', async (t) => {
  const { timers, hub, read } = open();
  const reader = read({ types: ['denied'] });
  const other = read({ types: ['allocated'] });
  hub.publish(allocated(1));
  const { position } = read({ types: ['denied'] });
  hub.close();
  const { timers: time, hub: second, read: again } = open();
  const one = again({ types: ['denied'] });
  const stays = again({ types: ['allocated'] });
  const left = second.position;
  one.close();
  time.advance(LINGER_MS);
  t.equal(again({ types: ['denied'] }, left).read().lost, null);
  t.equal(again({ types: ['allocated'] }, left).read().lost, 0, 'the others were told of all the time');
  for (const each of [reader, other, stays]) each.close();
  t.type(position, 'string');
  t.equal(timers.size, 0);
});

test('a hub that is closed tells nobody', async (t) => {
  const { timers, hub, read } = open();
  const reader = read();
  read().close();
  hub.close();
  hub.publish(allocated(1));
  t.equal(reader.hasNews, false);
  t.equal(timers.size, 0);
  t.equal(EVENT_TYPES.length, 8);
});
