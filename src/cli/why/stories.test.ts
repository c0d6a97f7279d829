import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import type { PodVerdict } from "../../api/insight/pod-verdict.ts";
import { accessStory } from "./access-story.ts";
import { deletionStory, namespaceStory, podEndStory } from "./deletion-story.ts";
import { objectStory } from "./object-story.ts";
import { podStory } from "./pod-story.ts";

const pod = (spec: object, status: object = {}, metadata: object = {}): Pod =>
  ({ apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default", ...metadata }, spec: { containers: [], ...spec }, status }) as unknown as Pod;
const verdict = (status: object): PodVerdict => ({ apiVersion: "", kind: "", metadata: {}, status }) as unknown as PodVerdict;
const at = Date.parse("2026-01-01T00:00:30Z");

describe("podStory", () => {
  it("tells the verdicts of the nodes, the first dozen", () => {
    const verdicts = Array.from({ length: 20 }, (_, index) => ({
      node: `n${index}`,
      plugin: "NodeResourcesFit",
      reasons: [{ reason: "Insufficient cpu", resource: "cpu", requested: "2", free: "1", lacking: "1" }],
    }));
    const lines = podStory(
      pod({}),
      verdict({ phase: "Waiting", message: "0/20 nodes are available", nodes: 20, verdicts, suggestion: { node: "n1", changes: ["ask for less"] } }),
      [],
    );
    expect(lines[2]).toBe("    n0   Insufficient cpu (asks for 2, free 1, lacking 1)  [NodeResourcesFit]");
    expect(lines).toContain("    … and 8 more nodes");
    expect(lines.slice(-2)).toEqual(["  it would fit on node n1 if you:", "    - ask for less"]);
  });

  it.each([
    [{ waiting: { reason: "ImagePullBackOff", message: "no such image" } }, false, "waits: ImagePullBackOff: no such image"],
    [{ running: {} }, false, "runs, but its readiness or startup probe has not passed"],
    [{ terminated: { exitCode: 137, reason: "OOMKilled", signal: 9 } }, false, "has ended: it was ended by signal 9 (OOMKilled)"],
    [{ terminated: { exitCode: 1, reason: "Error" } }, false, "has ended: it exited with 1"],
  ])("tells what a container does: %j", (state, ready, said) => {
    const containerStatuses = [{ name: "c", ready, state, restartCount: 2, lastState: { terminated: { exitCode: 3, reason: "Error" } } }];
    const lines = podStory(pod({ nodeName: "n" }, { phase: "Running", containerStatuses }), undefined, []);
    expect(lines.slice(1)).toEqual([`  container c: ${said}`, "      before that it exited with 3, 2 restarts so far"]);
  });

  it("has nothing to complain of when all is well, and says what a gate holds back", () => {
    const containerStatuses = [{ name: "c", ready: true, state: { running: {} } }];
    expect(podStory(pod({ nodeName: "n" }, { phase: "Running", containerStatuses, conditions: [{ type: "Ready", status: "True" }] }), undefined, [])).toEqual([
      "pod default/web runs on node n and is ready",
    ]);
    const conditions = [{ type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: "no x" }];
    expect(podStory(pod({ nodeName: "n" }, { phase: "Running", containerStatuses, conditions }), undefined, [])[1]).toBe("  Ready is false: ReadinessGatesNotReady: no x");
  });
});

describe("deletionStory", () => {
  const facts = { name: "configmap/x", namespaceFlag: " -n a", nowMs: at };
  it("tells who takes finalizers off, and how to do without them", () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["foregroundDeletion", "a.b/c"] } };
    expect(deletionStory(object, { ...facts, dependents: ["pod/y"] })).toEqual([
      "configmap/x is being deleted, for 30 s",
      "  finalizer foregroundDeletion: taken off by the garbage collector, once all that the object owns is gone",
      "    still there: pod/y",
      "  finalizer a.b/c: taken off by whoever put it there; the cluster itself does not know it",
      `    if its controller is gone for good: kubectl patch configmap/x -n a --type=json -p '[{"op":"remove","path":"/metadata/finalizers/1"}]'`,
    ]);
    expect(deletionStory({ ...object, metadata: { name: "x" } }, facts)).toEqual([]);
  });

  it("tells what a pod without finalizers waits for", () => {
    const ending = pod({ nodeName: "n" }, {}, { deletionTimestamp: "2026-01-01T00:00:40Z", deletionGracePeriodSeconds: 30 });
    const node = (status: string): Node =>
      ({ apiVersion: "v1", kind: "Node", metadata: { name: "n" }, spec: {}, status: { conditions: [{ type: "Ready", status, reason: "NodeStatusUnknown" }] } }) as unknown as Node;
    expect(podEndStory(ending, node("True"), at)).toEqual(["  its containers have 10 s of 30 s left to end"]);
    expect(podEndStory(ending, node("True"), at + 60_000)).toEqual(["  its containers are over their time and are being killed"]);
    expect(podEndStory(ending, node("Unknown"), at)[0]).toBe("  its node n does not answer (NodeStatusUnknown): nobody can say that the containers have ended");
    expect(podEndStory(ending, "gone", at)[0]).toContain("is gone");
  });

  it("tells what holds a namespace, and which APIService is dead", () => {
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "a" },
      status: { conditions: [{ type: "NamespaceContentRemaining", status: "True", reason: "SomeResourcesRemain", message: "1 left" }] },
    };
    const dead = {
      metadata: { name: "v1.x.y" },
      spec: { service: { namespace: "s", name: "t" } },
      status: { conditions: [{ type: "Available", status: "False", reason: "MissingEndpoints" }] },
    };
    expect(namespaceStory(namespace as never, ["1 pods: x"], [dead as never])).toEqual([
      "  NamespaceContentRemaining: SomeResourcesRemain: 1 left",
      "  APIService v1.x.y does not answer (MissingEndpoints): nobody knows what it holds",
      "    bring the service s/t back, or kubectl delete apiservice v1.x.y",
      "  still in it:",
      "    1 pods: x",
    ]);
  });
});

