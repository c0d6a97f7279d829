import { describe, expect, it } from "vitest";
import { type Draft, deepFreeze } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { replicationControllerKind } from "../core/replication-controller.ts";
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "../generated/types/apps-v1.ts";
import type { KindDefinition } from "../kind.ts";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { controllerRevisionKind } from "./controller-revision.ts";
import { daemonSetKind } from "./daemon-set.ts";
import { deploymentKind } from "./deployment.ts";
import { replicaSetKind } from "./replica-set.ts";
import { statefulSetKind } from "./stateful-set.ts";

const now = Date.parse("2026-01-31T08:10:00Z");
const template = "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: nginx}, {name: b, image: 'redis:7'}]}}";
const selector = "selector: {matchLabels: {app: web}}";
const yaml = (kind: string, spec: string): string =>
  `{apiVersion: apps/v1, kind: ${kind}, metadata: {name: web, namespace: ns, creationTimestamp: '2026-01-31T08:00:00Z'}, spec: {${spec}}}`;
const made = <T extends KubeObject>(definition: KindDefinition<T>, spec: string): T => {
  const { object, errors } = tryCreate(definition, yaml(definition.resource.kind, spec));
  expect(errors).toEqual([]);
  return deepFreeze(object);
};

describe("Deployment", () => {
  it("is filled in", () => {
    const { spec } = made(deploymentKind, `${selector}, ${template}`);
    expect({ ...spec, template: undefined }).toEqual({
      replicas: 1,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    });
    expect(spec.template.spec).toMatchObject({
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      containers: [{ imagePullPolicy: "Always", resources: {} }, { imagePullPolicy: "IfNotPresent" }],
    });
    expect(spec.template.spec?.enableServiceLinks).toBeUndefined();
  });

  it.each<readonly [name: string, spec: string, errors: readonly string[]]>([
    [
      "is empty",
      "",
      [
        "spec.selector: Required value",
        "spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`",
        "spec.template.spec.containers: Required value",
      ],
    ],
    [
      "does not find its own pods",
      `selector: {matchLabels: {app: api}}, ${template}`,
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    ["selects everything", `selector: {}, ${template}`, ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]],
    ["has negative replicas", `replicas: -1, ${selector}, ${template}`, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]],
    [
      "can neither add nor take",
      `${selector}, ${template}, strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}`,
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    ],
    [
      "takes more than all",
      `${selector}, ${template}, strategy: {rollingUpdate: {maxSurge: x, maxUnavailable: 101%}}`,
      [
        "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
      ],
    ],
    [
      "recreates in steps",
      `${selector}, ${template}, strategy: {type: Recreate, rollingUpdate: {}}`,
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      "has an unknown strategy",
      `${selector}, ${template}, strategy: {type: Odd}`,
      ['spec.strategy: Unsupported value: {"type":"Odd"}: supported values: "Recreate", "RollingUpdate"'],
    ],
    [
      "expects progress before readiness",
      `${selector}, ${template}, minReadySeconds: 10, progressDeadlineSeconds: 10`,
      ["spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds"],
    ],
    [
      "runs to an end",
      `${selector}, template: {metadata: {labels: {app: web}}, spec: {restartPolicy: Never, activeDeadlineSeconds: 1, containers: [{name: a, image: x}]}}`,
      [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
      ],
    ],
  ])("%s", (_name, spec, errors) => expect(tryCreate(deploymentKind, yaml("Deployment", spec)).errors).toEqual(errors));

  it("keeps its selector", () => {
    const previous = made(deploymentKind, `${selector}, ${template}`);
    const { errors } = tryUpdate(deploymentKind, previous, (draft: Draft<Deployment>) => {
      draft.spec.selector = { matchLabels: { app: "web", x: "y" } };
      draft.spec.template.metadata = { labels: { app: "web", x: "y" } };
    });
    expect(errors).toEqual(['spec.selector: Invalid value: {"matchLabels":{"app":"web","x":"y"}}: field is immutable']);
  });

  it("counts no more than it has", () => {
    const previous = { ...made(deploymentKind, `${selector}, ${template}`), status: { collisionCount: 2 } };
    const { errors } = tryStatusUpdate(deploymentKind, previous, (draft: Draft<Deployment>) => {
      draft.status = { replicas: 1, readyReplicas: 2, availableReplicas: 3, unavailableReplicas: -1, collisionCount: 1 };
    });
    expect(errors).toEqual([
      "status.unavailableReplicas: Invalid value: -1: must be greater than or equal to 0",
      "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
      "status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas",
      "status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas",
      "status.collisionCount: Invalid value: 1: cannot be decremented",
    ]);
  });

  it("is listed and scaled", () => {
    const deployment: Deployment = {
      ...made(deploymentKind, `replicas: 3, ${selector}, ${template}`),
      status: { replicas: 3, readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
    };
    expect(rowOf(deploymentKind, deployment, now)).toEqual({
      Name: "web",
      Ready: "2/3",
      "Up-to-date": 1,
      Available: 2,
      Age: "10m",
      Containers: "a,b",
      Images: "nginx,redis:7",
      Selector: "app=web",
    });
    expect([deploymentKind.scale?.replicas(deployment), deploymentKind.scale?.statusReplicas(deployment), deploymentKind.scale?.selector(deployment)]).toEqual([3, 3, "app=web"]);
  });
});

