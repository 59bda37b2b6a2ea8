// The texts were recorded from coturn 4.6.1 by MONITOR; test/interop/coturn/redis-statsdb.test.ts records them anew.

import { test } from 'tap';
import {
  channelOf,
  clientTrafficText,
  countPackets,
  type PublishedAllocation,
  type PublishedTraffic,
  peerTrafficText,
  statusText,
  subtractTraffic,
} from '../../src/statsdb/coturn-texts.ts';

const PLAIN: PublishedAllocation = {
  id: '1000000000000001',
  realm: 'example.org',
  user: 'bob',
  transport: 'UDP',
  local: '127.0.0.1:7391',
  remote: '127.0.0.1:36933',
  tlsMethod: '',
  tlsCipher: '',
};

const TRAFFIC: PublishedTraffic = {
  packetsFromClient: 18,
  bytesFromClient: 1848,
  packetsToClient: 19,
  bytesToClient: 1736,
  packetsFromPeers: 10,
  bytesFromPeers: 1000,
  packetsToPeers: 11,
  bytesToPeers: 1100,
};

test('keys and channels are those of coturn', async (t) => {
  const prefix = 'turn/realm/example.org/user/bob/allocation/001000000000000001';
  t.equal(channelOf(PLAIN, 'status'), `${prefix}/status`);
  t.equal(channelOf(PLAIN, 'total_traffic/peer'), `${prefix}/total_traffic/peer`);
  t.equal(
    channelOf({ ...PLAIN, realm: '', id: '7' }, 'traffic'),
    'turn/user/bob/allocation/000000000000000007/traffic',
  );
});

test('values are those of coturn', async (t) => {
  t.equal(
    statusText('new', PLAIN, 777),
    'new lifetime=777, type=UDP, local=127.0.0.1:7391, remote=127.0.0.1:36933, ssl=NONE, cipher=NONE',
  );
  const tls = { ...PLAIN, transport: 'TLS/TCP', tlsMethod: 'TLSv1.3', tlsCipher: 'TLS_AES_256_GCM_SHA384' } as const;
  t.match(statusText('refreshed', tls, 0), /^refreshed lifetime=0, type=TLS\/TCP,.*ssl=TLSv1.3, cipher=TLS_AES_256_/);
  t.equal(clientTrafficText(TRAFFIC), 'rcvp=18, rcvb=1848, sentp=19, sentb=1736');
  t.equal(peerTrafficText(TRAFFIC), 'rcvp=10, rcvb=1000, sentp=11, sentb=1100');
});

test('traffic is subtracted and counted in all four ways', async (t) => {
  t.equal(countPackets(TRAFFIC), 58);
  t.ok(Object.values(subtractTraffic(TRAFFIC, TRAFFIC)).every((count) => count === 0));
  t.equal(subtractTraffic({ ...TRAFFIC, bytesToPeers: 1107 }, TRAFFIC).bytesToPeers, 7);
});
