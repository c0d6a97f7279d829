import { describe, expect, it } from "vitest";
import type { Node, PersistentVolume, Pod } from "../../api/generated/types/core-v1.ts";
import type { CSINode, CSIStorageCapacity, VolumeAttachment } from "../../api/generated/types/storage-v1.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { aNode, aPod, clusterOf, cycleOf, verdicts } from "../sample-objects.ts";
import { findVolume } from "./find-volume.ts";
import { claim, type Given, meta, setup, storageClass, volume, type VolumeWish } from "./sample-volumes.ts";
import { nodeVolumeLimits } from "./volume-limits.ts";
import { SELECTED_NODE } from "./volume-plan.ts";
import { volumeRestrictions } from "./volume-restrictions.ts";
import { volumeZone } from "./volume-zone.ts";

const using = (...claims: readonly string[]) => aPod("p", { spec: { volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) } });
const nodes: readonly Node[] = [aNode("n1", { labels: { zone: "a" } }), aNode("n2", { labels: { zone: "b" } })];
const cluster = clusterOf(nodes);
const judged = (given: Given, pod: Pod): Record<string, string> => verdicts(pod, cluster, [setup(given).binding]);
const everywhere = (reason: string) => ({ n1: reason, n2: reason });

describe("VolumeBinding", () => {
  it.each<[string, Given, Pod, Record<string, string>]>([
    ["leaves pods without claims alone", {}, aPod("p"), everywhere("ok")],
    ["wants the claim", {}, using("c"), everywhere('persistentvolumeclaim "c" not found')],
    [
      "waits for the claim of an ephemeral volume",
      {},
      aPod("p", { spec: { volumes: [{ name: "v", ephemeral: {} }] } }),
      everywhere('waiting for ephemeral volume controller to create the persistentvolumeclaim "p-v"'),
    ],
    [
      "does not take another's claim for an ephemeral volume",
      { claims: [claim("p-v", { volume: "v" })] },
      aPod("p", { spec: { volumes: [{ name: "v", ephemeral: {} }] } }),
      everywhere("PVC default/p-v was not created for pod default/p (pod is not owner)"),
    ],
    ["wants the claim's volume", { claims: [claim("c", { volume: "v" })] }, using("c"), everywhere("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)!")],
    [
      "refuses a lost claim",
      { claims: [claim("c", { volume: "v", phase: "Lost" })] },
      using("c"),
      everywhere('persistentvolumeclaim "c" bound to non-existent persistentvolume "v"'),
    ],
    [
      "refuses a claim that goes",
      { claims: [{ ...claim("c"), metadata: { ...claim("c").metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }] },
      using("c"),
      everywhere('persistentvolumeclaim "c" is being deleted'),
    ],
    [
      "waits for claims that are bound at once",
      { claims: [claim("c", { className: "now", phase: "Pending" })], classes: [storageClass("now", { volumeBindingMode: "Immediate" })] },
      using("c"),
      everywhere("pod has unbound immediate PersistentVolumeClaims"),
    ],
    [
      "goes where the volume is",
      { claims: [claim("c", { volume: "v" })], volumes: [volume("v", { nodes: ["n2"] })] },
      using("c"),
      { n1: "node(s) had volume node affinity conflict!", n2: "ok" },
    ],
    [
      "goes where a volume for a delayed claim is",
      {
        claims: [claim("c", { className: "late", phase: "Pending" })],
        classes: [storageClass("late", { provisioner: "kubernetes.io/no-provisioner" })],
        volumes: [volume("v", { nodes: ["n1"], className: "late" })],
      },
      using("c"),
      { n1: "ok", n2: "node(s) didn't find available persistent volumes to bind!" },
    ],
    [
      "goes where a volume can be made",
      {
        claims: [claim("c", { className: "late", phase: "Pending" })],
        classes: [storageClass("late", { allowedTopologies: [{ matchLabelExpressions: [{ key: "zone", values: ["b"] }] }] })],
      },
      using("c"),
      { n1: "node(s) didn't find available persistent volumes to bind!", n2: "ok" },
    ],
    [
      "stays with the node it selected before",
      { claims: [claim("c", { className: "late", phase: "Pending", selected: "n2" })], classes: [storageClass("late")] },
      using("c"),
      { n1: "node(s) didn't find available persistent volumes to bind!", n2: "ok" },
    ],
    [
      "goes where the driver has room",
      {
        claims: [claim("c", { className: "late", phase: "Pending", size: "5Gi" })],
        classes: [storageClass("late")],
        csiDrivers: [{ apiVersion: "storage.k8s.io/v1", kind: "CSIDriver", metadata: meta("disk.example.com"), spec: { storageCapacity: true } }],
        capacities: ["a", "b"].map((zone) => ({
          apiVersion: "storage.k8s.io/v1",
          kind: "CSIStorageCapacity",
          metadata: meta(zone, "default"),
          storageClassName: "late",
          capacity: zone === "a" ? "1Gi" : "10Gi",
          nodeTopology: { matchLabels: { zone } },
        })),
      },
      using("c"),
      { n1: "node(s) did not have enough free storage!", n2: "ok" },
    ],
  ])("%s", (_what, given, pod, expected) => {
    expect(judged(given, pod)).toEqual(expected);
  });

  const late = { claims: [claim("c", { className: "late", phase: "Pending" })], classes: [storageClass("late")] };
  const reserve = (world: ReturnType<typeof setup>, pod: Pod, name = "n1") => {
    const cycle = cycleOf(pod, cluster, [world.binding]);
    const node = cluster.node(name);
    if (node === undefined || cycle.judge(node) !== undefined) throw new Error("it fits");
    return cycle.reserve(node)[0]?.reservation;
  };

  it("asks for a volume to be made, and waits until it is", async () => {
    const pod = using("c");
    const world = setup({ ...late, pods: [pod] });
    const reservation = reserve(world, pod);
    // Others see the choice before it is written.
    expect(world.readers.claims.get("default/c")?.metadata.annotations).toEqual({ [SELECTED_NODE]: "n1" });
    let done = false;
    const committed = reservation?.commit(new AbortController().signal).then(() => {
      done = true;
    });
    await world.clock.settle();
    expect([world.written.map(({ metadata }) => metadata.annotations?.[SELECTED_NODE]), done]).toEqual([["n1"], false]);
    world.caches.volumes.set(volume("made", { nodes: ["n1"] }));
    const bound = claim("c", { volume: "made", className: "late", selected: "n1" });
    world.caches.claims.set({ ...bound, metadata: { ...bound.metadata, resourceVersion: "2" } });
    world.binder.changed();
    await committed;
    expect(done).toBe(true);
  });

  it.each<[string, (world: ReturnType<typeof setup>) => void, string]>([
    [
      "the provisioner gives up",
      ({ caches }) => caches.claims.set({ ...claim("c", { className: "late" }), metadata: { ...claim("c").metadata, resourceVersion: "2" } }),
      'binding volumes: provisioning failed for PVC "c"',
    ],
    ["the pod is gone", ({ caches }) => caches.pods.delete("default/p"), "binding volumes: pod does not exist any more"],
    [
      "the volume came out elsewhere",
      ({ caches }) => {
        caches.volumes.set(volume("made", { nodes: ["n2"] }));
        const bound = claim("c", { volume: "made", selected: "n1" });
        caches.claims.set({ ...bound, metadata: { ...bound.metadata, resourceVersion: "2" } });
      },
      `binding volumes: pv "made" node affinity doesn't match node "n1"`,
    ],
  ])("fails when %s", async (_what, change, message) => {
    const pod = using("c");
    const world = setup({ ...late, pods: [pod] });
    const committed = reserve(world, pod)?.commit(new AbortController().signal);
    const failed = expect(committed).rejects.toThrow(message);
    await world.clock.settle();
    change(world);
    world.binder.changed();
    await failed;
  });

  it("does not wait for ever", async () => {
    const pod = using("c");
    const world = setup({ ...late, pods: [pod] });
    const committed = reserve(world, pod)?.commit(new AbortController().signal);
    const failed = expect(committed).rejects.toThrow("binding volumes: context deadline exceeded");
    await world.clock.advance(600_000);
    await failed;
  });

  it("gives a volume to one claim only, from the moment it is chosen", async () => {
    const world = setup({
      claims: ["c", "d"].map((name) => claim(name, { className: "late", phase: "Pending" })),
      classes: [storageClass("late", { provisioner: "kubernetes.io/no-provisioner" })],
      volumes: [volume("v", { nodes: ["n1"], className: "late" })],
    });
    const reservation = reserve(world, using("c"));
    expect(world.readers.volumes.get("v")?.spec.claimRef).toMatchObject({ kind: "PersistentVolumeClaim", namespace: "default", name: "c", uid: "uid-c" });
    const none = "node(s) didn't find available persistent volumes to bind!";
    expect(verdicts(using("d"), cluster, [world.binding])).toEqual(everywhere(none));
    await reservation?.undo();
    expect(verdicts(using("d"), cluster, [world.binding])).toEqual({ n1: "ok", n2: none });
  });

  it("is helped by its own claims, by classes that allow more, and by room", () => {
    const { binding } = setup();
    const pod = podInfo(using("c"));
    const help = (change: Parameters<NonNullable<typeof binding.mayHelp>>[1]): boolean | undefined => binding.mayHelp?.(pod, change);
    const capacity = (size: string): CSIStorageCapacity => ({
      apiVersion: "storage.k8s.io/v1",
      kind: "CSIStorageCapacity",
      metadata: meta("x", "default"),
      storageClassName: "late",
      capacity: size,
    });
    expect([
      help({ resource: "claim", action: "add", previous: undefined, next: claim("c") }),
      help({ resource: "claim", action: "add", previous: undefined, next: claim("d") }),
      help({ resource: "class", action: "update", previous: storageClass("s"), next: storageClass("s", { reclaimPolicy: "Retain" }) }),
      help({ resource: "class", action: "update", previous: storageClass("s", { allowedTopologies: [] }), next: storageClass("s", { allowedTopologies: [{}] }) }),
      help({ resource: "capacity", action: "update", previous: capacity("1Gi"), next: capacity("2Gi") }),
      help({ resource: "capacity", action: "update", previous: capacity("2Gi"), next: capacity("1Gi") }),
    ]).toEqual([true, false, false, true, true, false]);
  });
});

describe("the volume for a claim", () => {
  const [node] = nodes;
  const wanted = claim("c", { className: "s", size: "5Gi" });
  const found = (...volumes: readonly PersistentVolume[]): string | undefined =>
    node === undefined ? undefined : findVolume(wanted, volumes, node, new Set(["taken"]))?.metadata.name;
  const fitting = (name: string, size = "5Gi", more: VolumeWish = {}) => volume(name, { className: "s", size, ...more });

  it("is the smallest that is large enough", () => {
    expect(found(fitting("small", "4Gi"), fitting("large", "10Gi"), fitting("right", "6Gi"), fitting("taken"))).toBe("right");
  });

  it.each<[string, PersistentVolume]>([
    ["of another class", volume("v", { className: "t", size: "5Gi" })],
    ["of another mode", fitting("v", "5Gi", { spec: { volumeMode: "Block" } })],
    ["that cannot be reached", fitting("v", "5Gi", { nodes: ["n2"] })],
    ["that may only be read", fitting("v", "5Gi", { spec: { accessModes: ["ReadOnlyMany"] } })],
    ["of somebody else", fitting("v", "5Gi", { spec: { claimRef: { namespace: "default", name: "d" } } })],
    ["that is released", { ...fitting("v"), status: { phase: "Released" } }],
    ["that goes", { ...fitting("v"), metadata: { ...meta("v"), deletionTimestamp: "2026-01-01T00:00:00Z" } }],
  ])("is none %s", (_what, other) => {
    expect(found(other)).toBeUndefined();
  });

  it("is the one that is promised to it", () => {
    expect(found(fitting("right"), fitting("mine", "50Gi", { spec: { claimRef: { namespace: "default", name: "c", uid: "uid-c" } } }))).toBe("mine");
    expect(found(fitting("right"), fitting("namesake", "50Gi", { spec: { claimRef: { namespace: "default", name: "c", uid: "older" } } }))).toBe("right");
  });
});

describe("NodeVolumeLimits", () => {
  const csiNode = (name: string, count?: number): CSINode => ({
    apiVersion: "storage.k8s.io/v1",
    kind: "CSINode",
    metadata: meta(name),
    spec: { drivers: [{ name: "ebs", nodeID: name, ...(count === undefined ? {} : { allocatable: { count } }) }] },
  });
  const given: Given = {
    claims: ["a", "b", "c"].map((name) => claim(name, { volume: `v-${name}` })),
    volumes: ["a", "b", "c"].map((name) => volume(`v-${name}`, { driver: "ebs" })),
    csiNodes: [csiNode("n1", 2), csiNode("n2")],
  };
  const judge = (more: Given, pod: Pod, on: readonly Pod[]) => verdicts(pod, clusterOf(nodes, { n1: on }), [nodeVolumeLimits(setup({ ...given, ...more }).readers)])["n1"];
  const user = (name: string, ...claims: readonly string[]): Pod => ({ ...using(...claims), metadata: { ...using().metadata, name } });
  const full = "node(s) exceed max volume count";

  it("counts volumes, each once, whoever attached them", () => {
    expect([judge({}, using("c"), [user("x", "a")]), judge({}, using("c"), [user("x", "a"), user("y", "b")]), judge({}, using("a"), [user("x", "a"), user("y", "b")])]).toEqual([
      "ok",
      full,
      "ok",
    ]);
    const attachment: VolumeAttachment = {
      apiVersion: "storage.k8s.io/v1",
      kind: "VolumeAttachment",
      metadata: meta("att"),
      spec: { attacher: "ebs", nodeName: "n1", source: { persistentVolumeName: "v-b" } },
      status: { attached: true },
    };
    expect(judge({ attachments: [attachment] }, using("c"), [user("x", "a")])).toBe(full);
    expect(judge({ csiNodes: [] }, using("c"), [user("x", "a"), user("y", "b")])).toBe("ok");
  });

  it("counts volumes that are yet to be made", () => {
    const pending = {
      claims: [claim("a", { volume: "v-a" }), claim("b", { volume: "v-b" }), claim("c", { className: "late" })],
      classes: [storageClass("late", { provisioner: "ebs" })],
    };
    expect(judge(pending, using("c"), [user("x", "a"), user("y", "b")])).toBe(full);
  });
});

describe("VolumeZone", () => {
  it("keeps a volume in its zones", () => {
    const given = { claims: [claim("c", { volume: "v" })], volumes: [volume("v", { labels: { "topology.kubernetes.io/zone": "a__b" } })] };
    const zoned = (zone: string) => aNode(zone, { labels: { "topology.kubernetes.io/zone": zone } });
    const old = aNode("old", { labels: { "failure-domain.beta.kubernetes.io/zone": "a" } });
    const judgedIn = verdicts(using("c"), clusterOf([zoned("a"), zoned("b"), zoned("c"), old, aNode("none")]), [volumeZone(setup(given).readers)]);
    expect(judgedIn).toEqual({ a: "ok", b: "ok", c: "node(s) had no available volume zone!", old: "ok", none: "ok" });
  });
});

describe("VolumeRestrictions", () => {
  const restrict = (given: Given, pod: Pod, on: readonly Pod[]) => verdicts(pod, clusterOf(nodes, { n1: on }), [volumeRestrictions(setup(given).readers)]);
  const disk = (name: string, readOnly: boolean) => aPod(name, { spec: { volumes: [{ name: "v", gcePersistentDisk: { pdName: "d", readOnly } }] } });

  it("keep a disk to one pod of a node, unless all only read", () => {
    expect([
      restrict({}, disk("p", false), [disk("o", false)])["n1"],
      restrict({}, disk("p", true), [disk("o", true)])["n1"],
      restrict({}, disk("p", true), [disk("o", false)])["n1"],
    ]).toEqual(["node(s) had no available disk", "ok", "node(s) had no available disk"]);
  });

  it("keep a claim for one pod to one pod of all", () => {
    const given = { claims: [claim("c", { volume: "v", modes: ["ReadWriteOncePod"] })] };
    const other: Pod = { ...using("c"), metadata: { ...using().metadata, name: "other" } };
    const reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
    expect(restrict(given, using("c"), [other])).toEqual(everywhere(reason));
    expect(restrict(given, using("c"), [])).toEqual(everywhere("ok"));
    const full = clusterOf(nodes, { n1: [other] });
    const cycle = cycleOf(using("c"), full, [volumeRestrictions(setup(given).readers)]);
    const [n1] = full.nodes;
    const info = full.pod("default/other");
    if (n1 === undefined || info === undefined) throw new Error("both there");
    const trial = cycle.try(n1);
    trial.remove(info);
    expect(trial.judge()).toBeUndefined();
  });
});
