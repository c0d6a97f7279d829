import { describe, expect, it } from "vitest";
import { VirtualClock } from "../base/virtual-clock.ts";
import type { Pod } from "../api/generated/types/core-v1.ts";
import type { Change } from "./changes.ts";
import { type Standing, standingOf } from "./freed-room.ts";
import { type QueueOptions, type QueuePlace, SchedulingQueue } from "./queue.ts";
import { aNode, aPod } from "./sample-objects.ts";
import { TemplateMemo } from "./template-memo.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const added: Change = { resource: "node", action: "add", previous: undefined, next: aNode("n1") };
const deleted: Change = { resource: "pod", action: "delete", previous: aPod("gone"), next: undefined };
const fit = new Set(["Fit"]);

/** Fit is helped by new nodes and ended pods, Ports by ended pods alone. */
const setup = (options: QueueOptions = {}) => {
  const clock = new VirtualClock({ turn });
  const gates = new Map<string, string>();
  const counts: Record<QueuePlace, number> = { active: 0, backoff: 0, unschedulable: 0, gated: 0 };
  /** `NodeAdd active`, for each time that a pod came to a place. */
  const came: string[] = [];
  /** Pods that were asked whether a change helps them. */
  const asked: string[] = [];
  const queue = new SchedulingQueue(options, {
    clock,
    gate: (key) => gates.get(key.slice("default/".length)),
    hints: {
      listening: (kind) =>
        kind === "node/add" ? ["Fit"] : kind === "pod/delete" ? ["Fit", "Ports"] : kind === "target/label" ? ["Fit"] : kind === "target/gates" ? ["Gates"] : [],
      mayHelp(plugin, pod) {
        asked.push(pod.metadata.name ?? "");
        return plugin !== "Ports" || pod.metadata.labels?.["picky"] !== "true";
      },
    },
    came: (place, event) => {
      counts[place] += 1;
      came.push(`${event} ${place}`);
    },
    left: (place) => {
      counts[place] -= 1;
    },
  });
  const add = (name: string, wishes: Parameters<typeof aPod>[1] = {}): void => queue.add(`default/${name}`, aPod(name, wishes));
  /** Tries the next pod and puts it back as unschedulable. */
  const fail = (by = fit): string => {
    const next = queue.takeNow();
    if (next === undefined) throw new Error("nothing to try");
    queue.putBack(next, by);
    return next.key.slice("default/".length);
  };
  const order = (): string[] => {
    const keys: string[] = [];
    for (let next = queue.takeNow(); next !== undefined; next = queue.takeNow()) keys.push(next.key.slice("default/".length));
    return keys;
  };
  return { clock, queue, gates, counts, came, asked, add, fail, order };
};

describe("the active pods", () => {
  it("come by priority, then by age", async () => {
    const { clock, add, order } = setup();
    add("old");
    await clock.advance(10);
    add("young");
    add("vip", { spec: { priority: 10 } });
    add("meek", { spec: { priority: -1 } });
    expect(order()).toEqual(["vip", "old", "young", "meek"]);
  });

  it("are handed to whoever waits for one", async () => {
    const { queue, add } = setup();
    const taken = [queue.take(), queue.take()];
    add("a");
    add("b");
    expect((await Promise.all(taken)).map((pod) => [pod?.key, pod?.attempts])).toEqual([
      ["default/a", 1],
      ["default/b", 1],
    ]);
  });

  it("are forgotten when they are removed or made anew", () => {
    const { queue, add, order } = setup();
    add("a");
    add("b");
    queue.remove("default/a");
    queue.add("default/b", { ...aPod("b"), metadata: { ...aPod("b").metadata, uid: "other" } });
    expect(order()).toEqual(["b"]);
  });

  it("end with the queue", async () => {
    const { queue, add } = setup();
    const waiting = queue.take();
    queue.close();
    add("late");
    expect([await waiting, await queue.take(), queue.size]).toEqual([undefined, undefined, 0]);
  });
});

