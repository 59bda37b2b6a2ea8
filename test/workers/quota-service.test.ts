import { test } from 'tap';
import { parseIp } from '../../src/stun/ip-address.ts';
import { NO_USER } from '../../src/turn/grant.ts';
import { QuotaService } from '../../src/workers/quota-service.ts';
import { RemoteQuota } from '../../src/workers/remote-quota.ts';
import { quotaOf } from '../support/quota.ts';

const ALICE = {
  credential: { quotaKey: 'static/alice', quotaLimit: 3, realm: 'r', realmLimit: 0 },
  client: '192.0.2.1',
};
const ANYBODY = { credential: null, client: '192.0.2.9' };

function scene() {
  const quota = quotaOf({ allocations: 10, allocationsPerClientAddress: 5 });
  return { quota, service: new QuotaService(quota, 'r') };
}

test('limits hold over all workers together', async (t) => {
  const { quota, service } = scene();
  t.same(
    [1, 2, 1, 2].map((worker) => service.acquire(worker, ALICE)),
    [{ userSlot: 0 }, { userSlot: 0 }, { userSlot: 0 }, null],
  );
  t.equal(quota.usedBy('r', 'static/alice'), 3);
  const anybody = Array.from({ length: 6 }, (_, index) => service.acquire(1 + (index % 2), ANYBODY));
  t.same(anybody, [NO_USER, NO_USER, NO_USER, NO_USER, NO_USER, null]);
});

test('a unit returns once, from the worker that holds it', async (t) => {
  const { quota, service } = scene();
  service.acquire(1, ALICE);
  service.release(2, ALICE);
  t.equal(quota.usedBy('r', 'static/alice'), 1, 'worker 2 holds none');
  service.release(1, ALICE);
  service.release(1, ALICE);
  t.same(quota.counts(), { allocations: 0, users: 0, clients: 0 });
});

test('everything that a dead worker held returns, and nothing of the others', async (t) => {
  const { quota, service } = scene();
  for (const worker of [1, 1, 2]) service.acquire(worker, ALICE);
  service.acquire(1, ANYBODY);
  service.releaseAll(1);
  t.same(quota.counts(), { allocations: 1, users: 1, clients: 1 });
  service.releaseAll(1);
  t.equal(quota.usedBy('r', 'static/alice'), 1);
  t.ok(service.acquire(1, ALICE), 'its successor begins anew');
});

test('what is no address is refused', async (t) => {
  const { quota, service } = scene();
  t.equal(service.acquire(1, { ...ALICE, client: 'x' }), null);
  t.equal(quota.counts().allocations, 0);
});

test('a worker asks for each allocation, and is refused when main is gone', async (t) => {
  const { quota, service } = scene();
  let isGone = false;
  const remote = new RemoteQuota(
    {
      quota: async (request) => {
        if (isGone) throw new Error('gone');
        return service.acquire(1, request);
      },
      release: (request) => service.release(1, request),
    },
    'r',
  );
  const client = parseIp('2001:db8::1');
  if (client === null) throw new Error('no address');
  const credential = {
    md5Key: Buffer.alloc(16),
    sha256Key: null,
    username: 'alice',
    realm: 'r',
    quotaKey: 'static/alice',
    quotaLimit: 1,
    realmLimit: 0,
  };
  t.same(await remote.acquire({ credential, client }), { userSlot: 0 });
  t.equal(await remote.acquire({ credential, client }), null);
  t.same(await remote.acquire({ credential: null, client }), NO_USER);
  remote.release({ credential, client });
  t.same(quota.counts(), { allocations: 1, users: 0, clients: 1 });
  isGone = true;
  t.equal(await remote.acquire({ credential, client }), null);
});
