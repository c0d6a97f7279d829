import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { EtcdCompactor } from "./compactor.ts";

describe("EtcdCompactor", () => {
  it("lets go of what is older than the interval, and goes on after a failure", async () => {
    const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
    const compacted: number[] = [];
    const warnings: string[] = [];
    let revision = 10;
    const store = {
      revision: () => (revision === 30 ? Promise.reject(new Error("no leader")) : Promise.resolve(revision)),
      compact: (at: number) => {
        compacted.push(at);
        return Promise.resolve();
      },
    };
    const controller = new AbortController();
    const running = new EtcdCompactor({ intervalMs: 1_000 }, { store, clock, log: { warn: (message) => warnings.push(message) } }).run(controller.signal);
    for (const next of [20, 30, 40, 50]) {
      await clock.advance(999);
      revision = next;
      await clock.advance(1);
    }
    controller.abort();
    await running;
    expect(compacted).toEqual([10, 20, 40]);
    expect(warnings).toEqual(["compaction of etcd failed"]);
  });
});
