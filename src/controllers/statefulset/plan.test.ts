import { describe, expect, it } from "vitest";
import type { StatefulSet, StatefulSetSpec, StatefulSetStatus } from "../../api/generated/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";
import { epochMs, samplePod, type SamplePod, template } from "../sample-objects.ts";
import { retainedOwners } from "./claim-retention.ts";
import { claimsFor, statefulPod } from "./identity.ts";
import { planStateful, type StatefulState, type StatefulStep } from "./plan.ts";

const nowMs = epochMs + 1000 * 1000;
const data: PersistentVolumeClaim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec: {} };
const statefulSet = (spec: Partial<StatefulSetSpec> = {}, status: Partial<StatefulSetStatus> = {}): StatefulSet => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: "ns", uid: "uid-db", generation: 3 },
  spec: {
    replicas: 3,
    serviceName: "db",
    selector: { matchLabels: { app: "web" } },
    template: template(),
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    ...spec,
  },
  status: { replicas: 0, ...status },
});
const pod = (ordinal: number, sample: SamplePod & { readonly revision?: string } = {}): Pod => {
  const { revision = "new", ...rest } = sample;
  const name = `db-${ordinal}`;
  return samplePod(name, {
    readyAt: 1,
    labels: { app: "web", "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": String(ordinal), "controller-revision-hash": revision },
    ...rest,
  });
};
const unready = (ordinal: number, revision = "new"): Pod => {
  const made = pod(ordinal, { revision });
  return { ...made, status: { ...made.status, conditions: [] } };
};
const old = (ordinal: number): Pod => pod(ordinal, { revision: "old" });
const plan = (pods: readonly Pod[], set = statefulSet(), rest: Partial<StatefulState> = {}) =>
  planStateful({ set, pods, current: { name: "new", template: template() }, update: { name: "new", template: template() }, settled: true, nowMs, ...rest });
const updating = { current: { name: "old", template: template("web:0") }, update: { name: "new", template: template() } };
const brief = (step: StatefulStep): string =>
  step.type === "create"
    ? `create ${step.ordinal} ${step.from.name}`
    : step.type === "delete"
      ? `delete ${step.pod.metadata.name}`
      : step.type === "repair"
        ? `repair ${step.ordinal}`
        : `claims ${step.ordinal}`;
const steps = (...given: Parameters<typeof plan>) => plan(...given).steps.map(brief);
const parallel = statefulSet({ podManagementPolicy: "Parallel" });

describe("in order", () => {
  it.each([
    ["starts with the first", [], ["create 0 new"]],
    ["waits until it serves", [unready(0)], []],
    ["goes on", [pod(0)], ["create 1 new"]],
    ["fills a gap first", [pod(0), pod(2)], ["create 1 new"]],
    ["makes a failed pod anew", [pod(0), pod(1, { phase: "Failed" })], ["delete db-1"]],
    ["waits for one that ends", [pod(0, { deleted: true })], []],
    ["is content", [pod(0), pod(1), pod(2)], []],
    ["shrinks from the top", [pod(0), pod(1), pod(2), pod(3), pod(4)], ["delete db-4"]],
    ["shrinks one at a time", [pod(0), pod(1), pod(2), pod(3), pod(4, { deleted: true })], []],
    ["does not shrink while one below is down", [pod(0), unready(1), pod(2), pod(3)], []],
    ["takes the broken one", [pod(0), pod(1), pod(2), unready(3)], ["delete db-3"]],
    ["ignores strangers", [samplePod("db-x"), samplePod("other-0"), pod(0)], ["create 1 new"]],
  ] as const)("%s", (_name, pods, wanted) => {
    expect(steps(pods)).toEqual(wanted);
  });

  it("waits for minReadySeconds", () => {
    const set = statefulSet({ minReadySeconds: 30 });
    expect(steps([pod(0, { readyAt: 990 })], set)).toEqual([]);
    expect(steps([pod(0, { readyAt: 970 })], set)).toEqual(["create 1 new"]);
  });

  it("counts from where it is told", () => {
    expect(steps([pod(0)], statefulSet({ replicas: 2, ordinals: { start: 5 } }))).toEqual(["create 5 new"]);
    expect(steps([pod(0), pod(5), pod(6)], statefulSet({ replicas: 2, ordinals: { start: 5 } }))).toEqual(["delete db-0"]);
  });

  it("does nothing when it is deleted, or the cache is behind", () => {
    const set = statefulSet();
    expect(steps([], set, { settled: false })).toEqual([]);
    expect(steps([], { ...set, metadata: { ...set.metadata, deletionTimestamp: "x" } })).toEqual([]);
  });
});

