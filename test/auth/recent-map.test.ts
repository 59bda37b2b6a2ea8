import { test } from 'tap';
import { RecentMap } from '../../src/auth/recent-map.ts';

function filled(generation: number, count: number): RecentMap<number, string> {
  const map = new RecentMap<number, string>(generation);
  for (let key = 0; key < count; key++) map.set(key, `value ${key}`);
  return map;
}

test('the entries used last are there, as many as a generation', async (t) => {
  for (const count of [10, 14, 15, 19, 20, 1000]) {
    const map = filled(10, count);
    for (let key = count - 1; key >= count - 10; key--) t.equal(map.get(key), `value ${key}`);
  }
});

test('a map never holds more than two generations', async (t) => {
  const map = filled(10, 0);
  for (let key = 0; key < 1000; key++) {
    map.set(key, '');
    map.get(key - 12);
    if (map.size > 20) t.fail(`${map.size} entries`);
  }
  t.ok(map.size >= 10);
});

test('an entry that is used stays while others come and go', async (t) => {
  const map = filled(10, 1);
  for (let key = 1; key < 1000; key++) {
    map.set(key, '');
    if (map.get(0) !== 'value 0') t.fail(`forgotten after ${key} others`);
  }
  t.equal(map.get(0), 'value 0');
  t.equal(map.get(1), undefined);
});

test('an entry has the value it was set to last', async (t) => {
  const map = filled(10, 12);
  map.set(3, 'new');
  t.equal(map.get(3), 'new');
  for (let key = 100; key < 108; key++) map.set(key, '');
  t.equal(map.get(3), 'new');
});

test('a cleared map is empty', async (t) => {
  const map = filled(10, 15);
  map.clear();
  t.equal(map.size, 0);
  t.equal(map.get(14), undefined);
});
