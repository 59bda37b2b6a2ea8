// A real Prometheus that scrapes one server twice a second, and promtool. Owns the processes; knows no metric.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './foreign-program.ts';
import { type Teardown, temporaryDirectory } from './turnd-process.ts';

/** Debian's package prometheus has both. */
export const prometheus = findProgram('TURND_TEST_PROMETHEUS', ['/usr/bin/prometheus', '/usr/local/bin/prometheus']);
export const promtool = findProgram('TURND_TEST_PROMTOOL', ['/usr/bin/promtool', '/usr/local/bin/promtool']);

const PATIENCE_MS = 30_000;
const POLL_MS = 100;

/** What a query has found, by its labels without job and instance. */
export type Found = readonly { readonly metric: Readonly<Record<string, string>>; readonly value: number }[];

/** A Prometheus that runs. */
export interface Prometheus {
  /** Empty too while Prometheus is not ready; rejects for a query that it does not understand. */
  query(promql: string): Promise<Found>;
  /** The value of a query of one series, once it is as wanted: scrapes take their time. */
  until(promql: string, isWanted: (value: number) => boolean): Promise<number>;
}

/** Starts one that scrapes `target` (host:port) with these rules, and ends it after the test. */
export async function startPrometheus(t: Teardown, target: string, rules: string): Promise<Prometheus> {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'prometheus.yml');
  const job = { job_name: 'turnd', static_configs: [{ targets: [target] }] };
  // JSON is YAML.
  const settings = { global: { scrape_interval: '500ms' }, rule_files: [rules], scrape_configs: [job] };
  writeFileSync(config, JSON.stringify(settings));
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${directory}/data`, '--web.listen-address=127.0.0.1:0'];
  const child = spawn(prometheus.path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const base = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const address = /Listening on"? address=(127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) resolve(`http://${address}`);
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error('prometheus has ended')));
  });
  const query = (promql: string): Promise<Found> => ask(base, promql);
  return { query, until: (promql, isWanted) => until(async () => (await query(promql))[0]?.value, isWanted, promql) };
}

/** What `read` tells once it is as wanted. */
export async function until<T>(
  read: () => Promise<T | undefined>,
  isWanted: (value: T) => boolean,
  what: string,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await read();
    if (value !== undefined && isWanted(value)) return value;
    if (Date.now() > deadline) throw new Error(`${what}: ${JSON.stringify(value)} is not what was waited for`);
    await sleep(POLL_MS);
  }
}

/** Runs promtool on some input. */
export function runPromtool(
  args: readonly string[],
  input = '',
): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(promtool.path, args, { input, encoding: 'utf8' });
  return { code: status, said: `${stdout}${stderr}` };
}

/** What Prometheus says to a query that is none, or cannot be run. */
const REFUSED = [400, 422];

interface Answer {
  readonly data?: { readonly result?: readonly { metric: Record<string, string>; value: readonly [number, string] }[] };
}

async function ask(base: string, promql: string): Promise<Found> {
  // Not served yet: Prometheus reads its storage first.
  const response = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(promql)}`).catch(() => null);
  if (response !== null && REFUSED.includes(response.status)) throw new Error(`${promql}: ${await response.text()}`);
  if (response === null || !response.ok) return [];
  const { data } = (await response.json()) as Answer;
  return (data?.result ?? []).map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}
