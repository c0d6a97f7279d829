import { afterEach, describe, expect, it } from "vitest";
import { pods } from "../../src/api/generated/resources.ts";
import { type Metrics, noMetrics } from "../../src/base/metrics.ts";
import type { Client } from "../../src/client/client.ts";
import { schedulerWorld, type SchedulerWorld } from "./scheduler-world.ts";

// What it takes to end one pod for another, in writes and attempts: that many pods want it at once costs each of them nothing.

const COUNT = 12;
const names = Array.from({ length: COUNT }, (_, index) => String(index));
const place = { namespace: "default" };
let world: SchedulerWorld;
afterEach(() => world.stop());

/** Counts the scheduler's attempts since `reset`, by result. */
function attemptCounter(): { readonly metrics: Metrics; readonly attempts: () => Record<string, number>; readonly reset: () => void } {
  let read = (): Record<string, number> => ({});
  let before: Record<string, number> = {};
  const metrics: Metrics = {
    ...noMetrics,
    live({ name, samples }) {
      if (name === "scheduler_schedule_attempts_total") read = () => Object.fromEntries(Array.from(samples(), ({ labels, value }) => [labels["result"], value]));
    },
  };
  const attempts = (): Record<string, number> => Object.fromEntries(Object.entries(read()).map(([result, count]) => [result, count - (before[result] ?? 0)]));
  return { metrics, attempts, reset: () => (before = read()) };
}

/** Notes the scheduler's writes: `patch vip-1 status`. */
function noting(writes: string[]): (client: Client) => Client {
  return (client) => ({
    ...client,
    patch(resource, name, patch, options) {
      writes.push(`patch ${name} ${options?.subresource ?? ""}`);
      return client.patch(resource, name, patch, options);
    },
    delete(resource, name, options) {
      writes.push(`delete ${name}`);
      return client.delete(resource, name, options);
    },
    createSubresource(resource, name, subresource, body, options) {
      writes.push(`create ${name} ${subresource}`);
      return client.createSubresource(resource, name, subresource, body, options);
    },
  });
}

/** As many nodes as pods of low priority, each full of one. */
async function fullNodes(gracePeriodSeconds: number): Promise<{ readonly writes: string[]; readonly attempts: () => Record<string, number> }> {
  const writes: string[] = [];
  const { metrics, attempts, reset } = attemptCounter();
  world = await schedulerWorld({ around: noting(writes), metrics });
  for (const name of names) await world.addNode(`n-${name}`, { allocatable: { cpu: "1", memory: "8Gi", pods: "110" } });
  for (const name of names) await world.addPod(`low-${name}`, { cpu: "1", spec: { terminationGracePeriodSeconds: gracePeriodSeconds } });
  await world.settle();
  expect(Object.keys(await world.bound())).toHaveLength(COUNT);
  writes.length = 0;
  reset();
  return { writes, attempts };
}

const addAll = async (): Promise<void> => {
  for (const name of names) await world.addPod(`vip-${name}`, { cpu: "1", spec: { priorityClassName: "high" } });
  await world.settle();
};

/** In the order of their names, which does not depend on who ended whom. */
const expectedWrites = names.flatMap((name) => [`create vip-${name} binding`, `delete low-${name}`, `patch low-${name} status`, `patch vip-${name} status`]).sort();

async function reasonsOf(name: string): Promise<string[]> {
  return (await world.eventsOf(name)).map((line) => line.split(" ")[1] ?? "");
}

describe("pods that each end another one", () => {
  it("are tried twice and written about once each, when victims go at once", async () => {
    const { writes, attempts } = await fullNodes(0);
    await addAll();
    await world.advance(20);
    expect(Object.keys(await world.bound()).sort()).toEqual(names.map((name) => `vip-${name}`).sort());
    expect(writes.sort()).toEqual(expectedWrites);
    expect(attempts()).toEqual({ scheduled: COUNT, unschedulable: COUNT });
    for (const name of names) {
      expect(await reasonsOf(`vip-${name}`)).toEqual(["FailedScheduling", "Scheduled"]);
      expect(await reasonsOf(`low-${name}`)).toEqual(["Scheduled", "Preempted"]);
    }
    expect(world.complaints).toEqual([]);
  });

  it("are tried twice and written about once each too, when victims take their time", async () => {
    const { writes, attempts } = await fullNodes(30);
    await addAll();
    // The kubelets are through with one after the other.
    for (const name of names) {
      await world.client.delete(pods, `low-${name}`, { ...place, gracePeriodSeconds: 0 });
      await world.advance(1);
    }
    await world.advance(20);
    expect(Object.keys(await world.bound()).sort()).toEqual(names.map((name) => `vip-${name}`).sort());
    expect(writes.sort()).toEqual(expectedWrites);
    // One that ends helps nobody but the pod that it was ended for.
    expect(attempts()).toEqual({ scheduled: COUNT, unschedulable: COUNT });
  });
});
