import { afterEach, beforeEach, expect, it } from "vitest";
import { leases } from "../../src/api/generated/resources.ts";
import { silentLogger } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { aborted } from "../../src/base/abort.ts";
import type { Client } from "../../src/client/client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { LeadershipLostError, runLeaderElected } from "../../src/client/leader-election.ts";
import { admin, serveMemory } from "./served-memory.ts";

let clock: VirtualClock;
let client: Client;
let stop: () => Promise<void>;

beforeEach(async () => {
  clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const served = await serveMemory({ clock });
  stop = () => served.stop();
  client = inProcessClient(served.api.handle, admin);
});
afterEach(() => stop());

/** A candidate that leads until it is stopped; `cut` takes the server away from it. */
function candidate(identity: string) {
  const ending = new AbortController();
  const log: string[] = [];
  let cut = false;
  const reach = (): Client => {
    if (cut) throw new Error("connection refused");
    return client;
  };
  const through: Pick<Client, "get" | "create" | "update"> = {
    get: async (...call) => reach().get(...call),
    create: async (...call) => reach().create(...call),
    update: async (...call) => reach().update(...call),
  };
  const outcome = runLeaderElected(
    { namespace: "default", name: "lock", identity },
    { client: through, clock, random: seededRandom(identity.length), log: silentLogger },
    async (signal) => {
      log.push(`leads at ${clock.now() / 1000 - Date.UTC(2026, 0, 1) / 1000}`);
      await aborted(signal);
      log.push("stopped");
    },
    ending.signal,
  ).then(
    () => "ended",
    (error: unknown) => (error instanceof LeadershipLostError ? "lost" : String(error)),
  );
  return {
    log,
    cut: () => {
      cut = true;
    },
    end: async () => {
      ending.abort();
      await clock.settle();
      return outcome;
    },
    outcome,
  };
}

const spec = async () => (await client.get(leases, "lock", { namespace: "default" })).spec;

it("makes the Lease, renews it every two seconds and gives it up at the end", async () => {
  const one = candidate("one");
  await clock.settle();
  expect(await spec()).toEqual({
    holderIdentity: "one",
    leaseDurationSeconds: 15,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:00:00.000000Z",
    leaseTransitions: 0,
  });
  await clock.advance(20_000);
  expect(await spec()).toMatchObject({ acquireTime: "2026-01-01T00:00:00.000000Z", renewTime: "2026-01-01T00:00:20.000000Z" });
  expect(await one.end()).toBe("ended");
  expect(one.log).toEqual(["leads at 0", "stopped"]);
  expect((await spec())?.holderIdentity ?? "").toBe("");
});

it("is led by one; the next takes over at once when the first gives it up", async () => {
  const one = candidate("one");
  await clock.settle();
  const two = candidate("two");
  await clock.advance(60_000);
  expect(two.log).toEqual([]);
  await one.end();
  await clock.advance(5_000);
  expect(two.log).toHaveLength(1);
  expect(await spec()).toMatchObject({ holderIdentity: "two", leaseTransitions: 1 });
  await two.end();
});

it("stops leading after ten seconds without renewal, before another may begin", async () => {
  const one = candidate("one");
  await clock.settle();
  const two = candidate("two");
  await clock.advance(10_000);
  one.cut();
  await clock.advance(9_000);
  expect(one.log).toEqual(["leads at 0"]);
  await clock.advance(3_000);
  expect(one.log).toEqual(["leads at 0", "stopped"]);
  expect(two.log).toEqual([]);
  expect(await one.outcome).toBe("lost");
  await clock.advance(10_000);
  expect(two.log).toHaveLength(1);
  await two.end();
});

it("does not let another take over because its clock is ahead", async () => {
  const one = candidate("one");
  await clock.advance(60_000);
  // Seen for the first time now: what counts is silence from here on, not the time that stands in it.
  await client.patch(leases, "lock", { type: "merge", value: { spec: { holderIdentity: "stranger", renewTime: "2020-01-01T00:00:00.000000Z" } } }, { namespace: "default" });
  await one.end();
  const two = candidate("two");
  await clock.advance(14_000);
  expect(two.log).toEqual([]);
  await clock.advance(10_000);
  expect(two.log).toHaveLength(1);
  await two.end();
});

it("ends without leading when it is told to before its turn", async () => {
  const one = candidate("one");
  await clock.settle();
  const two = candidate("two");
  await clock.advance(5_000);
  expect(await two.end()).toBe("ended");
  expect(two.log).toEqual([]);
  await one.end();
});
