import { expect, it } from "vitest";
import { noMetrics } from "../../base/metrics.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { storeContract } from "../contract-suite.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import { MeasuredStore } from "./measured-store.ts";

const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
const over = (store: MemoryStore, metrics = noMetrics): MeasuredStore => new MeasuredStore({ typeOf: (key) => key.split("/")[1] ?? "" }, { store, clock, metrics });

storeContract(
  "MeasuredStore over MemoryStore",
  async () => {
    const store = over(new MemoryStore());
    return { store, restore: async (snapshot) => over(await MemoryStore.restore(snapshot)), dispose: () => store.close() };
  },
  { runs: 50 },
);

it("counts by operation and type; a lost race is no error", async () => {
  const counts = new Map<string, number>();
  const metrics = {
    ...noMetrics,
    counter: (name: string) => ({
      inc: (labels: readonly string[] = []) => {
        const key = `${name} ${labels.join(" ")}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      },
    }),
  };
  const inner = new MemoryStore();
  const store = over(inner, metrics);
  const value = new Uint8Array();
  await store.commit([{ type: "put", key: "/pods/a", value, if: "absent" }]);
  await expect(store.commit([{ type: "put", key: "/pods/a", value, if: "absent" }])).rejects.toThrow("does not hold");
  await store.commit([{ type: "put", key: "/pods/a", value }]);
  await store.commit([{ type: "delete", key: "/pods/a" }]);
  await store.range("/secrets/");
  await expect(store.range("/secrets/", { at: 99 })).rejects.toThrow("future");
  expect(Object.fromEntries(counts)).toEqual({
    "etcd_requests_total create pods": 2,
    "etcd_requests_total update pods": 1,
    "etcd_requests_total delete pods": 1,
    "etcd_requests_total list secrets": 2,
    "etcd_request_errors_total list secrets": 1,
  });
});
