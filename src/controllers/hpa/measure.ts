import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget } from "../../api/generated/types/autoscaling-v2.ts";
import { Quantity } from "../../meta/quantity.ts";
import { messageOf } from "../failures.ts";
import type { MetricsSource } from "./metrics-source.ts";
import { type Count, countByAverage, countByTotal, countByUtilization, countByValue, type CountState, MetricError } from "./replica-count.ts";

/** What one metric says. */
export interface Proposal {
  readonly replicas: number;
  /** How conditions and events name it. */
  readonly name: string;
  readonly status: MetricStatus;
}

/** A metric that could not be had. `reason` is the event's and condition's. */
export class MeasureError extends Error {
  override readonly name = "MeasureError";
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

const milli = (text: string | undefined): number => Quantity.parse(text ?? "0").milliValue();
const quantity = (milliValue: number): string => Quantity.ofMilli(Math.trunc(milliValue)).toString();

export interface MeasureState extends CountState {
  readonly hpa: HorizontalPodAutoscaler;
  /** The target's label selector, as text. */
  readonly selector: string;
}

/** Asks for one metric and reckons the size it calls for. Rejects with MeasureError. @upstream pkg/controller/podautoscaler/horizontal.go computeReplicasForMetric */
export async function measure(state: MeasureState, spec: MetricSpec, source: MetricsSource): Promise<Proposal> {
  const [reason, what] = failureWords(spec);
  try {
    return await measureKind(state, spec, source);
  } catch (error) {
    throw new MeasureError(reason, `failed to get ${what}: ${messageOf(error)}`);
  }
}

function failureWords(spec: MetricSpec): readonly [reason: string, what: string] {
  if (spec.resource !== undefined) return ["FailedGetResourceMetric", `${spec.resource.name} ${targetWord(spec.resource.target)}`];
  if (spec.containerResource !== undefined) return ["FailedGetContainerResourceMetric", `${spec.containerResource.name} ${targetWord(spec.containerResource.target)}`];
  if (spec.pods !== undefined) return ["FailedGetPodsMetric", "pods metric value"];
  if (spec.object !== undefined) return ["FailedGetObjectMetric", "object metric value"];
  return ["FailedGetExternalMetric", `external metric ${spec.external?.metric.name}`];
}

const targetWord = (target: MetricTarget): string => (target.type === "Utilization" ? "utilization" : "resource metric value");

async function measureKind(state: MeasureState, spec: MetricSpec, source: MetricsSource): Promise<Proposal> {
  const namespace = state.hpa.metadata.namespace ?? "";
  const { selector } = state;
  if (spec.resource !== undefined) {
    const { name, target } = spec.resource;
    const { count, current } = byTarget(state, await source.resource(name, { namespace, selector }), target, { resource: name });
    return { replicas: count.replicas, name: describe(`${name} resource`, target), status: { type: "Resource", resource: { name, current } } };
  }
  if (spec.containerResource !== undefined) {
    const { name, container, target } = spec.containerResource;
    const { count, current } = byTarget(state, await source.resource(name, { namespace, selector, container }), target, { resource: name, container });
    return {
      replicas: count.replicas,
      name: describe(`${name} container resource`, target),
      status: { type: "ContainerResource", containerResource: { name, container, current } },
    };
  }
  if (spec.pods !== undefined) {
    const { metric, target } = spec.pods;
    const count = countByValue(state, await source.pods(metric, { namespace, selector }), milli(target.averageValue), "");
    return { replicas: count.replicas, name: `pods metric ${metric.name}`, status: { type: "Pods", pods: { metric, current: { averageValue: quantity(count.measured) } } } };
  }
  if (spec.object !== undefined) {
    const { metric, target, describedObject } = spec.object;
    const { count, current } = byNumber(state, await source.object(metric, describedObject, namespace), target);
    return { replicas: count.replicas, name: `object metric ${metric.name}`, status: { type: "Object", object: { metric, describedObject, current } } };
  }
  if (spec.external === undefined) throw new MetricError(`unknown metric source type ${JSON.stringify(spec.type)}`);
  const { metric, target } = spec.external;
  const total = (await source.external(metric, namespace)).reduce((sum, value) => sum + value, 0);
  const { count, current } = byNumber(state, total, target);
  return { replicas: count.replicas, name: `external metric ${metric.name}`, status: { type: "External", external: { metric, current } } };
}

function describe(what: string, target: MetricTarget): string {
  return target.type === "Utilization" ? `${what} utilization (percentage of request)` : what;
}

function byTarget(
  state: MeasureState,
  metrics: Parameters<typeof countByValue>[1],
  target: MetricTarget,
  of: { readonly resource: string; readonly container?: string | undefined },
) {
  const average = metrics.length === 0 ? 0 : metrics.reduce((sum, metric) => sum + metric.milli, 0) / metrics.length;
  if (target.averageUtilization === undefined) {
    const count = countByValue(state, metrics, milli(target.averageValue), of.resource);
    return { count, current: { averageValue: quantity(count.measured) } };
  }
  const count = countByUtilization(state, metrics, target.averageUtilization, of);
  return { count, current: { averageUtilization: count.measured, averageValue: quantity(average) } };
}

function byNumber(
  state: MeasureState,
  value: number,
  target: MetricTarget,
): { readonly count: Count; readonly current: { readonly value?: string; readonly averageValue?: string } } {
  if (target.averageValue !== undefined) {
    const count = countByAverage(state, value, milli(target.averageValue));
    return { count, current: { averageValue: quantity(count.measured) } };
  }
  return { count: countByTotal(state, value, milli(target.value)), current: { value: quantity(value) } };
}
