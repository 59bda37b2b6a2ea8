// The code of docs/credentials.md that makes REST credentials: run as it stands there, by the interpreter of its language,
// and let in by a running turnd.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { t as root, test } from 'tap';
import { z } from 'zod';
import { Child } from '../support/child-process.ts';
import { findProgram } from '../support/foreign-program.ts';
import { RawClient } from '../support/raw-client.ts';
import { startLabTurnd, temporaryDirectory } from '../support/turnd-process.ts';

root.setTimeout(170_000);

const PAGE = readFileSync(new URL('../../../docs/credentials.md', import.meta.url), 'utf8');
const SECRET = 'north-wind-secret-0123456789';
const made = z.strictObject({ username: z.string(), credential: z.string() });

const LANGUAGES = [
  { heading: 'Node', file: 'snippet.mjs', program: { path: process.execPath, skip: false as const } },
  { heading: 'Python', file: 'snippet.py', program: findProgram('TURND_TEST_PYTHON', ['/usr/bin/python3']) },
  { heading: 'PHP', file: 'snippet.php', program: findProgram('TURND_TEST_PHP', ['/usr/bin/php']) },
];

function snippet(heading: string): string {
  const found = new RegExp(`^### ${heading}\n\n\`\`\`\\w+\n([^]*?)^\`\`\``, 'm').exec(PAGE)?.[1];
  if (found === undefined) throw new Error(`docs/credentials.md has no code for ${heading}`);
  return found;
}

for (const { heading, file, program } of LANGUAGES) {
  test(`REST credentials made in ${heading} are let in`, { skip: program.skip }, async (t) => {
    const path = join(temporaryDirectory(t), file);
    writeFileSync(path, snippet(heading));
    const child = new Child(program.path, [path], { env: { TURN_SECRET: SECRET } });
    t.equal(await child.ended, 0, child.lines.join('\n'));
    const { username: user, credential: password } = made.parse(JSON.parse(child.lines.join('\n')));
    t.match(user, /^\d{10}:alice$/);
    const server = await startLabTurnd(t, ['--secret', SECRET]);
    const client = await RawClient.open({ port: await server.port('udp'), user, password });
    t.teardown(() => client.close());
    await client.allocated();
  });
}

test('the code in Go is the same algorithm', async (t) => {
  const text = snippet('Go');
  t.match(text, 'fmt.Sprintf("%d:alice", time.Now().Unix()+3600)');
  t.match(text, /hmac\.New\(sha1\.New, \[\]byte\(os\.Getenv\("TURN_SECRET"\)\)\)\nmac\.Write\(\[\]byte\(username\)\)/);
  t.match(text, 'base64.StdEncoding.EncodeToString(mac.Sum(nil))');
});
