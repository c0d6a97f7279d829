import { expect, it } from "vitest";
import type { HorizontalPodAutoscaler, MetricSpec } from "../../api/generated/types/autoscaling-v2.ts";
import type { Client } from "../../client/client.ts";
import { StatusError } from "../../meta/status-error.ts";
import { measure, MeasureError, type MeasureState } from "./measure.ts";
import { apiMetricsSource } from "./metrics-source.ts";

const hpa: HorizontalPodAutoscaler = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "web", namespace: "ns" },
  spec: { maxReplicas: 3, scaleTargetRef: { kind: "Deployment", name: "web" } },
};
const state: MeasureState = { hpa, selector: "app=web", current: 1, pods: [], tolerances: { up: 0.1, down: 0.1 }, nowMs: 0 };

/** A cluster where nobody serves metrics. */
const refuse = (): Promise<never> =>
  Promise.reject(
    new StatusError({ kind: "Status", apiVersion: "v1", status: "Failure", code: 404, reason: "NotFound", message: "the server could not find the requested resource" }),
  );
const source = apiMetricsSource({ list: refuse, raw: refuse } as unknown as Client);

const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };
const selector = { matchLabels: { queue: "a" }, matchExpressions: [{ key: "b", operator: "In", values: ["c", "d"] }] };

it.each<readonly [MetricSpec, string, string, string]>([
  [
    cpu,
    "FailedGetResourceMetric",
    "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
    "failed to get cpu resource metric value: ",
  ],
  [
    { type: "ContainerResource", containerResource: { name: "memory", container: "main", target: { type: "AverageValue", averageValue: "1Mi" } } },
    "FailedGetContainerResourceMetric",
    "failed to get memory usage: unable to get metrics for resource memory: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
    "failed to get main container metric value: ",
  ],
  [
    { type: "Pods", pods: { metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "1" } } },
    "FailedGetPodsMetric",
    "unable to get metric hits: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered",
    "failed to get pods metric value: ",
  ],
  [
    { type: "External", external: { metric: { name: "depth", selector }, target: { type: "Value", value: "1" } } },
    "FailedGetExternalMetric",
    "unable to get external metric ns/depth/&LabelSelector{MatchLabels:map[string]string{queue: a,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:b,Operator:In,Values:[c d],},},}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get depth.external.metrics.k8s.io)",
    "failed to get depth external metric value: failed to get depth external metric: ",
  ],
])("says what is missing of $type", async (spec, reason, message, where) => {
  const error = await measure(state, spec, source).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(MeasureError);
  expect(error).toMatchObject({ reason, message, inAll: where + message });
});

it("says which pods leave open what they need", async () => {
  const one = { metadata: { name: "web-1" }, containers: [{ name: "main", usage: { cpu: "5m" } }], timestamp: "2026-01-01T00:00:00Z", window: "15s" };
  const answering = apiMetricsSource({ list: () => Promise.resolve({ items: [one] }) } as unknown as Client);
  const started = "2025-01-01T00:00:00Z";
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime: started }];
  const spec = { containers: [{ name: "main" }] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web-1" }, spec, status: { phase: "Running", startTime: started, conditions } } as const;
  const error = await measure({ ...state, pods: [pod], nowMs: Date.parse("2026-01-01T00:00:00Z") }, cpu, answering).catch((failure: unknown) => failure);
  expect(String(error)).toMatch(/failed to get cpu utilization: missing request for cpu in container main of Pod web-1$/);
});
