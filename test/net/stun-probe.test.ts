import { createSocket } from 'node:dgram';
import { type Test, test } from 'tap';
import { openUdpSocket, probeMappedAddress } from '../../src/net/stun-probe.ts';
import { parseIp } from '../../src/stun/ip-address.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { type Answers, mappedAnswer, startStunResponder } from '../support/stun-responder.ts';

const LOOPBACK = parseIp('127.0.0.1')!;

async function probe(t: Test, answers: Answers, timeoutMs: number) {
  const server = await startStunResponder(answers);
  t.teardown(() => server.close());
  const mapped = await probeMappedAddress({
    server: new TransportAddress(LOOPBACK, server.port),
    local: LOOPBACK,
    timeoutMs,
    openSocket: openUdpSocket,
  });
  return { mapped: mapped?.text ?? null, requests: server.requests };
}

test('the mapped address of a Binding response is found', async (t) => {
  const { mapped, requests } = await probe(t, (request) => [mappedAnswer(request, [35, 192, 0, 1])], 10_000);
  t.equal(mapped, '35.192.0.1');
  t.equal(requests[0]?.subarray(0, 8).toString('hex'), '000100002112a442', 'a Binding request with no attributes');
  t.equal(requests[0]?.length, 20);
});

test('what is no answer to this request is passed over, and the answer behind it counts', async (t) => {
  const wrong = (request: Buffer): Buffer[] => {
    const good = mappedAnswer(request, [1, 2, 3, 4]);
    const changed = (offset: number, value: number) => {
      const copy = Buffer.from(good);
      copy[offset] = value;
      return copy;
    };
    const otherTransaction = changed(19, (good[19] ?? 0) ^ 1);
    const error = changed(0, 0x01).fill(0x11, 1, 2);
    return [
      Buffer.alloc(0),
      Buffer.from('junk'),
      otherTransaction,
      error,
      changed(4, 0),
      changed(25, 3),
      changed(23, 20),
      good.subarray(0, 28),
    ];
  };
  const { mapped } = await probe(t, (request) => [...wrong(request), mappedAnswer(request, [35, 192, 0, 1])], 10_000);
  t.equal(mapped, '35.192.0.1');
});

test('a lost request is sent again', async (t) => {
  let seen = 0;
  const { mapped, requests } = await probe(
    t,
    (request) => (++seen < 2 ? [] : [mappedAnswer(request, [35, 192, 0, 1])]),
    900,
  );
  t.equal(mapped, '35.192.0.1');
  t.strictSame(requests[0], requests[1], 'unchanged');
});

test('a silent server is no answer', async (t) => {
  const { mapped } = await probe(t, () => [], 150);
  t.equal(mapped, null);
});

test('an answer from another port is not believed', async (t) => {
  const other = createSocket('udp4');
  const server = createSocket('udp4');
  t.teardown(() => {
    other.close();
    server.close();
  });
  server.on('message', (request, from) => other.send(mappedAnswer(request, [6, 6, 6, 6]), from.port, from.address));
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  const address = new TransportAddress(LOOPBACK, server.address().port);
  t.equal(
    await probeMappedAddress({ server: address, local: LOOPBACK, timeoutMs: 200, openSocket: openUdpSocket }),
    null,
  );
});

test('an address that cannot be bound is no answer', async (t) => {
  const server = new TransportAddress(LOOPBACK, 9);
  const local = parseIp('203.0.113.77')!;
  t.equal(await probeMappedAddress({ server, local, timeoutMs: 10_000, openSocket: openUdpSocket }), null);
});