describe("a pod that fitted nowhere", () => {
  it("sleeps until a change that may help", () => {
    const { queue, add, fail } = setup();
    add("a");
    fail(new Set(["Ports"]));
    queue.move(added);
    expect(queue.placeOf("default/a")).toBe("unschedulable");
    queue.move(deleted);
    expect(queue.placeOf("default/a")).toBe("backoff");
  });

  it("is not woken when the plug-in's closer look says no, or the change is not meant for it", () => {
    const { queue, add, fail } = setup();
    add("a", { labels: { picky: "true" } });
    fail(new Set(["Ports"]));
    queue.move(deleted);
    expect(queue.placeOf("default/a")).toBe("unschedulable");
    add("b");
    fail();
    queue.move(deleted, { isMeant: ({ metadata }) => metadata.name !== "b" });
    expect(queue.placeOf("default/b")).toBe("unschedulable");
  });

  // Back-offs of 1, 2, 4, 8, 10, 10 s since the last attempt, each up to the end of its second.
  it("backs off longer each time, up to ten seconds", async () => {
    const { clock, queue, add, fail } = setup({ popsBackoff: true });
    add("a");
    const waits: number[] = [];
    // Somebody else keeps the queue busy, so that nobody is tried early.
    for (let attempt = 0; attempt < 6; attempt += 1) {
      add("busy", { spec: { priority: 5 } });
      const busy = queue.takeNow();
      expect(busy?.key).toBe("default/busy");
      fail();
      queue.move(added);
      const since = clock.now();
      while (queue.placeOf("default/a") === "backoff") await clock.advance(500);
      waits.push((clock.now() - since) / 1000);
    }
    expect(waits).toEqual([2, 3, 5, 9, 11, 11]);
  });

  it("counts its back-off from the attempt, not from the change", async () => {
    const { clock, queue, add, fail } = setup();
    add("a");
    fail();
    await clock.advance(2_000);
    queue.move(added);
    expect(queue.placeOf("default/a")).toBe("active");
  });

  it("is tried early when there is nothing else to do", () => {
    const { queue, add, fail, order } = setup();
    add("a");
    fail();
    queue.move(added);
    expect(queue.placeOf("default/a")).toBe("backoff");
    expect(order()).toEqual(["a"]);
  });

  it("waits out its back-off where that is wished", async () => {
    const { clock, queue, add, fail, order } = setup({ popsBackoff: false });
    add("a");
    fail();
    queue.move(added);
    expect(order()).toEqual([]);
    await clock.advance(999);
    expect(order()).toEqual([]);
    await clock.advance(1);
    expect(order()).toEqual(["a"]);
  });

  it("is tried again after five minutes without any change", async () => {
    const { clock, queue, add, fail } = setup();
    add("a");
    fail();
    await clock.advance(299_000);
    expect(queue.placeOf("default/a")).toBe("unschedulable");
    await clock.advance(31_000);
    expect(queue.placeOf("default/a")).toBe("active");
  });

  it("goes behind those of its priority that came meanwhile", async () => {
    const { clock, queue, add, fail, order } = setup();
    add("a");
    await clock.advance(1);
    add("b");
    expect(fail()).toBe("a");
    await clock.advance(5_000);
    queue.move(added);
    expect(order()).toEqual(["b", "a"]);
  });

  it("wakes when its own change may help", () => {
    const { queue, add, fail } = setup();
    const before = aPod("a");
    add("a");
    fail();
    queue.update("default/a", before, { ...before, status: { phase: "Pending" } });
    expect(queue.placeOf("default/a")).toBe("unschedulable");
    queue.update("default/a", before, aPod("a", { labels: { app: "web" } }));
    expect(queue.placeOf("default/a")).toBe("backoff");
    expect(queue.takeNow()?.pod.metadata.labels).toEqual({ app: "web" });
  });
});

describe("pods that stood alike at their last attempt", () => {
  const memo = new TemplateMemo();
  const [free, nominated] = [standingOf(memo, false), standingOf(memo, true)];
  /** One of each standing and one of none, all asleep. */
  const asleep = () => {
    const scene = setup();
    const standings = { "free-1": free, "free-2": free, "nominated-1": nominated, "nominated-2": nominated, none: undefined };
    for (const [name, standing] of Object.entries(standings)) {
      scene.add(name);
      const next = scene.queue.takeNow();
      if (next !== undefined) scene.queue.putBack(next, fit, standing);
    }
    const woken = (): string[] => Object.keys(standings).filter((name) => scene.queue.placeOf(`default/${name}`) !== "unschedulable");
    return { ...scene, woken };
  };

  it("are asked about room once, and woken together", () => {
    const { queue, woken } = asleep();
    const askedAbout: string[] = [];
    const mayUse = (standing: Standing, { metadata }: Pod): boolean => {
      askedAbout.push(metadata.name ?? "");
      return standing === free;
    };
    queue.move(deleted, { room: { keptFor: [], mayUse } });
    expect([askedAbout, woken()]).toEqual([
      ["free-1", "nominated-1"],
      ["free-1", "free-2", "none"],
    ]);
  });

  it("do not hear of room that is kept for one of them, which does", () => {
    const { queue, asked, woken } = asleep();
    asked.length = 0;
    // It would fit itself, which says nothing of the others.
    queue.move(deleted, { room: { keptFor: ["default/nominated-1", "default/elsewhere"], mayUse: (_standing, { metadata }) => metadata.name === "nominated-1" } });
    expect([woken(), asked.sort()]).toEqual([
      ["nominated-1", "none"],
      ["nominated-1", "none"],
    ]);
  });

  it("hear of everything once things stand differently", () => {
    const { queue, woken } = asleep();
    queue.unsettle("default/nominated-2");
    queue.unsettle("default/nobody");
    queue.move(deleted, { room: { keptFor: [], mayUse: () => false } });
    expect(woken()).toEqual(["nominated-2", "none"]);
    queue.move(added);
    expect(woken()).toHaveLength(5);
  });
});

