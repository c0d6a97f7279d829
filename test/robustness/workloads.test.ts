import { expect, it } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { faultsOf } from "./workloads/invariants.ts";
import { noFaults } from "./workloads/faulty-handle.ts";
import { randomStep } from "./workloads/random-step.ts";
import { stormyWorld } from "./workloads/stormy-world.ts";

/** `KELES_STORM_SEED=42 KELES_STORM_RUNS=50 npx vitest run test/robustness/workloads.test.ts` looks longer. */
const firstSeed = Number(process.env["KELES_STORM_SEED"] ?? "1");
const runs = Number(process.env["KELES_STORM_RUNS"] ?? "3");
const STEPS = 40;
/** How long a cluster may take to come to rest once the storm is over, in minutes. */
const REST_MINUTES = 40;

it.each(Array.from({ length: runs }, (_, index) => firstSeed + index))(
  "seed %i: whatever fails and whoever crashes, it comes out right",
  async (seed) => {
    const world = await stormyWorld(seed);
    const random = seededRandom(seed * 7_919);
    const story: string[] = [];
    try {
      for (const name of ["node-a", "node-b"]) await world.addNode(name, "4");
      await world.pass(10);
      Object.assign(world.rates, { failure: 0.03, watchEnd: 0.05, crash: 0.001 });
      for (let serial = 1; serial <= STEPS; serial += 1) {
        story.push(await randomStep(world, random, serial));
        await world.pass(Math.floor(random.next() * 4) * 10);
      }
      Object.assign(world.rates, noFaults);
      let faults: readonly string[] = ["not looked at yet"];
      for (let minute = 0; minute < REST_MINUTES && faults.length > 0; minute += 1) {
        await world.pass(60);
        faults = await faultsOf(world.client);
      }
      expect({ seed, faults, story: faults.length === 0 ? [] : story }).toEqual({ seed, faults: [], story: [] });
      expect(story.filter((step) => step !== "nothing").length).toBeGreaterThan(STEPS / 2);
    } finally {
      await world.stop();
    }
  },
  180_000,
);
