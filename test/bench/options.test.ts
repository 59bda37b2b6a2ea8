import { test } from 'tap';
import { parseOptions, UsageError } from '../../bench/options.ts';

test('without arguments turnd is started and loaded from client to peer', async (t) => {
  const options = parseOptions([]);
  t.strictSame(options.servers, [{ kind: 'spawn', name: 'turnd', program: 'turnd', flags: [] }]);
  t.match(options, { clients: 50, payload: 1000, rate: 20_000, burst: 1, direction: 'c2p', rounds: 3 });
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

test('the smoke load overrides what was asked for', async (t) => {
  t.match(parseOptions(['--smoke', '--rate', '60000']), { smoke: true, rate: 500, rounds: 1 });
});

test('a wrong argument is named', async (t) => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['--rate', 'fast'], /--rate fast/],
    [['--rate', ''], /--rate/],
    [['--burst', '1.5'], /whole number/],
    [['--payload', '15'], /--payload 15: must be a number from 16/],
    [['--direction', 'up'], /--direction up/],
    [['--server', 'udp://192.0.2.1:3478'], /NAME=udp/],
    [['--server', 'a=udp://192.0.2.1:70000'], /65535/],
    [['--spawn', 'nginx'], /--spawn nginx/],
    [['--spawn', 'coturn', '--spawn', 'coturn -m 1'], /same name/],
    [['--user', 'alice'], /NAME:PASSWORD/],
    [['--unknown'], /--unknown/],
  ];
  for (const [args, message] of wrong) {
    t.throws(() => parseOptions(args), { constructor: UsageError, message }, args.join(' '));
  }
});
