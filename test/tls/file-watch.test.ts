// When a watch looks, takes and complains: under a clock and over files of the test's own.

import { test } from 'tap';
import { FileWatch, GRACE_MS, POLL_MS, SETTLE_MS } from '../../src/tls/file-watch.ts';
import { VirtualTimers } from '../workers/virtual-timers.ts';

/** Files, and a watch over them. */
class Scene {
  readonly timers = new VirtualTimers();
  readonly stamps = new Map<string, string>();
  readonly directories = new Map<string, string>();
  readonly watched = new Map<string, () => void>();
  readonly refusals: string[] = [];
  /** What the files were each time that they were taken. */
  readonly taken: string[] = [];
  fault: string | null = null;
  readonly watch: FileWatch;

  constructor(...paths: readonly string[]) {
    this.watch = new FileWatch({
      timers: this.timers,
      files: {
        stampOf: (path) => this.stamps.get(path) ?? '',
        directoriesOf: (path) => ['live', this.directories.get(path) ?? 'live'],
        watch: (directory, onChange) => {
          this.watched.set(directory, onChange);
          return () => void this.watched.delete(directory);
        },
      },
      take: () => {
        this.taken.push(paths.map((path) => this.stamps.get(path) ?? '-').join());
        return this.fault;
      },
      refused: (reason) => this.refusals.push(reason),
    });
    this.watch.follow(paths);
  }
}

test('R14 files are taken once at the start, and again when an event says that they are others', async (t) => {
  const scene = new Scene('certificate', 'key');
  scene.timers.advance(SETTLE_MS);
  t.same(scene.taken, ['-,-'], 'they may have changed since somebody read them');
  scene.watched.get('live')?.();
  scene.timers.advance(SETTLE_MS);
  t.equal(scene.taken.length, 1, 'an event without a change');
  scene.stamps.set('certificate', '1');
  scene.watched.get('live')?.();
  scene.timers.advance(SETTLE_MS - 1);
  scene.stamps.set('key', '1');
  scene.watched.get('live')?.();
  scene.timers.advance(SETTLE_MS - 1);
  t.equal(scene.taken.length, 1, 'two files are seldom written in one moment');
  scene.timers.advance(1);
  t.same(scene.taken, ['-,-', '1,1']);
});

test('R14 without events they are looked at again and again', async (t) => {
  const scene = new Scene('certificate');
  scene.timers.advance(SETTLE_MS);
  scene.stamps.set('certificate', '1');
  scene.timers.advance(POLL_MS);
  t.same(scene.taken, ['-', '1']);
  scene.timers.advance(10 * POLL_MS);
  t.equal(scene.taken.length, 2);
});

test('R14 what cannot be taken is tried again, and told once', async (t) => {
  const scene = new Scene('certificate', 'key');
  scene.timers.advance(SETTLE_MS);
  scene.fault = 'the key is another one’s';
  scene.stamps.set('certificate', '1');
  scene.timers.advance(POLL_MS);
  t.same(scene.refusals, [], 'the other half may be still to come');
  scene.timers.advance(GRACE_MS);
  scene.timers.advance(10 * POLL_MS);
  t.same(scene.refusals, ['the key is another one’s']);
  t.equal(scene.taken.length, 3);
  scene.fault = null;
  scene.stamps.set('key', '1');
  scene.timers.advance(POLL_MS);
  t.equal(scene.taken.at(-1), '1,1');
  t.equal(scene.refusals.length, 1);
});

test('R14 a second half that comes in time is no fault', async (t) => {
  const scene = new Scene('certificate', 'key');
  scene.timers.advance(SETTLE_MS);
  scene.fault = 'the key is another one’s';
  scene.stamps.set('certificate', '1');
  scene.watched.get('live')?.();
  scene.timers.advance(SETTLE_MS);
  scene.fault = null;
  scene.stamps.set('key', '1');
  scene.watched.get('live')?.();
  scene.timers.advance(10 * POLL_MS);
  t.same(scene.refusals, []);
  t.equal(scene.taken.at(-1), '1,1');
});

test('R14 it follows a link to where that leads now', async (t) => {
  const scene = new Scene('certificate');
  t.same([...scene.watched.keys()], ['live']);
  scene.directories.set('certificate', 'archive');
  scene.stamps.set('certificate', '1');
  scene.timers.advance(POLL_MS);
  t.same([...scene.watched.keys()], ['live', 'archive']);
  scene.stamps.set('certificate', '2');
  scene.watched.get('archive')?.();
  scene.timers.advance(SETTLE_MS);
  t.equal(scene.taken.at(-1), '2');
  scene.watch.close();
  t.same([...scene.watched.keys()], []);
  t.equal(scene.timers.size, 0);
});
