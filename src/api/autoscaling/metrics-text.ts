import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from "../generated/types/autoscaling-v2.ts";
import type { Sparse } from "./convert-metrics.ts";

const mostShown = 2;
const unknown = "<unknown>";

/** `cpu: 12%/80%, memory: 1Gi/2Gi + 1 more...`. @upstream pkg/printers/internalversion/printers.go formatHPAMetrics */
export function metricsText({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) return "<none>";
  const texts = metrics.map((metric, index) => metricText(metric, status?.currentMetrics?.[index]));
  const shown = texts.slice(0, mostShown).join(", ");
  return texts.length > mostShown ? `${shown} + ${texts.length - mostShown} more...` : shown;
}

function metricText(metric: MetricSpec, status: Sparse<MetricStatus> | undefined): string {
  switch (metric.type) {
    case "External":
      return valueText(metric.external?.target, status?.external?.current);
    case "Object":
      return valueText(metric.object?.target, status?.object?.current);
    case "Pods":
      return `${status?.pods === undefined ? unknown : (status.pods.current?.averageValue ?? "0")}/${metric.pods?.target.averageValue ?? "0"}`;
    case "Resource":
      return resourceText(metric.resource, status?.resource?.current);
    case "ContainerResource":
      return resourceText(metric.containerResource, status?.containerResource?.current);
    default:
      return "<unknown type>";
  }
}

function valueText(target: MetricTarget | undefined, current: Sparse<MetricValueStatus> | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current === undefined ? unknown : (current.value ?? "0")}/${target?.value ?? "0"}`;
}

function resourceText(source: { readonly name: string; readonly target: MetricTarget } | undefined, current: Sparse<MetricValueStatus> | undefined): string {
  const { name = "", target } = source ?? {};
  if (target?.averageValue !== undefined) return `${name}: ${current === undefined ? unknown : (current.averageValue ?? "0")}/${target.averageValue}`;
  const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
  return `${name}: ${now}/${target?.averageUtilization === undefined ? "<auto>" : `${target.averageUtilization}%`}`;
}
