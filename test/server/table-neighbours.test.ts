import { test } from 'tap';
import { PortOwner, PortTable, workerOwner } from '../../src/planes/port-table.ts';
import { TableNeighbours } from '../../src/server/table-neighbours.ts';
import { ToldAddresses } from '../../src/server/told-addresses.ts';
import { type IpAddress, parseIp } from '../../src/stun/ip-address.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { PortRequest } from '../../src/turn/env.ts';

const PORT = 50_000;

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

/** The table of two relay addresses behind a NAT, with one port that `owner` holds in row 0; worker 1 looks at it. */
function scene(owner: number) {
  const bytes = new Uint8Array(PortTable.byteLength(2));
  const table = (of: number) => new PortTable({ bytes, owner: of, minPort: PORT, maxPort: PORT });
  table(owner).draw([0], PortRequest.ANY, { fill: (target) => target.fill(0) });
  const told = new ToldAddresses({
    local: ['10.0.0.1'],
    relays: [
      { ip: '10.0.0.1', shown: '192.0.2.1', known: ['192.0.2.1'] },
      { ip: 'fd00::1', shown: '2001:db8::1', known: ['2001:db8::1'] },
    ],
    external: [],
    listeners: [{ ip: '10.0.0.1', port: 3478 }],
    backends: [],
  });
  return { told, table: table(owner), neighbours: new TableNeighbours(table(workerOwner(0)), workerOwner(0), told) };
}

function shownOf(neighbours: TableNeighbours, text: string, port: number): string {
  const words = new TransportWords();
  words.setTo(ip(text), port);
  neighbours.toShown(words);
  return words.copyAddress().text;
}

test('a relay of another worker is found by the address that is shown, and shown so', async (t) => {
  const { neighbours } = scene(workerOwner(1));
  t.equal(neighbours.privateOf(ip('192.0.2.1'), PORT)?.text, '10.0.0.1');
  t.equal(neighbours.privateOf(ip('192.0.2.1'), PORT + 1), null, 'nobody holds that port');
  t.equal(neighbours.privateOf(ip('10.0.0.1'), PORT), null, 'it is not shown');
  t.equal(neighbours.privateOf(ip('2001:db8::1'), PORT), null, 'not in that row');
  t.equal(shownOf(neighbours, '10.0.0.1', PORT), `192.0.2.1:${PORT}`);
  t.equal(shownOf(neighbours, '10.0.0.1', PORT + 1), `10.0.0.1:${PORT + 1}`);
  t.equal(shownOf(neighbours, '10.9.9.9', PORT), `10.9.9.9:${PORT}`);
});

test('the own relays and what main reserves are no neighbours', async (t) => {
  for (const owner of [workerOwner(0), PortOwner.MAIN]) {
    const { neighbours } = scene(owner);
    t.equal(neighbours.privateOf(ip('192.0.2.1'), PORT), null);
    t.equal(shownOf(neighbours, '10.0.0.1', PORT), `10.0.0.1:${PORT}`);
  }
});

test('R15 a change of the external address holds for new relays, and those that are open are known by the old', async (t) => {
  const { neighbours, told, table } = scene(workerOwner(1));
  t.equal(told.markFor(ip('10.0.0.1')), 0);
  t.equal(told.own.isOwn(ip('192.0.2.1')), true);
  t.equal(told.own.isListener(ip('10.0.0.1'), 3478), true);
  const relays = [{ ip: '10.0.0.1', shown: '192.0.2.77', known: ['192.0.2.1', '192.0.2.77'] }];
  told.update({ local: ['10.0.0.1'], relays, external: [], listeners: [], backends: [] });
  t.equal(told.shownFor(ip('10.0.0.1')).text, '192.0.2.77');
  t.equal(neighbours.privateOf(ip('192.0.2.77'), PORT), null);
  t.equal(neighbours.privateOf(ip('192.0.2.1'), PORT)?.text, '10.0.0.1');
  t.equal(shownOf(neighbours, '10.0.0.1', PORT), `192.0.2.1:${PORT}`);
  table.mark(0, PORT, told.markFor(ip('10.0.0.1')));
  t.equal(neighbours.privateOf(ip('192.0.2.77'), PORT)?.text, '10.0.0.1');
  t.equal(neighbours.privateOf(ip('192.0.2.1'), PORT), null);
  t.equal(shownOf(neighbours, '10.0.0.1', PORT), `192.0.2.77:${PORT}`);
  t.equal(told.own.isListener(ip('10.0.0.1'), 3478), false);
  t.equal(told.own.isShown(ip('192.0.2.77')), true);
});
