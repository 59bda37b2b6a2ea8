// Plays endurance scenarios: `npm run endurance -- NAME… [--long] [--minutes N]`; without a name, all. Each prints figures
// and its verdict; the last line is `N passed, N failed`. Takes root: each has network namespaces of its own.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Cleanup, type Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

async function play(scenario: Scenario, long: boolean, minutes: number): Promise<boolean> {
  console.log(`\n=== ${scenario.name}: ${scenario.title}`);
  const cleanup = new Cleanup();
  try {
    const findings = await scenario.play({ scale: { long, minutes }, cleanup, say: (line) => console.log(line) });
    for (const { what, passed } of findings) console.log(`${passed ? 'ok    ' : 'FAILED'} ${what}`);
    return findings.every(({ passed }) => passed);
  } catch (error) {
    console.log(`FAILED ${error instanceof Error ? error.message : error}`);
    return false;
  } finally {
    await cleanup.run();
  }
}

// A process has one set of namespaces: each scenario is played by a process of its own.
function playInChild(name: string, options: readonly string[]): boolean {
  const args = [fileURLToPath(import.meta.url), name, ...options];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0;
}

async function main(): Promise<void> {
  const options = { long: { type: 'boolean', default: false }, minutes: { type: 'string', default: '0' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const names = positionals.length > 0 ? positionals : SCENARIOS.map(({ name }) => name);
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) {
    console.error(`no scenario ${unknown.join(', ')}: there are ${SCENARIOS.map(({ name }) => name).join(', ')}`);
    process.exit(2);
  }
  const only = SCENARIOS.find(({ name }) => names.length === 1 && name === names[0]);
  if (only !== undefined) {
    process.exit((await play(only, values.long, Number(values.minutes))) ? 0 : 1);
  }
  const more = [...(values.long ? ['--long'] : []), '--minutes', values.minutes];
  const passed = names.filter((name) => playInChild(name, more)).length;
  console.log(`${passed} passed, ${names.length - passed} failed`);
  process.exitCode = passed === names.length ? 0 : 1;
}

await main();
