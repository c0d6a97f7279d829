import type { Pod } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import { podCondition } from "../pods/pod-state.ts";
import type { PodMetric } from "./metrics-source.ts";

/** After its start a pod's CPU says little for so long, unless it is ready. */
const cpuInitializationMs = 5 * 60_000;
/** A pod that was never ready after this long since its start is simply not ready. */
const initialReadinessMs = 30_000;

/** How far a ratio may be from 1 without consequence. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

export interface CountState {
  readonly current: number;
  readonly pods: readonly Pod[];
  readonly tolerances: Tolerances;
  readonly nowMs: number;
}

export interface Count {
  readonly replicas: number;
  /** What was measured: percent for a utilization, thousandths for a value; per pod. */
  readonly measured: number;
}

/** Text of a measurement that cannot be used; it goes into a condition. */
export class MetricError extends Error {
  override readonly name = "MetricError";
}

interface Groups {
  readonly ready: ReadonlyMap<string, number>;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
}

/** @upstream pkg/controller/podautoscaler/replica_calculator.go groupPods */
function groupPods(pods: readonly Pod[], metrics: readonly PodMetric[], resource: string, nowMs: number): Groups {
  const byPod = new Map(metrics.map((metric) => [metric.pod, metric]));
  const ready = new Map<string, number>();
  const unready: string[] = [];
  const missing: string[] = [];
  for (const pod of pods) {
    const { name = "", deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined || pod.status?.phase === "Failed") continue;
    const metric = byPod.get(name);
    if (pod.status?.phase === "Pending") unready.push(name);
    else if (metric === undefined) missing.push(name);
    else if (resource === "cpu" && isWarmingUp(pod, metric, nowMs)) unready.push(name);
    else ready.set(name, metric.milli);
  }
  return { ready, unready, missing };
}

function isWarmingUp(pod: Pod, metric: PodMetric, nowMs: number): boolean {
  const condition = podCondition(pod, "Ready");
  const { startTime } = pod.status ?? {};
  if (condition === undefined || startTime === undefined) return true;
  const startMs = Date.parse(startTime);
  const changedMs = Date.parse(condition.lastTransitionTime ?? startTime);
  // While it starts its measurement must begin after it became ready.
  if (startMs + cpuInitializationMs > nowMs) return condition.status === "False" || metric.atMs < changedMs + metric.windowMs;
  return condition.status === "False" && startMs + initialReadinessMs > changedMs;
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0);

/** From the share of what pods request. `target` in percent. @upstream replica_calculator.go GetResourceReplicas */
export function countByUtilization(
  state: CountState,
  metrics: readonly PodMetric[],
  target: number,
  of: { readonly resource: string; readonly container?: string | undefined },
): Count {
  const groups = groupPods(state.pods, metrics, of.resource, state.nowMs);
  if (groups.ready.size === 0) throw new MetricError("did not receive metrics for targeted pods (pods might be unready)");
  const requests = new Map(state.pods.filter(({ metadata: { name = "" } }) => isCounted(groups, name)).map((pod) => [pod.metadata.name ?? "", requestOf(pod, of)]));
  const ratio = (values: ReadonlyMap<string, number>): number => {
    const requested = sum([...values.keys()].map((name) => requests.get(name) ?? 0));
    if (requested === 0) throw new MetricError("no metrics returned matched known pods");
    return (sum(values.values()) * 100) / requested / target;
  };
  const measured = Math.trunc(ratio(groups.ready) * target + 1e-9);
  const replicas = decide(state, groups, ratio, {
    low: (name) => ((requests.get(name) ?? 0) * Math.max(100, target)) / 100,
  });
  return { replicas, measured };
}

/** From what pods use on average. `target` in thousandths. @upstream replica_calculator.go calcPlainMetricReplicas */
export function countByValue(state: CountState, metrics: readonly PodMetric[], target: number, resource: string): Count {
  const groups = groupPods(state.pods, metrics, resource, state.nowMs);
  if (groups.ready.size === 0) throw new MetricError("did not receive metrics for targeted pods (pods might be unready)");
  const ratio = (values: ReadonlyMap<string, number>): number => sum(values.values()) / values.size / target;
  return { replicas: decide(state, groups, ratio, { low: () => target }), measured: Math.trunc(sum(groups.ready.values()) / groups.ready.size) };
}

const isCounted = ({ ready, unready, missing }: Groups, name: string): boolean => ready.has(name) || unready.includes(name) || missing.includes(name);

/**
 * Pods that say nothing are taken to oppose the change: as using `low` (all they should) when the set would shrink, as
 * idle when it would grow.
 */
function decide(
  state: CountState,
  { ready, unready, missing }: Groups,
  ratioOf: (values: ReadonlyMap<string, number>) => number,
  assume: { readonly low: (pod: string) => number },
): number {
  const { current } = state;
  const ratio = ratioOf(ready);
  const growsWithUnready = unready.length > 0 && ratio > 1;
  if (!growsWithUnready && missing.length === 0) return isNear(ratio, state.tolerances) ? current : Math.ceil(ratio * ready.size - 1e-9);
  const values = new Map(ready);
  for (const name of missing) if (ratio !== 1) values.set(name, ratio < 1 ? assume.low(name) : 0);
  if (growsWithUnready) for (const name of unready) values.set(name, 0);
  const cautious = ratioOf(values);
  if (isNear(cautious, state.tolerances) || (ratio < 1 && cautious > 1) || (ratio > 1 && cautious < 1)) return current;
  const replicas = Math.ceil(cautious * values.size - 1e-9);
  return (cautious < 1 && replicas > current) || (cautious > 1 && replicas < current) ? current : replicas;
}

export function isNear(ratio: number, { up, down }: Tolerances): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

/** What a pod, or its container, requests, in thousandths. @upstream replica_calculator.go calculatePodRequests */
function requestOf(pod: Pod, { resource, container }: { readonly resource: string; readonly container?: string | undefined }): number {
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const containers = [...pod.spec.containers, ...sidecars].filter(({ name }) => container === undefined || name === container);
  const whole = container === undefined ? pod.spec.resources?.requests?.[resource] : undefined;
  if (whole !== undefined) return Quantity.parse(whole).milliValue();
  return containers.reduce((total, { name, resources }) => {
    const text = resources?.requests?.[resource];
    if (text === undefined) throw new MetricError(`missing request for ${resource} in container ${name} of Pod ${pod.metadata.name}`);
    return total + Quantity.parse(text).milliValue();
  }, 0);
}

/** From one number for all pods together: `value` to `target`, both in thousandths. @upstream replica_calculator.go getUsageRatioReplicaCount */
export function countByTotal(state: CountState, value: number, target: number): Count {
  const ratio = value / target;
  if (state.current === 0) return { replicas: Math.ceil(ratio), measured: value };
  if (isNear(ratio, state.tolerances)) return { replicas: state.current, measured: value };
  const ready = state.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && pod.status?.phase === "Running" && podCondition(pod, "Ready")?.status === "True").length;
  return { replicas: Math.ceil(ratio * ready - 1e-9), measured: value };
}

/** From one number shared out among the pods: each should carry `target`. */
export function countByAverage(state: CountState, value: number, target: number): Count {
  const replicas = state.current > 0 && isNear(value / (target * state.current), state.tolerances) ? state.current : Math.ceil(value / target - 1e-9);
  return { replicas, measured: Math.ceil(value / Math.max(1, state.current)) };
}
