import { afterEach, beforeEach, expect, it } from "vitest";
import { nodes, pods, validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from "../../src/api/generated/resources.ts";
import type { Pod } from "../../src/api/generated/types/core-v1.ts";
import { schedulerWorld, type SchedulerWorld } from "./scheduler-world.ts";

const place = { namespace: "default" };
let world: SchedulerWorld;

beforeEach(async () => {
  world = await schedulerWorld();
});
afterEach(() => world.stop());

/** A pod that the scheduler leaves alone. */
const waiting = (name: string): Promise<Pod> => world.addPod(name, { labels: { app: "web" }, spec: { schedulerName: "nobody" } });
const bind = (name: string, node: string, metadata: Record<string, unknown> = {}): Promise<unknown> =>
  world.client.createSubresource(pods, name, "binding", { apiVersion: "v1", kind: "Binding", metadata: { name, ...metadata }, target: { kind: "Node", name: node } }, place);

it("gives the pod its node, the node's zone and the binding's labels, and ends its nomination", async () => {
  await world.addNode("n1", { labels: { "topology.kubernetes.io/zone": "a" } });
  const pod = await waiting("web");
  await world.client.patch(
    pods,
    "web",
    {
      type: "strategic",
      value: { status: { nominatedNodeName: "n1", conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }], phase: "Pending" } },
    },
    { ...place, subresource: "status" },
  );
  await bind("web", "n1", { labels: { tier: "front" }, annotations: { why: "test" } });
  const after = await world.pod("web");
  expect(after.spec).toEqual({ ...pod.spec, nodeName: "n1" });
  expect(after.metadata.labels).toEqual({ app: "web", tier: "front", "topology.kubernetes.io/zone": "a" });
  expect(after.metadata.annotations).toEqual({ why: "test" });
  expect(after.metadata.generation).toBe(pod.metadata.generation);
  expect(after.status?.nominatedNodeName).toBeUndefined();
  expect(after.status?.phase).toBe("Pending");
  expect(after.status?.conditions).toMatchObject([{ type: "PodScheduled", status: "True", observedGeneration: 1 }]);
  expect(after.status?.conditions?.[0]).not.toHaveProperty("reason");
});

it("refuses a second node, another pod's UID, and a pod that ends", async () => {
  await waiting("web");
  await bind("web", "n1");
  await expect(bind("web", "n2")).rejects.toThrow('pod web is already assigned to node "n1"');
  await waiting("other");
  await expect(bind("other", "n1", { uid: "nonsense" })).rejects.toThrow("Precondition failed: UID in precondition: nonsense");
  await expect(bind("nowhere", "n1")).rejects.toThrow('pods "nowhere" not found');
  expect((await world.pod("other")).spec.nodeName).toBeUndefined();
});

it("is admitted as what it is, a Binding", async () => {
  await waiting("web");
  await world.client.create(validatingAdmissionPolicies, {
    metadata: { name: "not-there" },
    spec: {
      matchConstraints: { resourceRules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods/binding"] }] },
      validations: [{ expression: "object.kind == 'Binding' && object.target.name != 'n2'", message: "not on n2" }],
    },
  });
  await world.client.create(validatingAdmissionPolicyBindings, { metadata: { name: "not-there" }, spec: { policyName: "not-there", validationActions: ["Deny"] } });
  await world.settle();
  await expect(bind("web", "n2")).rejects.toThrow("not on n2");
  await bind("web", "n1");
  expect((await world.pod("web")).spec.nodeName).toBe("n1");
});

it("a pod that is made with its node learns the zone too", async () => {
  await world.addNode("n1", { labels: { "topology.kubernetes.io/zone": "b", "topology.kubernetes.io/region": "r" } });
  await world.addPod("web", { spec: { nodeName: "n1" } });
  expect((await world.pod("web")).metadata.labels).toEqual({ "topology.kubernetes.io/zone": "b", "topology.kubernetes.io/region": "r" });
  expect((await world.client.get(nodes, "n1")).metadata.name).toBe("n1");
});
