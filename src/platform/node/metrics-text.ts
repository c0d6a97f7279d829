import type { LiveMetric, Sample } from "../../base/metrics.ts";
import type { Tally } from "../../base/tally.ts";

type Labels = Sample["labels"];
type Named = Pick<LiveMetric, "name" | "help" | "type">;

/** PERF: labels that are kept are put into words once, however often metrics are shown. */
const known = new WeakMap<Labels, string>();

/** The numbers of one metric in Prometheus' text format, labels that stay the same objects from one time to the next. */
export function numbersText(metric: Named, numbers: Iterable<readonly [labels: Labels, number: { readonly value: number }]>): string {
  let text = head(metric);
  for (const [labels, { value }] of numbers) text += line(metric.name, keptPairs(labels), value);
  return text;
}

/** The same of a histogram: each bucket counts those below it too. */
export function talliesText(metric: Named, tallies: Iterable<readonly [labels: Labels, tally: Tally]>): string {
  const { name } = metric;
  let text = head(metric);
  for (const [labels, { bounds, counts, sum }] of tallies) {
    const pairs = keptPairs(labels);
    const before = pairs === "" ? "" : `${pairs},`;
    let total = 0;
    for (const [index, count] of counts.entries()) {
      total += count;
      text += line(`${name}_bucket`, `${before}le="${bounds[index] ?? "+Inf"}"`, total);
    }
    text += line(`${name}_sum`, pairs, sum) + line(`${name}_count`, pairs, total);
  }
  return text;
}

/** The same of a metric whose owner keeps its numbers. */
export function samplesText(metric: Named, samples: Iterable<Sample>): string {
  let text = head(metric);
  for (const { labels, value, series } of samples) text += line(series === undefined ? metric.name : `${metric.name}_${series}`, pairsOf(labels), value);
  return text;
}

function head({ name, help, type }: Named): string {
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, pairs: string, value: number): string {
  return `${name}${pairs === "" ? "" : `{${pairs}}`} ${numberText(value)}\n`;
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value < 0 ? "-Inf" : "+Inf";
}

function keptPairs(labels: Labels): string {
  let pairs = known.get(labels);
  if (pairs === undefined) {
    pairs = pairsOf(labels);
    known.set(labels, pairs);
  }
  return pairs;
}

/** `verb="GET",code="200"` */
function pairsOf(labels: Labels): string {
  let pairs = "";
  for (const name in labels) pairs += `${pairs === "" ? "" : ","}${name}="${quotable(labels[name] ?? "")}"`;
  return pairs;
}

function quotable(value: string): string {
  return /["\\\n]/.test(value) ? value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"') : value;
}
