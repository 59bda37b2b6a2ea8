import fc from 'fast-check';
import { test } from 'tap';
import type { AllocationQuota, QuotaLimits } from '../../src/limits/quota.ts';
import { type IpAddress, parseIp } from '../../src/stun/ip-address.ts';
import type { Credential, QuotaRequest } from '../../src/turn/env.ts';
import { quotaOf } from '../support/quota.ts';

const NO_LIMITS: QuotaLimits = { allocations: 0, allocationsPerClientAddress: 0 };
const NOTHING = { allocations: 0, users: 0, clients: 0 };

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(`no address: ${text}`);
  return parsed;
}

function user(quotaKey: string | null, quotaLimit = 0, realmLimit = 0): Credential {
  return {
    md5Key: Buffer.alloc(16),
    sha256Key: null,
    username: 'anybody',
    realm: 'r',
    quotaKey,
    quotaLimit,
    realmLimit,
  };
}

function request(client: string, credential: Credential | null = null): QuotaRequest {
  return { client: ip(client), credential };
}

/** How many of `requests` are granted. */
function granted(quota: AllocationQuota, requests: readonly QuotaRequest[]): number {
  return requests.filter((each) => quota.acquire(each)).length;
}

function repeat(count: number, make: (index: number) => QuotaRequest): QuotaRequest[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

test('S48: of many allocations by all, exactly the limit is granted', async (t) => {
  const quota = quotaOf({ ...NO_LIMITS, allocations: 250 });
  t.equal(
    granted(
      quota,
      repeat(1000, (index) => request(`192.0.2.${index % 256}`)),
    ),
    250,
  );
  quota.release(request('192.0.2.0'));
  t.equal(
    granted(
      quota,
      repeat(10, () => request('192.0.2.1')),
    ),
    1,
  );
});

test('S48, REST-10: of many allocations by one user, exactly the limit is granted', async (t) => {
  const quota = quotaOf(NO_LIMITS);
  const alice = user('rest/alice', 100);
  t.equal(
    granted(
      quota,
      repeat(1000, (index) => request(`192.0.2.${index % 256}`, alice)),
    ),
    100,
  );
  t.equal(granted(quota, [request('192.0.2.1', user('rest/bob', 100))]), 1);
  t.equal(quota.usedBy('r', 'rest/alice'), 100);
  quota.release(request('192.0.2.0', alice));
  t.equal(
    granted(
      quota,
      repeat(10, () => request('192.0.2.9', user('rest/alice', 100))),
    ),
    1,
  );
});

test('S48: of many allocations from one IPv4 address, exactly the limit is granted', async (t) => {
  const quota = quotaOf({ ...NO_LIMITS, allocationsPerClientAddress: 30 });
  t.equal(
    granted(
      quota,
      repeat(1000, (index) => request('192.0.2.1', user(`user ${index}`))),
    ),
    30,
  );
  t.equal(granted(quota, [request('192.0.2.2')]), 1);
  t.equal(granted(quota, [request('::ffff:192.0.2.1')]), 0, 'the mapped form is the same client');
});

test('S48: the addresses of one IPv6 /64 are one client, those of the next another', async (t) => {
  const quota = quotaOf({ ...NO_LIMITS, allocationsPerClientAddress: 30 });
  const inOne = repeat(100, (index) => request(`2001:db8:0:1::${index.toString(16)}`));
  t.equal(granted(quota, inOne), 30);
  t.equal(granted(quota, [request('2001:db8:0:1:ffff::1')]), 0);
  t.equal(granted(quota, [request('2001:db8:0:2::1'), request('2001:db8:1:1::1')]), 2);
});

test('a limit of 0 is none', async (t) => {
  const quota = quotaOf(NO_LIMITS);
  t.equal(
    granted(
      quota,
      repeat(5000, () => request('192.0.2.1', user('static/app'))),
    ),
    5000,
  );
});

test('a user without a quota key is counted by address only', async (t) => {
  const quota = quotaOf(NO_LIMITS);
  quota.acquire(request('192.0.2.1', user(null)));
  t.same(quota.counts(), { allocations: 1, users: 0, clients: 1 });
});

test('what is refused by one limit counts against none', async (t) => {
  const quota = quotaOf({ allocations: 10, allocationsPerClientAddress: 2 });
  const bob = user('bob', 1);
  t.equal(granted(quota, [request('192.0.2.1', bob), request('192.0.2.2', bob)]), 1);
  t.equal(
    granted(
      quota,
      repeat(5, () => request('192.0.2.3')),
    ),
    2,
  );
  t.same(quota.counts(), { allocations: 3, users: 1, clients: 2 });
});

test('giving back what nobody holds changes nothing', async (t) => {
  const quota = quotaOf({ allocations: 1, allocationsPerClientAddress: 0 });
  const held = request('192.0.2.1', user('bob'));
  quota.acquire(held);
  quota.release(request('192.0.2.2', user('bob')));
  quota.release(request('192.0.2.1', user('carol')));
  t.same(quota.counts(), { allocations: 1, users: 1, clients: 1 });
  quota.release(held);
  quota.release(held);
  t.same(quota.counts(), NOTHING);
  t.equal(granted(quota, [held, held]), 1);
});

test('lower limits hold for the next allocation', async (t) => {
  const quota = quotaOf(NO_LIMITS);
  const requests = repeat(5, () => request('192.0.2.1'));
  granted(quota, requests);
  quota.setLimits({ allocations: 3, allocationsPerClientAddress: 0 });
  t.equal(granted(quota, requests), 0);
  t.equal(quota.counts().allocations, 5);
});

test('after any order of taking and giving back, nothing is left and no limit was exceeded', async (t) => {
  const clients = ['192.0.2.1', '192.0.2.2', '::ffff:192.0.2.1', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'];
  const users = [null, user(null), user('a', 3), user('b', 1), user('c'), user('__proto__', 2)];
  const step = fc.record({
    client: fc.constantFrom(...clients),
    credential: fc.constantFrom(...users),
    isRelease: fc.boolean(),
    which: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const quota = quotaOf({ allocations: 12, allocationsPerClientAddress: 5 });
      const held: QuotaRequest[] = [];
      for (const { client, credential, isRelease, which } of steps) {
        const given = isRelease ? held.splice(which % (held.length || 1), 1)[0] : undefined;
        if (given !== undefined) quota.release(given);
        else if (quota.acquire(request(client, credential))) held.push(request(client, credential));
        if (quota.counts().allocations !== held.length || held.length > 12) return false;
        if (quota.usedBy('r', 'a') > 3 || quota.usedBy('r', 'b') > 1 || quota.usedBy('r', '__proto__') > 2)
          return false;
        if (quota.usedBy('r', 'a') !== held.filter((each) => each.credential?.quotaKey === 'a').length) return false;
      }
      for (const each of held) quota.release(each);
      const { allocations, users: heldUsers, clients: heldClients } = quota.counts();
      return allocations + heldUsers + heldClients === 0;
    }),
  );
  t.pass('as a property');
});

test('a realm has a limit of its own, over all its users, and none on the others', async (t) => {
  const quota = quotaOf({ allocations: 0, allocationsPerClientAddress: 0 });
  const inRealm = (realm: string, name: string) => request('192.0.2.1', { ...user(name, 0, 2), realm });
  t.equal(granted(quota, [inRealm('a', 'x'), inRealm('a', 'y'), inRealm('a', 'z')]), 2);
  t.equal(granted(quota, [inRealm('b', 'x')]), 1);
  quota.release(inRealm('a', 'x'));
  t.equal(granted(quota, [inRealm('a', 'z'), inRealm('a', 'z')]), 1, 'a unit that returned can be had again');
  t.equal(quota.usedBy('b', 'x'), 1, 'users of one name in two realms are two users');
});
