import { test } from 'tap';
import { classOf, MessageClass, Method, messageType, methodOf } from '../../src/stun/methods.ts';
import { compareWithRegistry } from '../support/iana.ts';
import { typeOf } from '../support/wire.ts';

test('methods are those of the IANA registry, both ways', async (t) => {
  t.strictSame(compareWithRegistry(Method, 'stun-methods'), {
    foreign: [],
    // Reserved, and a check between ICE agents.
    lacking: ['SharedSecret', 'GOOG-PING'],
  });
});

test('STUN-04 message types are those that the RFCs list', async (t) => {
  const types: [number, MessageClass, number][] = [
    [Method.BINDING, MessageClass.REQUEST, 0x0001],
    [Method.BINDING, MessageClass.INDICATION, 0x0011],
    [Method.BINDING, MessageClass.SUCCESS, 0x0101],
    [Method.BINDING, MessageClass.ERROR, 0x0111],
    [Method.ALLOCATE, MessageClass.REQUEST, 0x0003],
    [Method.ALLOCATE, MessageClass.SUCCESS, 0x0103],
    [Method.ALLOCATE, MessageClass.ERROR, 0x0113],
    [Method.REFRESH, MessageClass.ERROR, 0x0114],
    [Method.SEND, MessageClass.INDICATION, 0x0016],
    [Method.DATA, MessageClass.INDICATION, 0x0017],
    [Method.CREATE_PERMISSION, MessageClass.SUCCESS, 0x0108],
    [Method.CHANNEL_BIND, MessageClass.ERROR, 0x0119],
    [Method.CONNECT, MessageClass.SUCCESS, 0x010a],
    [Method.CONNECTION_BIND, MessageClass.ERROR, 0x011b],
    [Method.CONNECTION_ATTEMPT, MessageClass.INDICATION, 0x001c],
  ];
  for (const [method, cls, type] of types) t.equal(messageType(method, cls), type);
});

test('STUN-04 every method and class is packed and unpacked as in the figure', async (t) => {
  let wrong = 0;
  for (let method = 0; method <= 0xfff; method++) {
    for (const cls of [0, 1, 2, 3]) {
      const type = typeOf(method, cls);
      if (messageType(method, cls) !== type || methodOf(type) !== method || classOf(type) !== cls) wrong++;
    }
  }
  t.equal(wrong, 0);
});
