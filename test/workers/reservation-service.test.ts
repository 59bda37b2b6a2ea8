import { randomFillSync } from 'node:crypto';
import { test } from 'tap';
import { ReservationService, type ReservedSocket } from '../../src/workers/reservation-service.ts';

function scene() {
  const expired: number[] = [];
  const time = { now: 0 };
  const service = new ReservationService({
    now: () => time.now,
    random: { fill: (target) => void randomFillSync(target) },
    expired: ({ fd }) => expired.push(fd),
  });
  return { service, expired, time };
}

function socket(fd: number, holder: string | null = null): ReservedSocket {
  return { fd, row: 0, port: 50_001, holder };
}

test('a token works once', async (t) => {
  const { service, expired } = scene();
  const token = service.hold(socket(7));
  t.match(token, /^[0-9a-f]{16}$/);
  const taken: number[] = [];
  const take = ({ fd }: ReservedSocket): boolean => taken.push(fd) > 0;
  t.equal(service.redeem('0011223344556677', take), false);
  t.equal(service.redeem(token, take), true);
  t.equal(service.redeem(token, take), false);
  t.same(taken, [7]);
  service.close();
  t.same(expired, [], 'the socket is its taker’s');
});

test('a token that could not be handed over stays good', async (t) => {
  const { service } = scene();
  const token = service.hold(socket(7));
  t.equal(
    service.redeem(token, () => false),
    false,
  );
  t.equal(
    service.redeem(token, () => true),
    true,
  );
});

test('it is held for 30 seconds at least, and then given back', async (t) => {
  const { service, expired, time } = scene();
  const token = service.hold(socket(7));
  const kept = service.hold(socket(8));
  time.now = 30_999;
  service.tick();
  t.equal(
    service.redeem(kept, () => true),
    true,
  );
  t.same(expired, []);
  time.now = 31_000;
  t.equal(
    service.redeem(token, () => true),
    false,
    'before any tick',
  );
  service.tick();
  service.tick();
  t.same(expired, [7]);
  t.equal(service.size, 0);
});

test('a holder has as many as it may', async (t) => {
  const { service } = scene();
  t.equal(service.mayHold('a', 1), true);
  const token = service.hold(socket(7, 'a'));
  service.hold(socket(8, null));
  t.equal(service.mayHold('a', 1), false);
  t.equal(service.mayHold('b', 1), true);
  service.redeem(token, () => true);
  t.equal(service.mayHold('a', 1), true);
});

test('whatever is held returns at the end', async (t) => {
  const { service, expired } = scene();
  service.hold(socket(7));
  service.hold(socket(8));
  service.close();
  service.close();
  t.same(expired, [7, 8]);
});
