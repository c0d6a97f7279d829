import { describe, expect, it } from "vitest";
import { promMetrics } from "./metrics.ts";

const linesOf = async (metrics: ReturnType<typeof promMetrics>): Promise<readonly string[]> => (await metrics.render()).split("\n").filter((line) => line !== "");

describe("promMetrics", () => {
  it("keeps apart what differs in any label, and shows the labels by name", async () => {
    const metrics = promMetrics();
    const hits = metrics.counter("hits_total", "Hits.", ["verb", "code"]);
    hits.inc(["GET", "200"]);
    hits.inc(["GET", "404"]);
    hits.inc(["PUT", "200"]);
    hits.inc(["GET", "200"], 2);
    expect(await linesOf(metrics)).toEqual([
      "# HELP hits_total Hits.",
      "# TYPE hits_total counter",
      'hits_total{verb="GET",code="200"} 3',
      'hits_total{verb="GET",code="404"} 1',
      'hits_total{verb="PUT",code="200"} 1',
    ]);
  });

  it("shows what has no labels before it was counted", async () => {
    const metrics = promMetrics();
    metrics.counter("hits_total", "Hits.");
    metrics.histogram("took_seconds", "Took.", [1]);
    expect(await linesOf(metrics)).toEqual([
      "# HELP hits_total Hits.",
      "# TYPE hits_total counter",
      "hits_total 0",
      "# HELP took_seconds Took.",
      "# TYPE took_seconds histogram",
      'took_seconds_bucket{le="1"} 0',
      'took_seconds_bucket{le="+Inf"} 0',
      "took_seconds_sum 0",
      "took_seconds_count 0",
    ]);
  });

  it("counts a value in its bucket and those above it; a bound belongs to its bucket", async () => {
    const metrics = promMetrics();
    const took = metrics.histogram("took_seconds", "Took.", [0.5, 1], ["verb"]);
    for (const value of [0.25, 0.5, 0.75, 4]) took.observe(value, ["GET"]);
    expect((await linesOf(metrics)).slice(2)).toEqual([
      'took_seconds_bucket{verb="GET",le="0.5"} 2',
      'took_seconds_bucket{verb="GET",le="1"} 3',
      'took_seconds_bucket{verb="GET",le="+Inf"} 4',
      'took_seconds_sum{verb="GET"} 5.5',
      'took_seconds_count{verb="GET"} 4',
    ]);
  });

  it("writes label values so that they can be read back", async () => {
    const metrics = promMetrics();
    metrics.gauge("depth", "Depth.", ["queue"]).set(1, ['a"b\\c\nd']);
    expect((await linesOf(metrics)).at(-1)).toBe('depth{queue="a\\"b\\\\c\\nd"} 1');
  });

  it("writes bounds that are no numbers, and what its owner counts", async () => {
    const metrics = promMetrics();
    metrics.gauge("limit", "Limit\nof all.").set(Number.POSITIVE_INFINITY);
    const samples = [
      { labels: { queue: 'a"b', le: "+Inf" }, value: 2, series: "bucket" as const },
      { labels: { queue: 'a"b' }, value: 2, series: "count" as const },
    ];
    metrics.live({ name: "waits", help: "Waits.", type: "histogram", samples: () => samples });
    expect(await linesOf(metrics)).toEqual([
      "# HELP limit Limit\\nof all.",
      "# TYPE limit gauge",
      "limit +Inf",
      "# HELP waits Waits.",
      "# TYPE waits histogram",
      'waits_bucket{queue="a\\"b",le="+Inf"} 2',
      'waits_count{queue="a\\"b"} 2',
    ]);
  });

  it("shows what the process itself counts before all else", async () => {
    const metrics = promMetrics({ processMetrics: true });
    metrics.counter("hits_total", "Hits.");
    const lines = await linesOf(metrics);
    expect(lines.findIndex((line) => line.startsWith("process_cpu_seconds_total "))).toBeGreaterThan(0);
    expect(lines.at(-1)).toBe("hits_total 0");
  });

  it.each([
    ["too few labels", () => promMetrics().counter("a_total", "A.", ["x", "y"]).inc(["1"])],
    ["too many labels", () => promMetrics().gauge("a", "A.").set(1, ["1"])],
    ["a counter that goes down", () => promMetrics().counter("a_total", "A.").inc([], -1)],
    ["what is no number", () => promMetrics().histogram("a", "A.", [1]).observe(Number.NaN)],
  ])("refuses %s", (_what, act) => {
    expect(act).toThrow();
  });
});

it("a live metric shows what was given last", async () => {
  const metrics = promMetrics();
  for (const value of [1, 2]) metrics.live({ name: "things", help: "Things", type: "gauge", samples: () => [{ labels: {}, value }] });
  expect(await metrics.render()).toContain("\nthings 2\n");
});