it("accessStory tells grants and near misses", () => {
  const grant = {
    binding: "RoleBinding a/r",
    roleRef: { apiGroup: "", kind: "Role", name: "reader" },
    subject: { kind: "User", name: "ann" },
    rule: { verbs: ["get"], apiGroups: [""], resources: ["pods"] },
  };
  const spec = { user: "ann", resourceAttributes: { verb: "list", resource: "pods", namespace: "a" } };
  const story = (status: object): readonly string[] => accessStory({ apiVersion: "", kind: "", metadata: {}, spec, status } as never);
  expect(story({ allowed: true, reason: "yes", grants: [grant] })).toEqual([
    "ann may list pods in namespace a: yes",
    "  RoleBinding a/r gives Role reader to User ann",
    "    rule: get pods of core",
  ]);
  expect(story({ allowed: false, reason: "no", nearest: [{ ...grant, misses: ["verb"] }], roles: ["ClusterRole view"] })).toContain(
    "    RoleBinding a/r gives Role reader to User ann: another verb",
  );
});

it.each([
  [{ conditions: [{ type: "Available", status: "False", reason: "R", message: "m" }] }, ["x", "  Available is false: R: m"]],
  [{ conditions: [{ type: "MemoryPressure", status: "True" }] }, ["x", "  MemoryPressure is true"]],
  [
    {
      conditions: [
        { type: "MemoryPressure", status: "False" },
        { type: "Ready", status: "True" },
      ],
    },
    ["x: all its conditions are as they should be, and it is not being deleted"],
  ],
  [{ phase: "Pending" }, ["x, Pending: it has no conditions, and it is not being deleted"]],
])("objectStory of %j", (status, lines) => {
  expect(objectStory("x", { apiVersion: "v1", kind: "X", metadata: {}, status } as never)).toEqual(lines);
});
