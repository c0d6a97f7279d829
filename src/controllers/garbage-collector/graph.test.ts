import { describe, expect, it } from "vitest";
import { deployments, nodes, pods, replicaSets } from "../../api/generated/resources.ts";
import type { ObjectMeta } from "../../meta/generated/meta-v1.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import { blockingDependents, DependencyGraph } from "./graph.ts";
import { judgeOwned, judgeWaiting, type OwnerState, type Verdict } from "./plan.ts";

const kinds: Readonly<Record<string, Resource<KubeObject>>> = { d: deployments, r: replicaSets, p: pods, n: nodes };

/** Objects are named by their kind's first letter: `r1` is a replica set, and its uid. */
class World {
  readonly calls: string[] = [];
  readonly graph = new DependencyGraph({
    delete: (uid) => this.calls.push(`delete ${uid}`),
    orphan: (uid) => this.calls.push(`orphan ${uid}`),
    strayOwner: (node, owner) => this.calls.push(`stray ${node.identity.uid} of ${owner.uid}`),
  });

  see(
    uid: string,
    rest: { readonly owners?: readonly string[]; readonly blocks?: boolean; readonly namespace?: string; readonly finalizers?: readonly string[]; readonly deleted?: boolean } = {},
  ): readonly string[] {
    const { owners = [], blocks = true, namespace = uid.startsWith("n") ? "" : "ns", finalizers, deleted = false } = rest;
    const metadata: ObjectMeta = {
      uid,
      name: uid,
      namespace,
      finalizers,
      ...(deleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
      ownerReferences: owners.map((owner) => ({
        apiVersion: "apps/v1",
        kind: kinds[owner.charAt(0)]?.kind ?? "",
        name: owner,
        uid: owner,
        controller: true,
        blockOwnerDeletion: blocks,
      })),
    };
    return this.take(() => this.graph.observe(kinds[uid.charAt(0)] ?? pods, metadata));
  }

  take(work: () => void): readonly string[] {
    this.calls.length = 0;
    work();
    return [...this.calls];
  }
}

describe("DependencyGraph", () => {
  it("looks for an owner that no watch has shown", () => {
    const world = new World();
    expect(world.see("p1", { owners: ["r1"] })).toEqual(["delete r1"]);
    expect(world.graph.get("r1")?.virtual).toBe(true);
    expect(world.see("p2", { owners: ["r1"] })).toEqual([]);
    expect(world.see("r1")).toEqual([]);
    expect(world.graph.get("r1")?.virtual).toBe(false);
    expect(world.graph.get("r1")?.dependents.size).toBe(2);
  });

  it("looks at the dependents of what is gone", () => {
    const world = new World();
    world.see("r1");
    world.see("p1", { owners: ["r1"] });
    expect(world.take(() => world.graph.forget("r1"))).toEqual(["delete p1"]);
    world.graph.forget("p1");
    expect(world.graph.size).toBe(0);
  });

  it("keeps what it knows at news of something else", () => {
    const world = new World();
    const owned: ObjectMeta = {
      uid: "p1",
      name: "p1",
      namespace: "ns",
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "r1", uid: "r1", controller: true, blockOwnerDeletion: true }],
    };
    const observe = (metadata: ObjectMeta): readonly string[] => world.take(() => world.graph.observe(pods, metadata));
    world.see("r1");
    observe(owned);
    const node = world.graph.get("p1");
    const { identity } = node ?? {};
    expect(observe({ ...owned, resourceVersion: "2", labels: { a: "b" } })).toEqual([]);
    expect(world.graph.get("p1")).toBe(node);
    expect(node?.identity).toBe(identity);
    expect([...(world.graph.get("r1")?.dependents ?? [])]).toEqual([node]);
    // The end of it, and the way back into the graph, are no such news.
    expect(observe({ ...owned, finalizers: ["foregroundDeletion"], deletionTimestamp: "2026-01-01T00:00:00Z" })).toEqual(["delete p1"]);
    expect(node?.deletingDependents).toBe(true);
    world.graph.forget("p1");
    expect(world.graph.get("r1")?.dependents.size).toBe(0);
    observe(owned);
    expect(world.graph.get("r1")?.dependents.size).toBe(1);
  });

  it("keeps the dependents of one apart from those of another", () => {
    const world = new World();
    for (const uid of ["r1", "r2", "p3"]) world.see(uid);
    world.see("p1", { owners: ["r1"] });
    expect(["r1", "r2", "p3"].map((uid) => world.graph.get(uid)?.dependents.size)).toEqual([1, 0, 0]);
    world.see("p1", { owners: [] });
    expect(world.graph.get("r1")?.dependents.size).toBe(0);
  });

  it("drops a virtual owner with its last dependent", () => {
    const world = new World();
    world.see("p1", { owners: ["r1"] });
    world.graph.forget("p1");
    expect(world.graph.size).toBe(0);
    world.see("p2", { owners: ["r1"] });
    world.see("p2");
    expect(world.graph.size).toBe(1);
  });

