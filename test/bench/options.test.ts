import { test } from 'tap';
import { parseOptions } from '../../bench/options.ts';
import { suiteCells } from '../../bench/suites.ts';
import { UsageError } from '../../bench/usage-error.ts';

test('without arguments turnd is started and loaded from client to peer', async (t) => {
  const options = parseOptions([]);
  t.strictSame(options.servers, [{ kind: 'spawn', name: 'turnd', program: 'turnd', flags: [] }]);
  t.strictSame(options.cells, [
    { measure: 'packets', direction: 'c2p', burst: 1, clients: 50, payload: 1000, rate: 20_000 },
  ]);
  t.match(options, { seconds: 5, rounds: 3, repeats: 2, gso: false, rest: 0, generator: 'auto', smoke: false });
});

test('servers keep the order of the command line', async (t) => {
  const args = ['--spawn', 'fast=turnd --plane linux', '--server', 'a=udp://192.0.2.1:3478,pid=7', '--spawn', 'coturn'];
  t.strictSame(parseOptions(args).servers, [
    { kind: 'spawn', name: 'fast', program: 'turnd', flags: ['--plane', 'linux'] },
    { kind: 'running', name: 'a', address: { address: '192.0.2.1', port: 3478 }, pid: 7 },
    { kind: 'spawn', name: 'coturn', program: 'coturn', flags: [] },
  ]);
});

test('an IPv6 server is written in brackets', async (t) => {
  const [server] = parseOptions(['--server', 'six=udp://[2001:db8::1]:3478']).servers;
  t.strictSame(server, { kind: 'running', name: 'six', address: { address: '2001:db8::1', port: 3478 }, pid: null });
});

test('turnd is judged against every coturn', async (t) => {
  const args = [
    '--spawn',
    'turnd',
    '--spawn',
    'coturn -m 1',
    '--spawn',
    'new=/opt/turnserver',
    '--spawn',
    'b=turnd -q',
  ];
  t.strictSame(parseOptions(args).roles, { baselines: ['coturn', 'new'], subjects: ['turnd', 'b'] });
  const named = parseOptions([...args, '--baseline', 'turnd']).roles;
  t.strictSame(named, { baselines: ['turnd'], subjects: ['b'] }, 'or against a named server, and coturn is not judged');
});

test('a cell is described by its options', async (t) => {
  const cellOf = (...args: string[]) => parseOptions(args).cells;
  t.strictSame(cellOf('--rate', 'max', '--direction', 'both', '--burst', '8', '--clients', '1', '--payload', '160'), [
    { measure: 'saturation', direction: 'both', burst: 8, clients: 1, payload: 160 },
  ]);
  t.strictSame(cellOf('--measure', 'set-ups'), [{ measure: 'set-ups', clients: 4000 }]);
  t.strictSame(cellOf('--measure', 'memory', '--clients', '9'), [{ measure: 'memory', clients: 9 }]);
});

test('a suite is a list of cells, which a part of the name narrows', async (t) => {
  t.strictSame(parseOptions(['--suite', 'full']).cells, suiteCells('full'));
  t.strictSame(parseOptions(['--suite', 'targets', '--only', 'p2c']).cells, [
    { measure: 'packets', direction: 'p2c', burst: 1, clients: 50, payload: 1000, rate: 60_000 },
  ]);
});

test('the smoke suite is short unless it is told otherwise', async (t) => {
  t.match(parseOptions(['--smoke', '--rate', '60000']), { smoke: true, rounds: 1, repeats: 0, seconds: 1 });
  t.strictSame(parseOptions(['--smoke']).cells, suiteCells('smoke'));
  t.match(parseOptions(['--suite', 'smoke', '--rounds', '4']), { smoke: true, rounds: 4 });
});

test('results are printed in one format', async (t) => {
  t.equal(parseOptions([]).format, 'text');
  t.equal(parseOptions(['--json']).format, 'json');
  t.equal(parseOptions(['--markdown']).format, 'markdown');
});

test('a wrong argument is named', async (t) => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['--rate', 'fast'], /--rate fast/],
    [['--rate', ''], /--rate/],
    [['--burst', '1.5'], /whole number/],
    [['--payload', '15'], /--payload 15: must be a number from 16/],
    [['--direction', 'up'], /--direction up: must be one of c2p, p2c, both/],
    [['--measure', 'all'], /--measure all/],
    [['--suite', 'all'], /--suite all: must be one of targets, full, smoke/],
    [['--suite', 'full', '--only', 'nothing'], /--only nothing/],
    [['--generator', 'fast'], /--generator fast/],
    [['--baseline', 'coturn'], /--baseline coturn: there is no such server/],
    [['--json', '--markdown'], /only one/],
    [['--server', 'udp://192.0.2.1:3478'], /NAME=udp/],
    [['--server', 'a=udp://192.0.2.1:70000'], /65535/],
    [['--spawn', 'nginx'], /--spawn nginx/],
    [['--spawn', '=turnd'], /--spawn =turnd/],
    [['--spawn', 'coturn', '--spawn', 'coturn -m 1'], /same name/],
    [['--user', 'alice'], /NAME:PASSWORD/],
    [['--unknown'], /--unknown/],
  ];
  for (const [args, message] of wrong) {
    t.throws(() => parseOptions(args), { constructor: UsageError, message }, args.join(' '));
  }
});
