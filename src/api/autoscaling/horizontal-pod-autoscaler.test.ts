import { describe, expect, it } from "vitest";
import type { HorizontalPodAutoscaler } from "../generated/types/autoscaling-v2.ts";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "../kind-trial.ts";
import { autoscalerFromV1, autoscalerToV1 } from "./convert.ts";
import { horizontalPodAutoscalerKind, horizontalPodAutoscalerV1Kind } from "./horizontal-pod-autoscaler.ts";

const head = (version: string): string => `apiVersion: autoscaling/${version}\nkind: HorizontalPodAutoscaler\nmetadata: { name: h, namespace: default }\n`;
const target = "scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }";
const create = (spec: string): ReturnType<typeof tryCreate<HorizontalPodAutoscaler>> => tryCreate(horizontalPodAutoscalerKind, `${head("v2")}spec: ${spec}`);

describe("v2", () => {
  it("gets upstream's defaults", () => {
    const { object, errors } = create(`{ maxReplicas: 3, ${target}, behavior: { scaleUp: { stabilizationWindowSeconds: 60 }, scaleDown: { selectPolicy: Disabled } } }`);
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject({
      minReplicas: 1,
      metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 60,
          selectPolicy: "Max",
          policies: [
            { type: "Pods", value: 4, periodSeconds: 15 },
            { type: "Percent", value: 100, periodSeconds: 15 },
          ],
        },
        scaleDown: { selectPolicy: "Disabled", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
      },
    });
    expect(object.spec.behavior?.scaleDown).not.toHaveProperty("stabilizationWindowSeconds");
  });

  const at = "spec.metrics[0]";
  const metric = (text: string): string => `{ maxReplicas: 3, ${target}, metrics: [${text}] }`;
  it.each([
    [
      `{ minReplicas: 0, maxReplicas: 0, ${target} }`,
      ["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1", "spec.maxReplicas: Invalid value: 0: must be greater than 0"],
    ],
    [`{ minReplicas: 4, maxReplicas: 3, ${target} }`, ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"]],
    [
      "{ maxReplicas: 3, scaleTargetRef: { kind: Deployment, name: a/b } }",
      ["spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'", 'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group'],
    ],
    ["{ maxReplicas: 3, scaleTargetRef: { kind: ReplicationController, name: a, apiVersion: v1 } }", []],
    [metric("{ type: Magic }"), [`${at}.type: Unsupported value: "Magic": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`]],
    [metric("{ type: Pods }"), [`${at}.pods: Required value: must populate information for the given metric source`]],
    [
      metric(
        "{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 1 } }, external: { metric: { name: q }, target: { type: Value, value: 1 } } }",
      ),
      [`${at}.external: Forbidden: must populate the given metric source only`],
    ],
    [
      metric("{ type: Resource, resource: { name: '', target: { type: Often } } }"),
      [
        `${at}.resource.name: Required value: must specify a resource name`,
        `${at}.resource.target.type: Invalid value: "Often": must be either Utilization, Value, or AverageValue`,
        `${at}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`,
      ],
    ],
    [
      metric("{ type: Pods, pods: { metric: { name: q }, target: { type: AverageValue, averageValue: 0 } } }"),
      [`${at}.pods.target.averageValue: Invalid value: "0": must be positive`, `${at}.pods.target.averageValue: Required value: must specify a positive target averageValue`],
    ],
    [
      metric("{ type: External, external: { metric: { name: q }, target: { type: Value, value: 1, averageValue: 1 } } }"),
      [`${at}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target`],
    ],
    [
      metric("{ type: ContainerResource, containerResource: { name: cpu, container: '', target: { type: Utilization, averageUtilization: 0 } } }"),
      [
        `${at}.containerResource.container: Required value: must specify a container`,
        `${at}.containerResource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
      ],
    ],
    [
      `{ maxReplicas: 3, ${target}, behavior: { scaleDown: { stabilizationWindowSeconds: 3601, selectPolicy: Odd, policies: [{ type: Odd, value: 0, periodSeconds: 1801 }] } } }`,
      [
        "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
        'spec.behavior.scaleDown.selectPolicy: Unsupported value: "Odd": supported values: "Disabled", "Max", "Min"',
        'spec.behavior.scaleDown.policies[0].type: Unsupported value: "Odd": supported values: "Percent", "Pods"',
        "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
        "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
      ],
    ],
  ])("%s", (spec, expected) => {
    expect(create(spec).errors).toEqual(expected);
  });

  it("leaves an old target alone", () => {
    const { object } = create("{ maxReplicas: 3, scaleTargetRef: { kind: Deployment, name: a } }");
    const kept = tryUpdate(horizontalPodAutoscalerKind, object, ({ spec }) => {
      spec.maxReplicas = 4;
    });
    expect(kept.errors).toEqual([]);
    const { errors } = tryStatusUpdate(horizontalPodAutoscalerKind, object, (draft) => {
      draft.status = { desiredReplicas: -1 };
    });
    expect(errors).toEqual(["status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0"]);
  });

  it("shows each metric's value and target", () => {
    const { object } = create(
      metric(
        "{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 80 } } }, { type: Pods, pods: { metric: { name: q }, target: { type: AverageValue, averageValue: 10 } } }, { type: External, external: { metric: { name: e }, target: { type: Value, value: 1k } } }",
      ),
    );
    expect(rowOf(horizontalPodAutoscalerKind, object, 0)).toEqual({
      Name: "h",
      Reference: "Deployment/web",
      Targets: "cpu: <unknown>/80%, <unknown>/10 + 1 more...",
      MinPods: "1",
      MaxPods: 3,
      Replicas: 0,
      Age: "<unknown>",
    });
    const status = { desiredReplicas: 2, currentReplicas: 2, currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 12 } } }] };
    expect(rowOf(horizontalPodAutoscalerKind, { ...object, spec: { ...object.spec, metrics: object.spec.metrics?.slice(0, 1) }, status }, 0)).toMatchObject({
      Targets: "cpu: 12%/80%",
      Replicas: 2,
    });
  });
});

describe("v1", () => {
  it("gets the default metric only when none stands in an annotation", () => {
    const { object, errors } = tryCreate(horizontalPodAutoscalerV1Kind, `${head("v1")}spec: { maxReplicas: 3, ${target} }`);
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject({ minReplicas: 1, targetCPUUtilizationPercentage: 80 });
    const noted = head("v1").replace(
      " }\n",
      `, annotations: { autoscaling.alpha.kubernetes.io/metrics: '[{"type":"Pods","pods":{"metricName":"q","targetAverageValue":"5"}}]' } }\n`,
    );
    expect(tryCreate(horizontalPodAutoscalerV1Kind, `${noted}spec: { maxReplicas: 3, ${target} }`).object.spec).not.toHaveProperty("targetCPUUtilizationPercentage");
  });

  const rich: HorizontalPodAutoscaler = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "h", namespace: "default", annotations: { mine: "yes" } },
    spec: {
      minReplicas: 2,
      maxReplicas: 9,
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } },
        { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
        { type: "ContainerResource", containerResource: { name: "cpu", container: "c", target: { type: "Utilization", averageUtilization: 50 } } },
        { type: "Pods", pods: { metric: { name: "q", selector: { matchLabels: { a: "b" } } }, target: { type: "AverageValue", averageValue: "5" } } },
        { type: "Object", object: { describedObject: { kind: "Service", name: "s" }, metric: { name: "hits" }, target: { type: "Value", value: "10" } } },
        { type: "Object", object: { describedObject: { kind: "Service", name: "s" }, metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "3" } } },
        { type: "External", external: { metric: { name: "e" }, target: { type: "Value", value: "7" } } },
      ],
      behavior: { scaleDown: { selectPolicy: "Max", policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] } },
    },
    status: {
      currentReplicas: 3,
      desiredReplicas: 4,
      currentMetrics: [
        { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 60, averageValue: "600m" } } },
        { type: "Pods", pods: { metric: { name: "q" }, current: { averageValue: "4" } } },
      ],
      conditions: [{ type: "AbleToScale", status: "True", reason: "ReadyForNewScale" }],
    },
  };

  it("carries what it has no field for in annotations, and nothing is lost", () => {
    const older = autoscalerToV1(rich);
    expect(older.spec).toEqual({ minReplicas: 2, maxReplicas: 9, scaleTargetRef: rich.spec.scaleTargetRef, targetCPUUtilizationPercentage: 70 });
    expect(older.status).toEqual({ currentReplicas: 3, desiredReplicas: 4, currentCPUUtilizationPercentage: 60 });
    expect(Object.keys(older.metadata.annotations ?? {}).sort()).toEqual([
      "autoscaling.alpha.kubernetes.io/behavior",
      "autoscaling.alpha.kubernetes.io/conditions",
      "autoscaling.alpha.kubernetes.io/current-metrics",
      "autoscaling.alpha.kubernetes.io/metrics",
      "mine",
    ]);
    expect(autoscalerFromV1(older)).toEqual(rich);
  });

  it("shows the same row as v2", () => {
    expect(rowOf(horizontalPodAutoscalerV1Kind, autoscalerToV1(rich), 0)).toEqual(rowOf(horizontalPodAutoscalerKind, rich, 0));
  });

  it("takes an annotation that cannot be read for absent", () => {
    const older = autoscalerToV1({ ...rich, spec: { ...rich.spec, metrics: rich.spec.metrics?.slice(0, 1), behavior: undefined } });
    const broken = { ...older, metadata: { ...older.metadata, annotations: { "autoscaling.alpha.kubernetes.io/metrics": "{" } } };
    expect(autoscalerFromV1(broken).spec.metrics).toEqual(rich.spec.metrics?.slice(0, 1));
  });

  it.each([
    "null",
    "5",
    "[5]",
    '["a"]',
    '[{"type":5}]',
    '[{"object":"x"}]',
    '[{"pods":{"metricName":{}}}]',
    '[{"resource":{"currentAverageValue":"many","targetAverageValue":"many"}}]',
  ])("takes %s for no metrics: it does not fit", (text) => {
    const annotations = { "autoscaling.alpha.kubernetes.io/metrics": text, "autoscaling.alpha.kubernetes.io/current-metrics": text };
    const older = { ...autoscalerToV1({ ...rich, spec: { ...rich.spec, metrics: undefined } }) };
    const newer = autoscalerFromV1({ ...older, metadata: { ...older.metadata, annotations } });
    expect(newer.spec.metrics).toBeUndefined();
    expect(newer.status?.currentMetrics).toEqual([{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 60 } } }]);
  });

  it("stands zero values for what a status or an annotation leaves out", () => {
    const sources = ["object", "pods", "resource", "containerResource", "external"];
    const types = ["Object", "Pods", "Resource", "ContainerResource", "External"];
    const bare = sources.map((source, index) => ({ type: types[index], [source]: {} }));
    const sparse = { ...rich, status: { ...rich.status, currentMetrics: [...bare, {}] } } as unknown as HorizontalPodAutoscaler;
    const older = autoscalerToV1(sparse);
    const newer = autoscalerFromV1({
      ...older,
      metadata: { ...older.metadata, annotations: { ...older.metadata.annotations, "autoscaling.alpha.kubernetes.io/metrics": JSON.stringify(bare) } },
    });
    const metric = { name: "" };
    const describedObject = { kind: "", name: "" };
    expect(newer.status?.currentMetrics).toEqual([
      { type: "Object", object: { describedObject, metric, current: { value: "0" } } },
      { type: "Pods", pods: { metric, current: { averageValue: "0" } } },
      { type: "Resource", resource: { name: "", current: { averageValue: "0" } } },
      { type: "ContainerResource", containerResource: { name: "", container: "", current: { averageValue: "0" } } },
      { type: "External", external: { metric, current: { value: "0" } } },
      { type: "" },
    ]);
    expect(newer.spec.metrics?.slice(1)).toEqual([
      { type: "Object", object: { describedObject, metric, target: { type: "Value", value: "0" } } },
      { type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "0" } } },
      { type: "Resource", resource: { name: "", target: { type: "AverageValue", averageValue: "0" } } },
      { type: "ContainerResource", containerResource: { name: "", container: "", target: { type: "AverageValue", averageValue: "0" } } },
      { type: "External", external: { metric, target: { type: "Value", value: "0" } } },
    ]);
    expect(() => rowOf(horizontalPodAutoscalerKind, { ...newer, status: sparse.status }, 0)).not.toThrow();
  });
});
