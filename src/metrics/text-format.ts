// Writes metrics in the text format of Prometheus, version 0.0.4. Knows no metric by name and no HTTP.
//
// prom-client would do it, but its counters can only be added to, in this process; ours are sums over processes that are
// read as a whole. What is left of it is this file.

import type { HistogramSample, Labels, Metric, Sample } from './metric.ts';
import type { MetricsSnapshot } from './snapshot.ts';

/** The media type of {@link writeMetrics}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** All samples of these metrics, in their order. */
export function writeMetrics(metrics: readonly Metric[], snapshot: MetricsSnapshot): string {
  return metrics.map((metric) => writeMetric(metric, snapshot)).join('');
}

function writeMetric(metric: Metric, snapshot: MetricsSnapshot): string {
  const { name } = metric;
  const lines =
    metric.type === 'histogram'
      ? metric.read(snapshot).flatMap((sample) => histogramLines(name, sample))
      : metric.read(snapshot).map((sample) => sampleLine(name, sample));
  if (lines.length === 0) return '';
  return `# HELP ${name} ${escapeHelp(metric.help)}\n# TYPE ${name} ${metric.type}\n${lines.join('\n')}\n`;
}

function sampleLine(name: string, { labels, value }: Sample): string {
  return `${name}${writeLabels(labels)} ${writeNumber(value)}`;
}

// Each bucket of the format holds those below it, too.
function histogramLines(name: string, { labels, bounds, counts, sum }: HistogramSample): string[] {
  let below = 0;
  const buckets = counts.map((count, index) => {
    below += count;
    const le = writeNumber(bounds[index] ?? Number.POSITIVE_INFINITY);
    return sampleLine(`${name}_bucket`, { labels: { ...labels, le }, value: below });
  });
  const total = { labels, value: below };
  return [...buckets, sampleLine(`${name}_sum`, { labels, value: sum }), sampleLine(`${name}_count`, total)];
}

function writeLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function writeNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