describe("a pod that failed for another reason", () => {
  it("is tried again after its back-off, never early", async () => {
    const { clock, add, fail, order } = setup();
    add("a");
    fail(new Set());
    expect(order()).toEqual([]);
    await clock.advance(2_000);
    expect(order()).toEqual(["a"]);
  });

  it("counts failures and misfits apart", async () => {
    const { clock, queue, add, fail } = setup();
    add("a");
    for (let attempt = 0; attempt < 3; attempt += 1) {
      fail(new Set());
      await clock.advance(20_000);
    }
    fail();
    queue.move(added);
    const next = queue.takeNow();
    expect([next?.attempts, next?.misfits, next?.errors]).toEqual([5, 1, 0]);
  });
});

it("what brings pods to a place is told", async () => {
  const { clock, queue, gates, came, add, fail, order } = setup();
  gates.set("b", "Gates");
  add("a");
  add("b");
  fail();
  queue.move(added);
  queue.move(deleted);
  await clock.advance(5_000);
  gates.delete("b");
  queue.recheck("default/b");
  expect(came).toEqual([
    "UnscheduledPodAdd active",
    "UnscheduledPodAdd gated",
    "ScheduleAttemptFailure unschedulable",
    "NodeAdd backoff",
    "BackoffComplete active",
    "ForceActivate active",
  ]);
  expect(order().sort()).toEqual(["a", "b"]);
});

it("a pod waits from when its gate opens", async () => {
  const { clock, queue, gates, add } = setup();
  gates.set("a", "Gates");
  add("a");
  await clock.advance(60_000);
  gates.delete("a");
  queue.recheck("default/a");
  expect(queue.takeNow()?.firstMs).toBe(clock.now());
});

describe("a gated pod", () => {
  it("is not tried until its gates are gone", () => {
    const { queue, gates, add, order } = setup();
    gates.set("a", "Gates");
    const before = aPod("a", { spec: { schedulingGates: [{ name: "g" }] } });
    queue.add("default/a", before);
    queue.move(added);
    expect([queue.placeOf("default/a"), order()]).toEqual(["gated", []]);
    gates.delete("a");
    queue.update("default/a", before, aPod("a"));
    expect(order()).toEqual(["a"]);
    add("b");
  });

  it("that was to be woken meanwhile is, once the gate opens", () => {
    const { queue, gates, add, fail, order } = setup();
    add("a");
    fail();
    gates.set("a", "Preempting");
    queue.move(deleted);
    expect(queue.placeOf("default/a")).toBe("gated");
    gates.delete("a");
    queue.recheck("default/a");
    expect(order()).toEqual(["a"]);
  });

  it("is not asked about changes that do not open its gate", () => {
    const { queue, gates, counts, asked, add, fail, order } = setup();
    for (const name of ["a", "b", "c"]) {
      add(name);
      fail();
      gates.set(name, "Preempting");
    }
    queue.move(deleted);
    expect([asked.splice(0), counts.gated]).toEqual([["a", "b", "c"], 3]);
    for (let times = 0; times < 5; times += 1) queue.move(deleted);
    expect([asked, counts]).toEqual([[], { active: 0, backoff: 0, unschedulable: 0, gated: 3 }]);
    gates.delete("b");
    queue.recheck("default/b");
    expect(order()).toEqual(["b"]);
  });

  it("that nothing happened for sleeps on", () => {
    const { queue, gates, add, fail } = setup();
    add("a");
    fail();
    gates.set("a", "Preempting");
    gates.delete("a");
    queue.recheck("default/a");
    expect(queue.placeOf("default/a")).toBe("unschedulable");
    queue.recheck("default/a", { always: true });
    expect(queue.placeOf("default/a")).toBe("backoff");
  });

  it("stays out of what is left over", async () => {
    const { clock, queue, gates, add } = setup();
    gates.set("a", "Gates");
    add("a");
    await clock.advance(600_000);
    expect(queue.placeOf("default/a")).toBe("gated");
  });
});

it("counts what is where", async () => {
  const { clock, queue, counts, gates, add, fail } = setup();
  gates.set("g", "Gates");
  for (const name of ["a", "b", "c", "g"]) add(name);
  expect(counts).toEqual({ active: 3, backoff: 0, unschedulable: 0, gated: 1 });
  fail();
  fail(new Set());
  expect(counts).toEqual({ active: 1, backoff: 1, unschedulable: 1, gated: 1 });
  await clock.advance(3_000);
  queue.close();
  expect(counts).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0 });
});
