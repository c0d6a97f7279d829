import type { HorizontalPodAutoscaler, MetricIdentifier, MetricSpec, MetricStatus, MetricTarget } from "../../api/generated/types/autoscaling-v2.ts";
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

/** A metric that could not be had. `reason` is the event's and condition's; `inAll` says it where all metrics are spoken of. */
export class MeasureError extends Error {
  override readonly name = "MeasureError";
  readonly reason: string;
  readonly inAll: string;

  constructor({ reason, where, inner }: FailureWords, message: string) {
    super(inner + message);
    this.reason = reason;
    this.inAll = where + this.message;
  }
}

interface FailureWords {
  readonly reason: string;
  /** Before the message, always and where all metrics are spoken of. */
  readonly inner: string;
  readonly where: string;
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
  try {
    return await measureKind(state, spec, source);
  } catch (error) {
    throw new MeasureError(failureWords(spec), messageOf(error));
  }
}

function failureWords({ resource, containerResource, pods, object, external }: MetricSpec): FailureWords {
  if (resource !== undefined) return { reason: "FailedGetResourceMetric", inner: usageWords(resource), where: `failed to get ${resource.name} resource metric value: ` };
  if (containerResource !== undefined)
    return { reason: "FailedGetContainerResourceMetric", inner: usageWords(containerResource), where: `failed to get ${containerResource.container} container metric value: ` };
  if (pods !== undefined) return { reason: "FailedGetPodsMetric", inner: "", where: "failed to get pods metric value: " };
  if (object !== undefined) return { reason: "FailedGetObjectMetric", inner: "", where: "failed to get object metric value: " };
  const name = external?.metric.name ?? "";
  return { reason: "FailedGetExternalMetric", inner: "", where: `failed to get ${name} external metric value: failed to get ${name} external metric: ` };
}

const usageWords = ({ name, target }: { readonly name: string; readonly target: MetricTarget }): string =>
  `failed to get ${name} ${target.averageUtilization === undefined ? "usage" : "utilization"}: `;

/** What was asked for, or why it is not there, after `words`. */
async function asked<T>(words: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new Error(words + messageOf(error), { cause: error });
  }
}

async function measureKind(state: MeasureState, spec: MetricSpec, source: MetricsSource): Promise<Proposal> {
  const namespace = state.hpa.metadata.namespace ?? "";
  const { selector } = state;
  if (spec.resource !== undefined) {
    const { name, target } = spec.resource;
    const { count, current } = byTarget(state, await asked(`unable to get metrics for resource ${name}: `, source.resource(name, { namespace, selector })), target, {
      resource: name,
    });
    return { replicas: count.replicas, name: describe(`${name} resource`, target), status: { type: "Resource", resource: { name, current } } };
  }
  if (spec.containerResource !== undefined) {
    const { name, container, target } = spec.containerResource;
    const { count, current } = byTarget(state, await asked(`unable to get metrics for resource ${name}: `, source.resource(name, { namespace, selector, container })), target, {
      resource: name,
      container,
    });
    return {
      replicas: count.replicas,
      name: describe(`${name} container resource`, target),
      status: { type: "ContainerResource", containerResource: { name, container, current } },
    };
  }
  if (spec.pods !== undefined) {
    const { metric, target } = spec.pods;
    const count = countByValue(state, await asked(`unable to get metric ${metric.name}: `, source.pods(metric, { namespace, selector })), milli(target.averageValue), "");
    return { replicas: count.replicas, name: `pods metric ${metric.name}`, status: { type: "Pods", pods: { metric, current: { averageValue: quantity(count.measured) } } } };
  }
  if (spec.object !== undefined) {
    const { metric, target, describedObject } = spec.object;
    const { kind, name } = describedObject;
    const value = await asked(`unable to get metric ${metric.name}: ${kind} on ${namespace} ${name}/`, source.object(metric, describedObject, namespace));
    const { count, current } = byNumber(state, value, target);
    return { replicas: count.replicas, name: `object metric ${metric.name}`, status: { type: "Object", object: { metric, describedObject, current } } };
  }
  if (spec.external === undefined) throw new MetricError(`unknown metric source type ${JSON.stringify(spec.type)}`);
  const { metric, target } = spec.external;
  const values = await asked(`unable to get external metric ${namespace}/${metric.name}/${selectorText(metric)}: `, source.external(metric, namespace));
  const total = values.reduce((sum, value) => sum + value, 0);
  const { count, current } = byNumber(state, total, target);
  return { replicas: count.replicas, name: `external metric ${metric.name}`, status: { type: "External", external: { metric, current } } };
}

/** As Go prints a pointer to a selector. */
function selectorText({ selector }: MetricIdentifier): string {
  if (selector === undefined) return "nil";
  const labels = Object.entries(selector.matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`)
    .join("");
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join("")}},}`;
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
