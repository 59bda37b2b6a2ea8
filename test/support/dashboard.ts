// The Grafana dashboard of conf/ as Grafana asks it: the queries of its panels, with the variables filled. Asks nobody.

import { readFileSync } from 'node:fs';
import { z } from 'zod';

const FILE = new URL('../../../conf/grafana-dashboard.json', import.meta.url);

const shape = z.object({
  panels: z.array(
    z.object({ title: z.string(), type: z.string(), targets: z.array(z.object({ expr: z.string() })).default([]) }),
  ),
});

/** One panel. */
export interface Panel {
  readonly title: string;
  /** In PromQL. */
  readonly queries: readonly string[];
}

/** All panels that ask something. Throws for a variable that is not known here. */
export function readPanels(variables: { readonly instance: string; readonly rateInterval: string }): readonly Panel[] {
  const { panels } = shape.parse(JSON.parse(readFileSync(FILE, 'utf8')));
  const fill = (expr: string): string => {
    const filled = expr
      .replaceAll('$__rate_interval', variables.rateInterval)
      .replaceAll('$instance', variables.instance);
    if (filled.includes('$')) throw new Error(`the dashboard has a variable that nobody fills: ${filled}`);
    return filled;
  };
  return panels
    .map(({ title, targets }) => ({ title, queries: targets.map(({ expr }) => fill(expr)) }))
    .filter(({ queries }) => queries.length > 0);
}