describe("all at once", () => {
  it.each([
    ["makes all", [], ["create 0 new", "create 1 new", "create 2 new"]],
    ["removes all that are too many", [pod(0), pod(1), pod(2), pod(3), pod(4)], ["delete db-4", "delete db-3"]],
    ["waits for none", [unready(0)], ["create 1 new", "create 2 new"]],
  ] as const)("%s", (_name, pods, wanted) => {
    expect(steps(pods, parallel)).toEqual(wanted);
  });
});

describe("updates", () => {
  it.each([
    ["from the top", [old(0), old(1), old(2)], {}, ["delete db-2"]],
    ["one after another", [old(0), old(1), unready(2)], {}, []],
    ["further down", [old(0), old(1), pod(2)], {}, ["delete db-1"]],
    ["not below the partition", [old(0), old(1), pod(2)], { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } }, []],
    ["never with OnDelete", [old(0), old(1), old(2)], { updateStrategy: { type: "OnDelete" } }, []],
    ["several with maxUnavailable", [old(0), old(1), old(2)], { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2 } } }, ["delete db-2", "delete db-1"]],
    [
      "counts who is down already",
      [unready(0, "old"), old(1), old(2)],
      { podManagementPolicy: "Parallel", updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2 } } },
      ["delete db-2"],
    ],
  ] as const)("%s", (_name, pods, spec, wanted) => {
    expect(steps(pods, statefulSet(spec), updating)).toEqual(wanted);
  });

  it("makes pods below the partition of the old revision", () => {
    const set = statefulSet({ podManagementPolicy: "Parallel", updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } });
    expect(steps([], set, updating)).toEqual(["create 0 old", "create 1 old", "create 2 new"]);
  });
});

describe("status", () => {
  it("counts by revision", () => {
    expect(plan([old(0), old(1), unready(2)], statefulSet(), updating).status).toMatchObject({
      replicas: 3,
      readyReplicas: 2,
      availableReplicas: 2,
      currentReplicas: 2,
      updatedReplicas: 1,
      currentRevision: "old",
      updateRevision: "new",
      observedGeneration: 3,
    });
  });
  it("makes the new revision the current one when all is done", () => {
    expect(plan([pod(0), pod(1), pod(2)], statefulSet(), updating).status).toMatchObject({ currentRevision: "new", currentReplicas: 3, updatedReplicas: 3 });
  });
  it("counts what it is about to do", () => {
    expect(plan([], parallel).status).toMatchObject({ replicas: 3, currentReplicas: 3, updatedReplicas: 3 });
    expect(plan([old(0), old(1), old(2)], statefulSet(), updating).status).toMatchObject({ replicas: 3, currentReplicas: 2 });
  });
});

it("gives a pod its name, place and storage", () => {
  const made = statefulPod(statefulSet({ volumeClaimTemplates: [data] }), 2, { template: template(), revision: "db-abc" });
  expect(made.metadata).toMatchObject({
    name: "db-2",
    labels: { "statefulset.kubernetes.io/pod-name": "db-2", "apps.kubernetes.io/pod-index": "2", "controller-revision-hash": "db-abc" },
  });
  expect(made.metadata).not.toHaveProperty("generateName");
  expect(made.spec).toMatchObject({ hostname: "db-2", subdomain: "db", volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data-db-2" } }] });
});

describe("claims", () => {
  const policy = (whenDeleted: string, whenScaled: string) => statefulSet({ volumeClaimTemplates: [data], persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } });
  it("are named after template and pod", () => {
    expect(claimsFor(policy("Delete", "Retain"), 1)[0]?.metadata).toMatchObject({
      name: "data-db-1",
      labels: { app: "web" },
      ownerReferences: [{ kind: "StatefulSet", name: "db" }],
    });
    expect(claimsFor(statefulSet({ volumeClaimTemplates: [data] }), 1)[0]?.metadata).not.toHaveProperty("ownerReferences");
  });
  it.each([
    ["Retain", "Retain", true, undefined],
    ["Delete", "Retain", false, ["StatefulSet"]],
    ["Delete", "Retain", true, ["StatefulSet"]],
    ["Retain", "Delete", true, ["Pod"]],
    ["Retain", "Delete", false, undefined],
    ["Delete", "Delete", true, ["Pod"]],
  ])("with %s and %s, condemned %s, belong to %j", (whenDeleted, whenScaled, condemned, owners) => {
    expect(retainedOwners(policy(whenDeleted, whenScaled), data, pod(1), condemned)?.map(({ kind }) => kind)).toEqual(owners);
  });
  it("are left alone when somebody else manages them", () => {
    const managed = { ...data, metadata: { ...data.metadata, ownerReferences: [{ apiVersion: "x/v1", kind: "Database", name: "d", uid: "d", controller: true }] } };
    expect(retainedOwners(policy("Delete", "Delete"), managed, pod(1), true)).toBeUndefined();
  });
});
