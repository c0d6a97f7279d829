import type { HorizontalPodAutoscaler as AutoscalerV1 } from "../generated/types/autoscaling-v1.ts";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, MetricSpec, MetricStatus } from "../generated/types/autoscaling-v2.ts";
import { metricFromV1, metricStatusFromV1, metricStatusToV1, metricToV1, type MetricSpecV1, type MetricStatusV1, type Sparse } from "./convert-metrics.ts";
import { readNoted } from "./noted-form.ts";

// What v1 has no field for travels in annotations, so that nothing is lost. @upstream pkg/apis/autoscaling/v1/conversion.go

const metricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics";
const currentMetricsAnnotation = "autoscaling.alpha.kubernetes.io/current-metrics";
const conditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions";
const behaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior";
const annotations = [metricsAnnotation, currentMetricsAnnotation, conditionsAnnotation, behaviorAnnotation];

/** As v2 has it; also the stored form. An annotation that cannot be read counts as absent. */
export function autoscalerFromV1({ metadata, spec, status }: AutoscalerV1): HorizontalPodAutoscaler {
  const notes = metadata.annotations ?? {};
  const { targetCPUUtilizationPercentage: target, ...rest } = spec;
  const others = ((readNoted("metrics", notes[metricsAnnotation]) ?? []) as readonly Sparse<MetricSpecV1>[]).map(metricFromV1);
  const cpu: MetricSpec[] = target === undefined ? [] : [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: target } } }];
  const metrics = [...cpu, ...others];
  const behavior = readNoted("behavior", notes[behaviorAnnotation]) as HorizontalPodAutoscaler["spec"]["behavior"];
  const kept = Object.entries(notes).filter(([key]) => !annotations.includes(key));
  const { annotations: _dropped, ...meta } = metadata;
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: kept.length === 0 ? meta : { ...meta, annotations: Object.fromEntries(kept) },
    spec: { ...rest, ...(metrics.length === 0 ? {} : { metrics }), ...(behavior === undefined ? {} : { behavior }) },
    ...(status === undefined ? {} : { status: statusFromV1(status, notes) }),
  };
}

function statusFromV1(status: NonNullable<AutoscalerV1["status"]>, notes: { readonly [key: string]: string }): NonNullable<HorizontalPodAutoscaler["status"]> {
  const { currentCPUUtilizationPercentage: current, ...rest } = status;
  const noted = ((readNoted("currentMetrics", notes[currentMetricsAnnotation]) ?? []) as readonly Sparse<MetricStatusV1>[]).map(metricStatusFromV1);
  const hasCpu = noted.some(isCpu);
  const cpu: MetricStatus[] = current === undefined || hasCpu ? [] : [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: current } } }];
  const currentMetrics = [...cpu, ...noted];
  const conditions = (readNoted("conditions", notes[conditionsAnnotation]) ?? []) as readonly HorizontalPodAutoscalerCondition[];
  return { ...rest, ...(currentMetrics.length === 0 ? {} : { currentMetrics }), ...(conditions.length === 0 ? {} : { conditions }) };
}

/** As v1 has it. */
export function autoscalerToV1({ metadata, spec, status }: HorizontalPodAutoscaler): AutoscalerV1 {
  const { metrics = [], behavior, ...rest } = spec;
  const utilization = metrics.find(isCpuUtilization);
  const others = metrics.filter((metric) => metric !== utilization);
  const current = status?.currentMetrics ?? [];
  const added: Record<string, string> = {};
  if (others.length > 0) added[metricsAnnotation] = JSON.stringify(others.map(metricToV1));
  if (behavior !== undefined) added[behaviorAnnotation] = JSON.stringify(behavior);
  if (current.length > 0) added[currentMetricsAnnotation] = JSON.stringify(current.map(metricStatusToV1));
  if ((status?.conditions ?? []).length > 0) added[conditionsAnnotation] = JSON.stringify(status?.conditions);
  const target = utilization?.resource?.target?.averageUtilization;
  return {
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata: Object.keys(added).length === 0 ? metadata : { ...metadata, annotations: { ...metadata.annotations, ...added } },
    spec: { ...rest, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    ...(status === undefined ? {} : { status: statusToV1(status) }),
  };
}

function statusToV1({ currentMetrics, conditions: _noted, currentReplicas, ...rest }: NonNullable<HorizontalPodAutoscaler["status"]>): NonNullable<AutoscalerV1["status"]> {
  const utilization = currentMetrics?.find(isCpu)?.resource?.current?.averageUtilization;
  return { ...rest, currentReplicas: currentReplicas ?? 0, ...(utilization === undefined ? {} : { currentCPUUtilizationPercentage: utilization }) };
}

const isCpu = ({ type, resource }: Sparse<MetricStatus>): boolean => type === "Resource" && resource?.name === "cpu";
const isCpuUtilization = ({ type, resource }: Sparse<MetricSpec>): boolean => type === "Resource" && resource?.name === "cpu" && resource.target?.averageUtilization !== undefined;
