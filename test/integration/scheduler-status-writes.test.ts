import { afterEach, expect, it } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { schedulerWorld, type SchedulerWorld } from "./scheduler-world.ts";

// Why a pod waits is written in the background, so many at once: what is out of date by then is not written.

let world: SchedulerWorld;
afterEach(() => world.stop());

const COUNT = 40;
const AT_ONCE = 32;
const names = Array.from({ length: COUNT }, (_, index) => `web-${String(index).padStart(2, "0")}`);

/** Holds back patches until `go`. */
function holding(begun: string[], go: Promise<void>): (client: Client) => Client {
  return (client) => ({
    ...client,
    async patch(resource, name, patch, options) {
      begun.push(name);
      await go;
      return client.patch(resource, name, patch, options);
    },
  });
}

it("a pod that is on its way to a node says no more that it waits", async () => {
  const begun: string[] = [];
  let release = (): void => undefined;
  const go = new Promise<void>((resolve) => {
    release = resolve;
  });
  world = await schedulerWorld({ around: holding(begun, go) });
  for (const name of names) await world.addPod(name, { cpu: "100m" });
  await world.settle();
  expect(begun).toEqual(names.slice(0, AT_ONCE));
  await world.addNode("n1");
  await world.advance(20);
  // Those that are being written to wait for the end of that; of the others nothing is said.
  expect(Object.keys(await world.bound()).sort()).toEqual(names.slice(AT_ONCE).sort());
  release();
  await world.settle();
  expect(Object.keys(await world.bound()).sort()).toEqual([...names].sort());
  expect(begun).toHaveLength(AT_ONCE);
  for (const name of names) expect((await world.pod(name)).status?.conditions).toMatchObject([{ type: "PodScheduled", status: "True" }]);
  expect(world.complaints).toEqual([]);
});
