// What a flag of turnd cannot mean is refused with a sentence.

import { join } from 'node:path';
import { test } from 'tap';
import { runTurnd, temporaryDirectory } from '../support/turnd-process.ts';

/** A flag, and the sentence that refuses it. Those of one list are refused together, a line each. */
type Refusals = readonly (readonly [flag: string, value: string, sentence: RegExp])[];

const TOGETHER: readonly Refusals[] = [
  [
    ['--listen', 'quic://*:3478', /^--listen: "quic:.*": the scheme must be udp, tcp, tls or tcp\+tls$/m],
    ['--realm', '', /^--realm: must not be empty$/m],
    ['--user-quota', '-1', /^--user-quota: .+$/m],
    ['--relay-address', 'example.org', /^--relay-address: .+$/m],
    ['--external-address', '1.2.3', /^--external-address: "1.2.3" is neither .+$/m],
    ['--relay-ports', '5000', /^--relay-ports: .+$/m],
    ['--allow-peer', '10.0.0.0/99', /^--allow-peer: "10.0.0.0\/99" has a prefix longer than 32$/m],
    ['--deny-peer', 'everyone', /^--deny-peer: .+$/m],
    ['--log-level', 'loud', /^--log-level: .+$/m],
    ['--log-format', 'xml', /^--log-format: .+$/m],
  ],
  [
    ['--plane', 'xdp', /^--plane: must be auto, portable or linux$/m],
    ['--workers', 'few', /^--workers: expected auto or a number from 0 to 250$/m],
    ['--listen', 'udp://127.0.0.1:99999', /^--listen: .+$/m],
    ['--user', 'alice', /^--user: .+$/m],
    ['--relay-ports', '6000-5000', /^--relay-ports: .+$/m],
    ['--user-file', '/no/such/users', /^--user-file: .*\/no\/such\/users.*no such file or directory/m],
    ['--secret-file', '/no/such/secret', /^--secret-file: .*\/no\/such\/secret.*no such file or directory/m],
  ],
  [
    ['--plane', 'linux', /./],
    ['--workers', '0', /^--workers: must not be 0: the linux plane needs a worker$/m],
  ],
  [
    ['--plane', 'portable', /./],
    ['--workers', '4', /^--workers: must be 0: the portable plane has no workers$/m],
  ],
  [['--config', '/no/such/file.yaml', /^--config: cannot read \/no\/such\/file.yaml: no such file or directory$/m]],
  [['--tls-cert', '/x.pem', /^--tls-cert, --tls-key: one needs the other$/m]],
  [['--lisen', 'udp://*:1', /unknown option '--lisen'[\s\S]*--listen/]],
];

for (const refusals of TOGETHER) {
  const flags = refusals.map(([flag]) => flag);
  test(`${flags.join(' ')} with a wrong value: status 2 and a sentence each`, async (t) => {
    const all = refusals.map(([flag, value]) => `${flag}=${value}`);
    const ended = await runTurnd([...all, '--state-dir', join(temporaryDirectory(t), 'state')]);
    t.notMatch(ended.stderr, /^(?!turnd: |\(Did you mean |$)/m, 'every line says whose it is');
    const said = ended.stderr.replaceAll(/^turnd: /gm, '');
    for (const [flag, value, sentence] of refusals) t.match(said, sentence, `${flag} ${value}`);
    t.equal(ended.code, 2);
    t.equal(ended.stdout, '');
  });
}
