import { test } from 'tap';
import { AllocationQuota } from '../../src/limits/quota.ts';
import { UserSlots } from '../../src/limits/user-slots.ts';
import { parseIp } from '../../src/stun/ip-address.ts';
import { METER_BUCKETS } from '../../src/turn/rate-meter.ts';

const client = parseIp('192.0.2.1') as NonNullable<ReturnType<typeof parseIp>>;
const NO_LIMITS = { allocations: 0, allocationsPerClientAddress: 0 };

function scene(users: number) {
  const clock = { now: 1000 };
  const table = new Float64Array(users * METER_BUCKETS);
  const slots = new UserSlots(table, () => clock.now);
  return { clock, table, slots };
}

function request(quotaKey: string | null, realm = 'r') {
  return { client, credential: { quotaKey, quotaLimit: 0, realm, realmLimit: 0 } };
}

test('each user with allocations has a slot of his own, the same for all of them', async (t) => {
  const { slots } = scene(4);
  const quota = new AllocationQuota(NO_LIMITS, slots);
  const slotOf = (quotaKey: string | null, realm?: string) => quota.acquire(request(quotaKey, realm))?.userSlot;
  const [alice, again, bob, other] = [slotOf('alice'), slotOf('alice'), slotOf('bob'), slotOf('alice', 's')];
  t.equal(alice, again);
  t.equal(new Set([alice, bob, other]).size, 3, 'one name in two realms is two users');
  t.equal(slotOf(null), null, 'who is not counted has none');
  quota.release(request('alice'));
  t.equal(slotOf('alice'), alice, 'one of two given back: it is still his');
});

test('ten thousand users: no two share a slot', async (t) => {
  const { slots } = scene(16_384);
  const quota = new AllocationQuota(NO_LIMITS, slots);
  const taken = Array.from({ length: 10_000 }, (_, index) => quota.acquire(request(`user ${index}`))?.userSlot);
  t.equal(new Set(taken).size, 10_000);
});

test('a user who comes back soon finds his buckets as he left them', async (t) => {
  const { slots, table, clock } = scene(4);
  const slot = slots.take('alice') as number;
  table.fill(7, slot * METER_BUCKETS, (slot + 1) * METER_BUCKETS);
  slots.leave('alice', slot);
  clock.now += 9999;
  const bob = slots.take('bob') as number;
  t.not(bob, slot, 'kept for her');
  t.equal(slots.take('alice'), slot);
  t.equal(table[slot * METER_BUCKETS], 7);
});

test('a slot goes to another user with empty buckets', async (t) => {
  const { slots, table, clock } = scene(2);
  const slot = slots.take('alice') as number;
  const other = slots.take('bob') as number;
  table.fill(7);
  slots.leave('alice', slot);
  clock.now += 10_000;
  t.equal(slots.take('carol'), slot);
  t.same([...table.subarray(slot * METER_BUCKETS, (slot + 1) * METER_BUCKETS)], [0, 0, 0, 0]);
  t.equal(table[other * METER_BUCKETS], 7, 'and nobody else’s are touched');
});

test('where slots run short, those who left give way; beyond, nothing is granted and nothing lost', async (t) => {
  const { slots } = scene(2);
  const quota = new AllocationQuota(NO_LIMITS, slots);
  quota.acquire(request('alice'));
  quota.acquire(request('bob'));
  t.equal(quota.acquire(request('carol')), null);
  t.same(quota.counts(), { allocations: 2, users: 2, clients: 1 });
  quota.release(request('alice'));
  t.ok(quota.acquire(request('carol')), 'at once');
  t.equal(quota.acquire(request('alice')), null);
});

test('after any number of users nothing is left of them', async (t) => {
  const { slots, clock } = scene(8);
  const quota = new AllocationQuota(NO_LIMITS, slots);
  for (let round = 0; round < 1000; round++) {
    const names = Array.from({ length: 8 }, (_, index) => `user ${round * 8 + index}`);
    const taken = names.map((name) => quota.acquire(request(name))?.userSlot);
    if (new Set(taken).size < 8 || taken.includes(undefined)) t.fail(`round ${round}: ${taken}`);
    for (const name of names) quota.release(request(name));
    clock.now += round % 3 === 0 ? 10_000 : 1;
  }
  t.same(quota.counts(), { allocations: 0, users: 0, clients: 0 });
});
