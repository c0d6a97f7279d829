import { expect, it } from "vitest";
import { ProbeTally } from "./probe-tally.ts";

const probed = { kind: "Liveness", container: "a", pod: "p", namespace: "n", podUid: "u" } as const;

it("counts what a probe answers and how long its successes took, while it runs", () => {
  const tally = new ProbeTally();
  const all = () => tally.metrics.map(({ name, samples }) => [name, [...samples()]] as const);
  const series = tally.open(probed);
  expect(all()).toEqual([
    ["prober_probe_total", []],
    ["prober_probe_duration_seconds", []],
  ]);
  series.count("success", 20);
  series.count("warning", 3000);
  series.count("failure", 1);
  series.count("unknown", 1);
  const [totals, durations] = all();
  const labels = { container: "a", namespace: "n", pod: "p", pod_uid: "u", probe_type: "Liveness" };
  expect(totals?.[1]).toEqual([
    { labels: { ...labels, result: "successful" }, value: 2 },
    { labels: { ...labels, result: "failed" }, value: 1 },
    { labels: { ...labels, result: "unknown" }, value: 1 },
  ]);
  const shown = durations?.[1] ?? [];
  expect(shown.filter(({ series: part }) => part === "bucket").map(({ labels: { le }, value }) => [le, value])).toEqual([
    ["0.005", 0],
    ["0.01", 0],
    ["0.025", 1],
    ["0.05", 1],
    ["0.1", 1],
    ["0.25", 1],
    ["0.5", 1],
    ["1", 1],
    ["2.5", 1],
    ["5", 2],
    ["10", 2],
    ["+Inf", 2],
  ]);
  expect(shown.slice(-2).map(({ labels: of, value, series: part }) => [of, value, part])).toEqual([
    [{ container: "a", namespace: "n", pod: "p", probe_type: "Liveness" }, 3.02, "sum"],
    [{ container: "a", namespace: "n", pod: "p", probe_type: "Liveness" }, 2, "count"],
  ]);
  series.close();
  expect(all().map(([, samples]) => samples)).toEqual([[], []]);
});
