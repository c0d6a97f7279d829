import type { LiveMetric, Sample } from "../../base/metrics.ts";

/** Metrics in Prometheus' text format; those without numbers are left out. */
export function metricsText(metrics: readonly LiveMetric[]): string {
  return metrics
    .map((metric) => ({ metric, samples: [...metric.samples()] }))
    .filter(({ samples }) => samples.length > 0)
    .map(({ metric: { name, help, type }, samples }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map((sample) => line(name, sample)).join("")}`)
    .join("");
}

function line(name: string, { labels, value, series }: Sample): string {
  const pairs = Object.entries(labels)
    .map(([label, text]) => `${label}=${JSON.stringify(text)}`)
    .join(",");
  return `${name}${series === undefined ? "" : `_${series}`}${pairs === "" ? "" : `{${pairs}}`} ${value}\n`;
}
