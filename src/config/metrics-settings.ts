// Owns the keys of `metrics`: where metrics and health are served, and under which names.

import { z } from 'zod';
import { parsedText } from './fields.ts';
import { parseMetricsUrl } from './http-url.ts';

/** The schema of `metrics`. */
export const metricsSettings = z.strictObject({
  listen: z
    .array(parsedText(parseMetricsUrl))
    .describe('Where GET /metrics, /livez and /readyz are served without a password: http://127.0.0.1:9641, say.')
    .prefault([]),
  path: z
    .string()
    .regex(/^\/[\w.~/-]*$/, 'must be a path such as /metrics, of letters, digits and -._~/')
    .refine((path) => !['/', '/livez', '/readyz'].includes(path), 'is taken')
    .describe('The path of the metrics.')
    .default('/metrics'),
  'coturn-names': z
    .boolean()
    .describe("Expose coturn's names too, for dashboards that exist; docs/metrics.md has the list.")
    .default(false),
});