  it("starts a foreground deletion once, and follows its blockers", () => {
    const world = new World();
    world.see("r1");
    world.see("p1", { owners: ["r1"] });
    world.see("p2", { owners: ["r1"] });
    const going = { deleted: true, finalizers: ["foregroundDeletion"] };
    expect(world.see("r1", going)).toEqual(["delete p1", "delete p2", "delete r1"]);
    expect(world.see("r1", going)).toEqual([]);
    expect(world.take(() => world.graph.forget("p1"))).toEqual(["delete r1"]);
    expect(world.see("p2", { owners: ["r1"], blocks: false })).toEqual(["delete r1"]);
    expect(world.see("p3", { owners: ["r1"] })).toEqual(["delete p3"]);
  });

  it("asks to orphan when a deletion with that finalizer starts", () => {
    const world = new World();
    world.see("r1");
    expect(world.see("r1", { deleted: true, finalizers: ["orphan"] })).toEqual(["orphan r1"]);
    expect(world.see("r1", { deleted: true, finalizers: ["orphan", "x"] })).toEqual([]);
  });

  it("reports owners in another namespace, whichever is seen first", () => {
    const before = new World();
    before.see("r1", { namespace: "a" });
    expect(before.see("p1", { owners: ["r1"], namespace: "b" })).toEqual(["stray p1 of r1", "delete p1"]);
    const after = new World();
    after.see("p1", { owners: ["r1"], namespace: "b" });
    expect(after.see("r1", { namespace: "a" })).toEqual(["stray p1 of r1", "delete p1"]);
    expect(after.see("p2", { owners: ["n1"] })).toEqual(["delete n1"]);
    expect(after.see("n1")).toEqual([]);
  });

  it("does not give up on an owner because one reference named it wrongly", () => {
    const world = new World();
    world.see("p1", { owners: ["r1"], namespace: "wrong" });
    world.see("p2", { owners: ["r1"], namespace: "right" });
    expect(world.take(() => world.graph.notFound("r1"))).toEqual(["delete p1", "delete r1"]);
    expect(world.graph.get("r1")?.identity.namespace).toBe("right");
    expect(world.take(() => world.graph.notFound("r1"))).toEqual(["delete p1", "delete p2"]);
    expect(world.graph.get("r1")).toBeUndefined();
  });
});

describe("judgeOwned", () => {
  const judge = (states: Readonly<Record<string, OwnerState>>, finalizers: readonly string[] = []): Verdict => {
    const world = new World();
    world.see("p1", { owners: Object.keys(states) });
    const node = world.graph.get("p1");
    if (node === undefined) throw new Error("the node is there");
    return judgeOwned(node, { uid: "p1", finalizers, ownerReferences: node.owners }, (owner) => states[owner.uid] ?? "solid");
  };
  it.each([
    ["no owner", {}, [], { type: "keep" }],
    ["a solid owner", { r1: "solid" }, [], { type: "keep" }],
    ["one of two gone", { r1: "solid", r2: "absent" }, [], { type: "drop-owners", uids: new Set(["r2"]) }],
    ["one of two waiting", { r1: "solid", r2: "waiting" }, [], { type: "drop-owners", uids: new Set(["r2"]) }],
    ["all gone", { r1: "absent", r2: "absent" }, [], { type: "delete", policy: "Background", unblock: false }],
    ["all gone, to be orphaned", { r1: "absent" }, ["orphan"], { type: "delete", policy: "Orphan", unblock: false }],
    ["all gone, in the foreground", { r1: "absent" }, ["foregroundDeletion"], { type: "delete", policy: "Foreground", unblock: false }],
    ["waiting, without dependents", { r1: "waiting" }, [], { type: "delete", policy: "Background", unblock: false }],
  ] as const)("%s", (_name, states, finalizers, verdict) => {
    expect(judge(states as Record<string, OwnerState>, finalizers)).toEqual(verdict);
  });

  it("goes in the foreground when its owner waits and it has dependents, and breaks a circle", () => {
    const world = new World();
    world.see("r1", { owners: ["d1"] });
    world.see("p1", { owners: ["r1"] });
    const node = world.graph.get("r1");
    if (node === undefined) throw new Error("the node is there");
    const live = { uid: "r1", ownerReferences: node.owners };
    expect(judgeOwned(node, live, () => "waiting")).toEqual({ type: "delete", policy: "Foreground", unblock: false });
    world.see("p1", { owners: ["r1"], deleted: true, finalizers: ["foregroundDeletion"] });
    expect(judgeOwned(node, live, () => "waiting")).toEqual({ type: "delete", policy: "Foreground", unblock: true });
  });

  it("lets a waiting owner go when nothing blocks it", () => {
    const world = new World();
    world.see("r1", { deleted: true, finalizers: ["foregroundDeletion"] });
    const node = world.graph.get("r1");
    if (node === undefined) throw new Error("the node is there");
    world.see("p1", { owners: ["r1"] });
    world.see("p2", { owners: ["r1"], blocks: false });
    expect(blockingDependents(node).map(({ identity }) => identity.uid)).toEqual(["p1"]);
    expect(judgeWaiting(node)).toMatchObject({ type: "wait" });
    world.graph.forget("p1");
    expect(judgeWaiting(node)).toEqual({ type: "remove-finalizer", finalizer: "foregroundDeletion" });
  });
});
