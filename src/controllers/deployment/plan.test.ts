import { describe, expect, it } from "vitest";
import type { Deployment } from "../../api/generated/types/apps-v1.ts";
import { at, epochMs, sampleDeployment, sampleReplicaSet, template } from "../sample-objects.ts";
import { hashOf } from "../template-hash.ts";
import { planRollout, type RolloutPlan } from "./plan.ts";
import { proportions } from "./proportional-scale.ts";
import { fenceposts } from "./replica-sets.ts";
import type { RolloutState } from "./rollout.ts";

const nowMs = epochMs + 1000 * 1000;
const plan = (deployment: Deployment, replicaSets: RolloutState["replicaSets"] = [], rest: Partial<RolloutState> = {}): RolloutPlan =>
  planRollout({ deployment, replicaSets, hasRunningPods: () => false, nowMs, ...rest });
const events = (made: RolloutPlan): readonly string[] =>
  made.steps.map((step) => (step.type === "delete" ? `delete ${step.set.metadata.name}` : (step.event ?? `update ${step.set.metadata.name}`)));
const condition = (made: RolloutPlan, type: string) => made.status.conditions?.find((each) => each.type === type);
const sized = (desired: number, max: number, revision = "1") => ({
  "deployment.kubernetes.io/desired-replicas": String(desired),
  "deployment.kubernetes.io/max-replicas": String(max),
  "deployment.kubernetes.io/revision": revision,
});

describe("fenceposts", () => {
  it.each([
    [10, "25%", "25%", 3, 2],
    [1, "25%", "25%", 1, 0],
    [3, 0, "25%", 0, 1],
    [3, 0, 0, 0, 1],
    [2, 0, 5, 0, 2],
    [0, 1, 1, 1, 0],
  ] as const)("%d replicas, surge %s, unavailable %s", (replicas, surge, unavailable, maxSurge, maxUnavailable) => {
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } };
    expect(fenceposts(sampleDeployment({ replicas, strategy }))).toEqual({ maxSurge, maxUnavailable });
  });
});

describe("a new deployment", () => {
  const made = plan(sampleDeployment());
  const hash = hashOf(template());

  it("makes its set", () => {
    expect(events(made)).toEqual([`Scaled up replica set web-${hash} from 0 to 3`]);
    const set = made.steps[0]?.set;
    expect(set?.metadata).toMatchObject({
      name: `web-${hash}`,
      labels: { app: "web", "pod-template-hash": hash },
      annotations: sized(3, 4),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "uid-web", controller: true, blockOwnerDeletion: true }],
    });
    expect(set?.spec.selector.matchLabels).toEqual({ app: "web", "pod-template-hash": hash });
    expect(made.revision).toBe("1");
  });

  it("says so", () => {
    expect(made.status).toMatchObject({ observedGeneration: 1, unavailableReplicas: 3 });
    expect(condition(made, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetCreated", message: `Created new replica set "web-${hash}"` });
    expect(condition(made, "Available")).toMatchObject({ status: "False", reason: "MinimumReplicasUnavailable" });
    expect(made.recheckMs).toBe(601_000);
  });

  it("makes another name after a collision", () => {
    const collided = plan(sampleDeployment({}, { status: { collisionCount: 1 } }));
    expect(collided.steps[0]?.set.metadata.name).toBe(`web-${hashOf(template(), 1)}`);
  });
});

describe("revisions", () => {
  it("gives a set that is rolled back to the next revision and keeps its history", () => {
    const old = sampleReplicaSet("web-a", { replicas: 0, annotations: sized(3, 4, "1") });
    const current = sampleReplicaSet("web-b", { replicas: 3, image: "web:2", createdAt: 5, annotations: sized(3, 4, "2") });
    const made = plan(sampleDeployment(), [old, current]);
    expect(made.revision).toBe("3");
    expect(made.steps[0]?.set.metadata.annotations).toMatchObject({ "deployment.kubernetes.io/revision": "3", "deployment.kubernetes.io/revision-history": "1" });
  });

  it("copies the deployment's annotations, but not kubectl's", () => {
    const deployment = sampleDeployment(
      {},
      { metadata: { name: "web", annotations: { "kubernetes.io/change-cause": "why", "kubectl.kubernetes.io/last-applied-configuration": "{}" } } },
    );
    const annotations = plan(deployment).steps[0]?.set.metadata.annotations;
    expect(annotations).toHaveProperty(["kubernetes.io/change-cause"], "why");
    expect(annotations).not.toHaveProperty(["kubectl.kubernetes.io/last-applied-configuration"]);
  });

  it("removes the oldest idle sets beyond the limit once complete", () => {
    const complete: Deployment["status"] = { replicas: 3, updatedReplicas: 3, availableReplicas: 3, observedGeneration: 1 };
    const sets = ["1", "2", "3"].map((revision) => sampleReplicaSet(`web-${revision}`, { replicas: 0, image: `old:${revision}`, annotations: sized(3, 4, revision) }));
    const current = sampleReplicaSet("web-now", { replicas: 3, annotations: sized(3, 4, "4") });
    expect(events(plan(sampleDeployment({ revisionHistoryLimit: 1 }, { status: complete } as Partial<Deployment>), [...sets, current]))).toEqual(["delete web-1", "delete web-2"]);
  });
});

