import type { LabelSelector } from "../../meta/generated/meta-v1.ts";
import type { CrossVersionObjectReference, MetricIdentifier, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from "../generated/types/autoscaling-v2.ts";

/** What a client may have left out stands for Go's zero value: a status is not validated. */
export type Sparse<T> = T extends object ? { readonly [Key in keyof T]?: Sparse<T[Key]> } : T;

// Metrics as the annotations of autoscaling/v1 write them: the flat form that v2beta1 had. @upstream staging/src/k8s.io/api/autoscaling/v1/types.go

interface ResourceTargetV1 {
  readonly name: string;
  readonly targetAverageUtilization?: number;
  readonly targetAverageValue?: string;
}
export interface MetricSpecV1 {
  readonly type: string;
  readonly object?: {
    readonly target: CrossVersionObjectReference;
    readonly metricName: string;
    readonly targetValue?: string;
    readonly selector?: LabelSelector;
    readonly averageValue?: string;
  };
  readonly pods?: { readonly metricName: string; readonly targetAverageValue: string; readonly selector?: LabelSelector };
  readonly resource?: ResourceTargetV1;
  readonly containerResource?: ResourceTargetV1 & { readonly container: string };
  readonly external?: { readonly metricName: string; readonly metricSelector?: LabelSelector; readonly targetValue?: string; readonly targetAverageValue?: string };
}

interface ResourceCurrentV1 {
  readonly name: string;
  readonly currentAverageUtilization?: number;
  readonly currentAverageValue?: string;
}
export interface MetricStatusV1 {
  readonly type: string;
  readonly object?: {
    readonly target: CrossVersionObjectReference;
    readonly metricName: string;
    readonly currentValue?: string;
    readonly selector?: LabelSelector;
    readonly averageValue?: string;
  };
  readonly pods?: { readonly metricName: string; readonly currentAverageValue?: string; readonly selector?: LabelSelector };
  readonly resource?: ResourceCurrentV1;
  readonly containerResource?: ResourceCurrentV1 & { readonly container: string };
  readonly external?: { readonly metricName: string; readonly metricSelector?: LabelSelector; readonly currentValue?: string; readonly currentAverageValue?: string };
}

export function metricFromV1({ type = "", object, pods, resource, containerResource, external }: Sparse<MetricSpecV1>): MetricSpec {
  return {
    type,
    ...(object === undefined
      ? {}
      : {
          object: {
            describedObject: reference(object.target),
            metric: identifier(object.metricName, object.selector),
            target: valueTarget(object.targetValue, object.averageValue),
          },
        }),
    ...(pods === undefined ? {} : { pods: { metric: identifier(pods.metricName, pods.selector), target: { type: "AverageValue", averageValue: pods.targetAverageValue ?? "0" } } }),
    ...(resource === undefined ? {} : { resource: { name: resource.name ?? "", target: resourceTarget(resource) } }),
    ...(containerResource === undefined
      ? {}
      : { containerResource: { name: containerResource.name ?? "", container: containerResource.container ?? "", target: resourceTarget(containerResource) } }),
    ...(external === undefined
      ? {}
      : { external: { metric: identifier(external.metricName, external.metricSelector), target: valueTarget(external.targetValue, external.targetAverageValue) } }),
  };
}

export function metricToV1({ type = "", object, pods, resource, containerResource, external }: Sparse<MetricSpec>): MetricSpecV1 {
  return {
    type,
    ...(object === undefined
      ? {}
      : {
          object: compact({
            target: reference(object.describedObject),
            metricName: object.metric?.name ?? "",
            // Upstream writes the zero value where only an average was given.
            targetValue: object.target?.value ?? "0",
            selector: object.metric?.selector as LabelSelector | undefined,
            averageValue: object.target?.averageValue,
          }),
        }),
    ...(pods === undefined
      ? {}
      : {
          pods: compact({
            metricName: pods.metric?.name ?? "",
            targetAverageValue: pods.target?.averageValue ?? "0",
            selector: pods.metric?.selector as LabelSelector | undefined,
          }),
        }),
    ...(resource === undefined ? {} : { resource: resourceToV1(resource) }),
    ...(containerResource === undefined ? {} : { containerResource: { ...resourceToV1(containerResource), container: containerResource.container ?? "" } }),
    ...(external === undefined
      ? {}
      : {
          external: compact({
            metricName: external.metric?.name ?? "",
            metricSelector: external.metric?.selector as LabelSelector | undefined,
            targetValue: external.target?.value,
            targetAverageValue: external.target?.averageValue,
          }),
        }),
  };
}

export function metricStatusFromV1({ type = "", object, pods, resource, containerResource, external }: Sparse<MetricStatusV1>): MetricStatus {
  return {
    type,
    ...(object === undefined
      ? {}
      : {
          object: { describedObject: reference(object.target), metric: identifier(object.metricName, object.selector), current: current(object.currentValue, object.averageValue) },
        }),
    ...(pods === undefined ? {} : { pods: { metric: identifier(pods.metricName, pods.selector), current: current(undefined, pods.currentAverageValue) } }),
    ...(resource === undefined ? {} : { resource: { name: resource.name ?? "", current: resourceCurrent(resource) } }),
    ...(containerResource === undefined
      ? {}
      : { containerResource: { name: containerResource.name ?? "", container: containerResource.container ?? "", current: resourceCurrent(containerResource) } }),
    ...(external === undefined
      ? {}
      : { external: { metric: identifier(external.metricName, external.metricSelector), current: current(external.currentValue, external.currentAverageValue) } }),
  };
}

export function metricStatusToV1({ type = "", object, pods, resource, containerResource, external }: Sparse<MetricStatus>): MetricStatusV1 {
  return {
    type,
    ...(object === undefined
      ? {}
      : {
          object: compact({
            target: reference(object.describedObject),
            metricName: object.metric?.name ?? "",
            currentValue: object.current?.value ?? "0",
            selector: object.metric?.selector as LabelSelector | undefined,
            averageValue: object.current?.averageValue,
          }),
        }),
    ...(pods === undefined
      ? {}
      : {
          pods: compact({
            metricName: pods.metric?.name ?? "",
            currentAverageValue: pods.current?.averageValue ?? "0",
            selector: pods.metric?.selector as LabelSelector | undefined,
          }),
        }),
    ...(resource === undefined ? {} : { resource: currentToV1(resource) }),
    ...(containerResource === undefined ? {} : { containerResource: { ...currentToV1(containerResource), container: containerResource.container ?? "" } }),
    ...(external === undefined
      ? {}
      : {
          external: compact({
            metricName: external.metric?.name ?? "",
            metricSelector: external.metric?.selector as LabelSelector | undefined,
            currentValue: external.current?.value ?? "0",
            currentAverageValue: external.current?.averageValue,
          }),
        }),
  };
}

function identifier(name = "", selector?: Sparse<LabelSelector>): MetricIdentifier {
  return selector === undefined ? { name } : { name, selector: selector as LabelSelector };
}

function reference(whole: Sparse<CrossVersionObjectReference> | undefined): CrossVersionObjectReference {
  return { ...whole, kind: whole?.kind ?? "", name: whole?.name ?? "" };
}

/** An average counts where there is one; the value beside it is then the zero that upstream wrote. */
function valueTarget(value: string | undefined, averageValue: string | undefined): MetricTarget {
  if (averageValue !== undefined) return { type: "AverageValue", averageValue };
  return { type: "Value", value: value ?? "0" };
}

function resourceTarget({ targetAverageUtilization, targetAverageValue }: Sparse<ResourceTargetV1>): MetricTarget {
  if (targetAverageUtilization !== undefined) return { type: "Utilization", averageUtilization: targetAverageUtilization };
  return { type: "AverageValue", averageValue: targetAverageValue ?? "0" };
}

function resourceToV1({ name = "", target }: { readonly name?: string; readonly target?: Sparse<MetricTarget> }): ResourceTargetV1 {
  return compact({ name, targetAverageUtilization: target?.averageUtilization, targetAverageValue: target?.averageValue });
}

function current(value: string | undefined, averageValue: string | undefined): MetricValueStatus {
  return { ...(value === undefined ? {} : { value }), ...(averageValue === undefined ? {} : { averageValue }) };
}

function resourceCurrent({ currentAverageUtilization, currentAverageValue }: Sparse<ResourceCurrentV1>): MetricValueStatus {
  return {
    ...(currentAverageUtilization === undefined ? {} : { averageUtilization: currentAverageUtilization }),
    ...(currentAverageValue === undefined ? {} : { averageValue: currentAverageValue }),
  };
}

function currentToV1({ name = "", current: value }: { readonly name?: string; readonly current?: Sparse<MetricValueStatus> }): ResourceCurrentV1 {
  return compact({ name, currentAverageUtilization: value?.averageUtilization, currentAverageValue: value?.averageValue ?? "0" });
}

type Compact<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

function compact<T extends object>(value: T): Compact<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Compact<T>;
}
