// What a service manager is told, and when: under a clock of the test's own.

import { test } from 'tap';
import { ServiceManager, STATUS_MS } from '../../src/server/service-manager.ts';
import { VirtualTimers } from '../workers/virtual-timers.ts';

function scene(watchdogMs: number | null = null) {
  const timers = new VirtualTimers();
  const sent: string[] = [];
  const figures = { allocations: 0, workers: 2, isDraining: false, isAlive: true };
  const manager = new ServiceManager({
    timers,
    watchdogMs,
    monotonicMicroseconds: () => 1234n,
    send: (text) => sent.push(text),
  });
  return { timers, sent, figures, manager, ready: () => manager.ready(() => figures) };
}

test('ready, reloading and stopping are told with how things stand', async (t) => {
  const { sent, figures, manager, ready } = scene();
  ready();
  manager.reloading();
  figures.allocations = 1;
  manager.reloaded();
  figures.isDraining = true;
  manager.stopping();
  manager.stopping();
  t.same(sent, [
    'READY=1\nSTATUS=Serving: 0 allocations on 2 workers',
    'RELOADING=1\nMONOTONIC_USEC=1234',
    'READY=1\nSTATUS=Serving: 1 allocation on 2 workers',
    'STOPPING=1\nSTATUS=Draining: 1 allocation on 2 workers',
  ]);
});

test('the figures are told when they are others, and not more often than every ten seconds', async (t) => {
  const { timers, sent, figures, manager, ready } = scene();
  ready();
  timers.advance(10 * STATUS_MS);
  t.equal(sent.length, 1);
  for (let each = 0; each < 100; each++) {
    figures.allocations++;
    timers.advance(STATUS_MS / 10);
  }
  t.equal(sent.length, 11);
  manager.close();
  t.equal(timers.size, 0);
});

test('R17 while it waits for calls to end, it asks for more time before it is killed', async (t) => {
  const { timers, sent, manager, ready } = scene();
  ready();
  manager.stopping();
  timers.advance(2 * STATUS_MS);
  t.same(sent.slice(2), ['EXTEND_TIMEOUT_USEC=30000000', 'EXTEND_TIMEOUT_USEC=30000000']);
});

test('R22 the watchdog is fed at twice its rate, and only while every process lives', async (t) => {
  const { timers, sent, figures, ready } = scene(15_000);
  const fed = (): number => sent.filter((text) => text === 'WATCHDOG=1').length;
  t.equal(fed(), 0);
  ready();
  timers.advance(15_000);
  t.equal(fed(), 3);
  figures.isAlive = false;
  timers.advance(60_000);
  t.equal(fed(), 3);
  figures.isAlive = true;
  timers.advance(7500);
  t.equal(fed(), 4);
});

test('without a watchdog none is fed', async (t) => {
  const { timers, sent, ready } = scene();
  ready();
  timers.advance(100_000);
  t.notOk(sent.includes('WATCHDOG=1'));
});