describe("scaling", () => {
  it("shares growth out by size, the rest to the largest", () => {
    // 10 replicas with surge 3, in the middle of a rollout, become 15: the documented example.
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
    const old = sampleReplicaSet("web-a", { replicas: 8, image: "web:0", annotations: sized(10, 13) });
    const fresh = sampleReplicaSet("web-b", { replicas: 5, available: 0, createdAt: 5, annotations: sized(10, 13, "2") });
    const made = plan(sampleDeployment({ replicas: 15, strategy }), [old, fresh]);
    expect(events(made).slice(-2)).toEqual(["Scaled up replica set web-a from 8 to 11", "Scaled up replica set web-b from 5 to 7"]);
  });

  it.each([
    [5, [5, 5], -5, [2, 3]],
    [0, [6, 4], -10, [0, 0]],
    [5, [3, 2], 0, [3, 2]],
  ])("to %d from %j by %d", (replicas, sizes, change, result) => {
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
    const sets = sizes.map((size, index) => sampleReplicaSet(`web-${index}`, { replicas: size, createdAt: index, annotations: sized(10, 10) }));
    expect(proportions(sampleDeployment({ replicas, strategy }), sets, change).map(([, size]) => size)).toEqual(result);
  });

  it("follows while paused, and rolls nothing", () => {
    const set = sampleReplicaSet("web-a", { replicas: 3, image: "web:0", annotations: sized(3, 4) });
    const made = plan(sampleDeployment({ replicas: 5, paused: true }), [set]);
    expect(events(made)).toEqual(["Scaled up replica set web-a from 3 to 5"]);
    expect(condition(made, "Progressing")).toMatchObject({ status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" });
  });
});

describe("progress", () => {
  const progressing = (reason: string, seconds: number, status = "True") => ({ type: "Progressing", status, reason, lastUpdateTime: at(seconds), lastTransitionTime: at(0) });
  const stuck = sampleReplicaSet("web-a", { replicas: 3, available: 1, annotations: sized(3, 4) });
  const status = { replicas: 3, updatedReplicas: 3, readyReplicas: 1, availableReplicas: 1, observedGeneration: 1 };

  it("runs out of time", () => {
    const made = plan(sampleDeployment({}, { status: { ...status, conditions: [progressing("ReplicaSetUpdated", 300)] } }), [stuck]);
    expect(condition(made, "Progressing")).toMatchObject({ status: "False", reason: "ProgressDeadlineExceeded", message: 'ReplicaSet "web-a" has timed out progressing.' });
    expect(made.recheckMs).toBeUndefined();
  });

  it("waits until then", () => {
    const made = plan(sampleDeployment({}, { status: { ...status, conditions: [progressing("ReplicaSetUpdated", 500)] } }), [stuck]);
    expect(condition(made, "Progressing")?.reason).toBe("ReplicaSetUpdated");
    expect(made.recheckMs).toBe(101_000);
  });

  it("renews the update time with each sign of life, and keeps the transition", () => {
    const before = { ...status, availableReplicas: 0, conditions: [progressing("ReplicaSetUpdated", 500)] };
    const made = plan(sampleDeployment({}, { status: before }), [stuck]);
    expect(condition(made, "Progressing")).toMatchObject({
      reason: "ReplicaSetUpdated",
      lastUpdateTime: at(1000),
      lastTransitionTime: at(0),
      message: 'ReplicaSet "web-a" is progressing.',
    });
  });

  it("completes", () => {
    const made = plan(sampleDeployment({}, { status: { ...status, conditions: [progressing("ReplicaSetUpdated", 500)] } }), [
      sampleReplicaSet("web-a", { replicas: 3, annotations: sized(3, 4) }),
    ]);
    expect(condition(made, "Progressing")).toMatchObject({ reason: "NewReplicaSetAvailable", message: 'ReplicaSet "web-a" has successfully progressed.' });
    expect(condition(made, "Available")).toMatchObject({ status: "True", message: "Deployment has minimum availability." });
  });

  it("has no condition without a deadline", () => {
    const made = plan(sampleDeployment({ progressDeadlineSeconds: 2147483647 }), [stuck]);
    expect(condition(made, "Progressing")).toBeUndefined();
  });
});