describe("ReplicaSet", () => {
  it("is listed", () => {
    const set: ReplicaSet = { ...made(replicaSetKind, `replicas: 2, ${selector}, ${template}`), status: { replicas: 2, readyReplicas: 1 } };
    expect(rowOf(replicaSetKind, set, now)).toMatchObject({ Name: "web", Desired: 2, Current: 2, Ready: 1, Age: "10m", Selector: "app=web" });
    expect(replicaSetKind.fieldSelectors?.["status.replicas"]?.(set)).toBe("2");
  });

  it("names a deployment when its selector is empty, as upstream does", () =>
    expect(tryCreate(replicaSetKind, yaml("ReplicaSet", `selector: {}, ${template}`)).errors).toEqual([
      "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
    ]));
});

describe("DaemonSet", () => {
  it("is filled in and counts its templates", () => {
    const previous = made(daemonSetKind, `${selector}, ${template}`);
    expect(previous.spec.updateStrategy).toEqual({ type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
    expect(previous.metadata.annotations).toEqual({ "deprecated.daemonset.template.generation": "1" });
    const same = tryUpdate(daemonSetKind, previous, (draft: Draft<DaemonSet>) => {
      draft.metadata.annotations = {};
      draft.spec.minReadySeconds = 5;
    });
    expect(same.object.metadata.annotations).toEqual({ "deprecated.daemonset.template.generation": "1" });
    const other = tryUpdate(daemonSetKind, previous, (draft: Draft<DaemonSet>) => Object.assign(draft.spec.template.spec?.containers[0] ?? {}, { image: "nginx:2" }));
    expect(other.object.metadata.annotations).toEqual({ "deprecated.daemonset.template.generation": "2" });
  });

  it.each<readonly [spec: string, errors: readonly string[]]>([
    ["rollingUpdate: {maxUnavailable: 1, maxSurge: 1}", ["spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"]],
    ["rollingUpdate: {maxUnavailable: 0}", ["spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"]],
    ["type: Odd", ['spec.updateStrategy: Unsupported value: {"type":"Odd"}: supported values: "RollingUpdate", "OnDelete"']],
    ["type: OnDelete", []],
  ])("with {%s}", (strategy, errors) => expect(tryCreate(daemonSetKind, yaml("DaemonSet", `${selector}, ${template}, updateStrategy: {${strategy}}`)).errors).toEqual(errors));

  it("is listed", () => {
    const status = { currentNumberScheduled: 3, desiredNumberScheduled: 4, numberMisscheduled: 0, numberReady: 2, updatedNumberScheduled: 1, numberAvailable: 2 };
    expect(rowOf(daemonSetKind, { ...made(daemonSetKind, `${selector}, ${template}`), status }, now)).toMatchObject({
      Desired: 4,
      Current: 3,
      Ready: 2,
      "Up-to-date": 1,
      Available: 2,
      "Node Selector": "<none>",
      Selector: "app=web",
    });
  });
});

describe("StatefulSet", () => {
  const claims = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]";
  const mounting = "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: nginx, volumeMounts: [{name: data, mountPath: /data}]}]}}";

  it("is filled in, its claims stand for volumes", () => {
    const { spec } = made(statefulSetKind, `${selector}, ${mounting}, ${claims}, updateStrategy: {rollingUpdate: {maxUnavailable: 2}}`);
    expect({ ...spec, template: undefined }).toEqual({
      replicas: 1,
      selector: { matchLabels: { app: "web" } },
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      revisionHistoryLimit: 10,
      volumeClaimTemplates: [
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, volumeMode: "Filesystem" },
          status: { phase: "Pending" },
        },
      ],
    });
  });

  it("changes only in few ways", () => {
    const previous = made(statefulSetKind, `${selector}, ${template}`);
    const change = (edit: (draft: Draft<StatefulSet>) => void): readonly string[] => tryUpdate(statefulSetKind, previous, edit).errors;
    expect(change((draft) => Object.assign(draft.spec, { replicas: 5, minReadySeconds: 1, revisionHistoryLimit: 3, ordinals: { start: 1 } }))).toEqual([]);
    expect(change((draft) => Object.assign(draft.spec, { serviceName: "other" }))).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });

  it.each<readonly [spec: string, errors: readonly string[]]>([
    ["podManagementPolicy: Odd", ["spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'"]],
    [
      "updateStrategy: {type: OnDelete, rollingUpdate: {partition: 1}}",
      ["spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'"],
    ],
    ["updateStrategy: {type: Odd}", ["spec.updateStrategy: Invalid value: {\"type\":\"Odd\"}: must be 'RollingUpdate' or 'OnDelete'"]],
    ["updateStrategy: {rollingUpdate: {partition: -1}}", ["spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0"]],
    [
      "persistentVolumeClaimRetentionPolicy: {whenScaled: Odd}",
      ['spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Odd": supported values: "Retain", "Delete"'],
    ],
  ])("with %s", (spec, errors) => expect(tryCreate(statefulSetKind, yaml("StatefulSet", `${selector}, ${template}, ${spec}`)).errors).toEqual(errors));

  it("is listed", () => {
    const set: StatefulSet = { ...made(statefulSetKind, `replicas: 3, ${selector}, ${template}`), status: { replicas: 3, readyReplicas: 1 } };
    expect(rowOf(statefulSetKind, set, now)).toEqual({ Name: "web", Ready: "1/3", Age: "10m", Containers: "a,b", Images: "nginx,redis:7" });
  });
});

