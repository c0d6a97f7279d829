import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pinoLogger } from "./logger.ts";
import { promMetrics } from "./metrics.ts";
import { systemRandom } from "./random.ts";

describe("promMetrics", () => {
  it("renders what was counted; the same name is the same metric", async () => {
    const metrics = promMetrics();
    metrics.counter("hits_total", "Hits.", ["path"]).inc(["/a"]);
    metrics.counter("hits_total", "Hits.", ["path"]).inc(["/a"], 2);
    metrics.gauge("depth", "Depth.").set(7);
    metrics.gauge("depth", "Depth.").add(-2);
    metrics.histogram("took_seconds", "Took.", [0.1, 1]).observe(0.5);
    const text = await metrics.render();
    expect(text).toContain('hits_total{path="/a"} 3');
    expect(text).toContain("\ndepth 5\n");
    expect(text).toContain('took_seconds_bucket{le="0.1"} 0');
    expect(text).toContain('took_seconds_bucket{le="1"} 1');
  });
});

describe("pinoLogger", () => {
  it("writes one JSON line for each message at its level", async () => {
    const folder = await mkdtemp(join(tmpdir(), "keles-log-"));
    try {
      const path = join(folder, "log", "lines");
      const logger = pinoLogger({ destination: path }).with({ part: "kubelet" });
      logger.debug("unseen");
      logger.warn("it broke", { error: new Error("boom"), port: 1 });
      const lines = (await readFile(path, "utf8")).trim().split("\n");
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "warn", msg: "it broke", part: "kubelet", port: 1, error: { message: "boom" } });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("systemRandom", () => {
  it("stays within [0, 1) and spreads", () => {
    const values = Array.from({ length: 2_000 }, () => systemRandom.next());
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(values.filter((value) => value < 0.5).length).toBeGreaterThan(800);
    expect(systemRandom.bytes(5)).toHaveLength(5);
  });
});
