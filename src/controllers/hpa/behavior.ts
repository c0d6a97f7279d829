import type { HorizontalPodAutoscaler, HPAScalingRules } from "../../api/generated/types/autoscaling-v2.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { Tolerances } from "./replica-count.ts";

/** A size that was recommended, or by how much the size changed, and when (milliseconds since the epoch). */
export interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}
export interface ScaleEvent {
  readonly change: number;
  readonly atMs: number;
}

/** What is remembered of one autoscaler between its looks. */
export interface ScaleMemory {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly ScaleEvent[];
  readonly downs: readonly ScaleEvent[];
}

export const noMemory: ScaleMemory = { recommendations: [], ups: [], downs: [] };

export interface Verdict {
  readonly replicas: number;
  readonly stabilized: { readonly reason: "ReadyForNewScale" | "ScaleUpStabilized" | "ScaleDownStabilized"; readonly message: string };
  readonly limited: { readonly status: "True" | "False"; readonly reason: string; readonly message: string };
  readonly memory: ScaleMemory;
}

interface Rules {
  readonly windowMs: number;
  readonly select: string;
  readonly policies: NonNullable<HPAScalingRules["policies"]>;
}

function rulesOf(rules: HPAScalingRules | undefined, fallback: Rules): Rules {
  return {
    windowMs: rules?.stabilizationWindowSeconds === undefined ? fallback.windowMs : rules.stabilizationWindowSeconds * 1000,
    select: rules?.selectPolicy ?? "Max",
    policies: rules?.policies ?? fallback.policies,
  };
}

const upDefaults: Rules = {
  windowMs: 0,
  select: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const downDefaults: Rules = { windowMs: 300_000, select: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] };

export function tolerancesOf({ spec: { behavior } }: HorizontalPodAutoscaler, fallback = 0.1): Tolerances {
  const read = (text: string | undefined): number => (text === undefined ? fallback : Quantity.parse(text).toNumber());
  return { up: read(behavior?.scaleUp?.tolerance), down: read(behavior?.scaleDown?.tolerance) };
}

/**
 * What of a wanted size may be had now: recent recommendations steady it, policies limit how fast it moves, and it stays
 * between the bounds. @upstream pkg/controller/podautoscaler/horizontal.go normalizeDesiredReplicasWithBehaviors
 */
export function normalize(hpa: HorizontalPodAutoscaler, wanted: number, current: number, memory: ScaleMemory, nowMs: number): Verdict {
  const up = rulesOf(hpa.spec.behavior?.scaleUp, upDefaults);
  const down = rulesOf(hpa.spec.behavior?.scaleDown, downDefaults);
  const keepMs = Math.max(up.windowMs, down.windowMs);
  const recent = memory.recommendations.filter(({ atMs }) => nowMs - atMs < keepMs);
  const within = (windowMs: number): number[] => [wanted, ...recent.filter(({ atMs }) => nowMs - atMs < windowMs).map(({ replicas }) => replicas)];
  const lowest = Math.min(...within(up.windowMs));
  const highest = Math.max(...within(down.windowMs));
  const next = Math.min(Math.max(current, lowest), highest);
  const { replicas, limited } = limit(hpa, next, current, { up, down }, memory, nowMs);
  return { replicas, stabilized: stabilization(next, wanted), limited, memory: { ...memory, recommendations: [...recent, { replicas: wanted, atMs: nowMs }] } };
}

function stabilization(next: number, wanted: number): Verdict["stabilized"] {
  if (next < wanted) return { reason: "ScaleUpStabilized", message: "recent recommendations were lower than current one, applying the lowest recent recommendation" };
  if (next > wanted) return { reason: "ScaleDownStabilized", message: "recent recommendations were higher than current one, applying the highest recent recommendation" };
  return { reason: "ReadyForNewScale", message: "recommended size matches current size" };
}

function limit(
  hpa: HorizontalPodAutoscaler,
  next: number,
  current: number,
  rules: { readonly up: Rules; readonly down: Rules },
  memory: ScaleMemory,
  nowMs: number,
): Pick<Verdict, "replicas" | "limited"> {
  const min = hpa.spec.minReplicas ?? 1;
  const max = hpa.spec.maxReplicas;
  const limited = (replicas: number, reason: string, message: string): Pick<Verdict, "replicas" | "limited"> => ({ replicas, limited: { status: "True", reason, message } });
  if (next > current) {
    const fastest = Math.max(current, upLimit(current, rules.up, memory, nowMs));
    if (fastest < max && next > fastest) return limited(fastest, "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
  } else if (next < current) {
    const fastest = Math.min(current, downLimit(current, rules.down, memory, nowMs));
    if (fastest > min && next < fastest) return limited(fastest, "ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");
  }
  if (next > max) return limited(max, "TooManyReplicas", "the desired replica count is more than the maximum replica count");
  if (next < min) return limited(min, "TooFewReplicas", "the desired replica count is less than the minimum replica count");
  return { replicas: next, limited: { status: "False", reason: "DesiredWithinRange", message: "the desired count is within the acceptable range" } };
}

/** The size at the period's beginning, before what has happened since. */
function sizeAtStart(current: number, periodSeconds: number, { ups, downs }: ScaleMemory, nowMs: number): number {
  const total = (events: readonly ScaleEvent[]): number => events.filter(({ atMs }) => nowMs - atMs < periodSeconds * 1000).reduce((sum, { change }) => sum + change, 0);
  return current - total(ups) + total(downs);
}

function upLimit(current: number, { select, policies }: Rules, memory: ScaleMemory, nowMs: number): number {
  if (select === "Disabled") return current;
  const sizes = policies.map(({ type, value, periodSeconds }) => {
    const start = sizeAtStart(current, periodSeconds, memory, nowMs);
    return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return select === "Min" ? Math.min(...sizes) : Math.max(...sizes);
}

function downLimit(current: number, { select, policies }: Rules, memory: ScaleMemory, nowMs: number): number {
  if (select === "Disabled") return current;
  const sizes = policies.map(({ type, value, periodSeconds }) => {
    const start = sizeAtStart(current, periodSeconds, memory, nowMs);
    return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return select === "Min" ? Math.max(...sizes) : Math.min(...sizes);
}

/** The memory with a change of size; what no policy looks back at any more is forgotten. */
export function remember(hpa: HorizontalPodAutoscaler, memory: ScaleMemory, change: number, nowMs: number): ScaleMemory {
  const longest = (rules: Rules): number => Math.max(0, ...rules.policies.map(({ periodSeconds }) => periodSeconds)) * 1000;
  const keepMs = Math.max(longest(rulesOf(hpa.spec.behavior?.scaleUp, upDefaults)), longest(rulesOf(hpa.spec.behavior?.scaleDown, downDefaults)));
  const recent = (events: readonly ScaleEvent[]): readonly ScaleEvent[] => events.filter(({ atMs }) => nowMs - atMs < keepMs);
  return {
    ...memory,
    ups: [...recent(memory.ups), ...(change > 0 ? [{ change, atMs: nowMs }] : [])],
    downs: [...recent(memory.downs), ...(change < 0 ? [{ change: -change, atMs: nowMs }] : [])],
  };
}