describe("ReplicationController", () => {
  const controller = (spec: string): string => yaml("ReplicationController", spec).replace("apps/v1", "v1");
  it("takes labels and selector from its template", () => {
    const { object, errors } = tryCreate(replicationControllerKind, controller(template));
    expect(errors).toEqual([]);
    expect(object).toMatchObject({ metadata: { labels: { app: "web" } }, spec: { replicas: 1, selector: { app: "web" } }, status: { replicas: 0 } });
    expect(replicationControllerKind.scale?.selector(object)).toBe("app=web");
    expect(rowOf(replicationControllerKind, object, now)).toMatchObject({ Desired: 1, Current: 0, Ready: 0, Selector: "app=web" });
  });

  it("needs both", () => {
    expect(tryCreate(replicationControllerKind, controller("")).errors).toEqual(["spec.selector: Required value", "spec.template: Required value"]);
    expect(tryCreate(replicationControllerKind, controller(`selector: {app: api}, ${template}`)).errors).toEqual([
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ]);
  });
});

describe("ControllerRevision", () => {
  const text =
    "{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: r, namespace: ns, creationTimestamp: '2026-01-31T08:00:00Z', ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, uid: u, controller: true}]}, revision: 3, data: {a: 1}}";
  it("keeps its data", () => {
    const { object, errors } = tryCreate(controllerRevisionKind, text);
    expect(errors).toEqual([]);
    expect(tryUpdate(controllerRevisionKind, object, (draft) => Object.assign(draft, { revision: 4 })).errors).toEqual([]);
    expect(tryUpdate(controllerRevisionKind, object, (draft) => Object.assign(draft, { data: { a: 2 } })).errors).toEqual(['data: Invalid value: {"a":2}: field is immutable']);
    expect(tryUpdate(controllerRevisionKind, object, (draft) => Object.assign(draft, { data: undefined, revision: -1 })).errors).toEqual([
      "data: Required value: data is mandatory",
      "revision: Invalid value: -1: must be greater than or equal to 0",
      'data: Invalid value: "null": field is immutable',
    ]);
    expect(rowOf(controllerRevisionKind, object, now)).toEqual({ Name: "r", Controller: "statefulset.apps/web", Revision: 3, Age: "10m" });
  });
});
