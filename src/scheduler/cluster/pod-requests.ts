import type { Container, ContainerStatus, Pod } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";

/** What a pod asks for or a node has: cpu in millicores, memory and storage in bytes, the others in pieces or bytes. */
export interface Resources {
  readonly milliCpu: number;
  readonly memory: number;
  readonly ephemeralStorage: number;
  /** Extended resources, huge pages and the like, by name. */
  readonly scalars: ReadonlyMap<string, number>;
}

/** `{"cpu" => 100}` with cpu in millicores. */
type Amounts = Map<string, number>;
type ResourceList = { readonly [name: string]: string } | undefined;

/** What a container that asks for none counts as in scoring. @upstream pkg/scheduler/util/pod_resources.go */
export const DEFAULT_MILLI_CPU = 100;
export const DEFAULT_MEMORY = 200 * 1024 * 1024;

// PERF: the same few quantities are read for every pod and node; emptied when full.
const milli = new Map<string, number>();
const whole = new Map<string, number>();
const MAX_KNOWN = 4096;

/** A quantity as the number scheduling counts in. */
export function amount(resource: string, quantity: string): number {
  const known = resource === "cpu" ? milli : whole;
  let value = known.get(quantity);
  if (value === undefined) {
    const parsed = Quantity.parse(quantity);
    value = resource === "cpu" ? parsed.milliValue() : parsed.value();
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(quantity, value);
  }
  return value;
}

export function resourcesOf(list: ResourceList): Resources {
  return asResources(amountsOf(list));
}

export function sameResources(a: Resources, b: Resources): boolean {
  if (a.milliCpu !== b.milliCpu || a.memory !== b.memory || a.ephemeralStorage !== b.ephemeralStorage || a.scalars.size !== b.scalars.size) return false;
  for (const [name, value] of a.scalars) if (b.scalars.get(name) !== value) return false;
  return true;
}

/** What a pod takes, and what of it counts in scoring. */
export interface PodTakings {
  readonly requests: Resources;
  readonly scored: { readonly milliCpu: number; readonly memory: number };
}

/** For a pod that nobody resizes. */
export function takingsAsAsked(pod: Pod): PodTakings {
  const { containers, initContainers, overhead, resources } = pod.spec;
  const isSimple = overhead === undefined && resources === undefined && (initContainers === undefined || initContainers.length === 0);
  return isSimple ? together(containers) : { requests: podRequests(pod), scored: scoredRequests(pod) };
}

/** PERF: nearly all pods are containers that each ask for themselves: they are added up in one go. */
function together(containers: readonly Container[]): PodTakings {
  let milliCpu = 0;
  let memory = 0;
  let ephemeralStorage = 0;
  let filledCpu = 0;
  let filledMemory = 0;
  let scalars: Map<string, number> | undefined;
  for (const { resources } of containers) {
    const asked = resources?.requests;
    if (asked?.["cpu"] === undefined) filledCpu += DEFAULT_MILLI_CPU;
    if (asked?.["memory"] === undefined) filledMemory += DEFAULT_MEMORY;
    for (const name in asked) {
      const value = amount(name, asked[name] ?? "0");
      if (name === "cpu") milliCpu += value;
      else if (name === "memory") memory += value;
      else if (name === "ephemeral-storage") ephemeralStorage += value;
      else if (isScalar(name)) {
        scalars ??= new Map();
        scalars.set(name, (scalars.get(name) ?? 0) + value);
      }
    }
  }
  return { requests: { milliCpu, memory, ephemeralStorage, scalars: scalars ?? noScalars }, scored: { milliCpu: milliCpu + filledCpu, memory: memory + filledMemory } };
}

/** What the pod takes of a node. @upstream component-helpers/resource/helpers.go PodRequests with UseStatusResources */
export function podRequests(pod: Pod): Resources {
  return asResources(totalOf(pod, {}));
}

/** Cpu and memory as scoring counts them: containers that ask for none count a little. @upstream framework/types.go calculateResource */
export function scoredRequests(pod: Pod): { readonly milliCpu: number; readonly memory: number } {
  // A pod that asks as a whole is only filled up where neither it nor any container asks.
  const asked = isAskedForWhole(pod) ? totalOf(pod, {}) : undefined;
  const defaults = {
    ...(asked?.has("cpu") === true ? {} : { cpu: DEFAULT_MILLI_CPU }),
    ...(asked?.has("memory") === true ? {} : { memory: DEFAULT_MEMORY }),
  };
  const total = totalOf(pod, defaults);
  return { milliCpu: total.get("cpu") ?? 0, memory: total.get("memory") ?? 0 };
}

const isOfWholePods = (name: string): boolean => name === "cpu" || name === "memory" || name.startsWith("hugepages-");

function isAskedForWhole({ spec }: Pod): boolean {
  return Object.keys(spec.resources?.requests ?? {}).some(isOfWholePods);
}

/**
 * The containers and sidecars together, or the largest init container with the sidecars started before it, whichever is
 * more; what is asked for the pod as a whole instead; then the overhead.
 */
function totalOf(pod: Pod, defaults: Readonly<Record<string, number>>): Amounts {
  const { spec, status } = pod;
  const isInfeasible = (status?.conditions ?? []).some(({ type, reason }) => type === "PodResizePending" && reason === "Infeasible");
  const of = (container: Container, statuses: readonly ContainerStatus[] | undefined): Amounts => {
    const requests = amountsOf(container.resources?.requests);
    const seen = statuses?.find(({ name }) => name === container.name);
    const actual = seen?.resources === undefined ? requests : resized(requests, seen, isInfeasible);
    for (const name in defaults) if (!actual.has(name)) actual.set(name, defaults[name] ?? 0);
    return actual;
  };
  const total: Amounts = new Map();
  for (const container of spec.containers) addTo(total, of(container, status?.containerStatuses));
  const sidecars: Amounts = new Map();
  const largest: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const isSidecar = container.restartPolicy === "Always";
    const own = of(container, isSidecar ? status?.initContainerStatuses : undefined);
    if (isSidecar) {
      addTo(total, own);
      addTo(sidecars, own);
      maxTo(largest, sidecars);
    } else {
      addTo(own, sidecars);
      maxTo(largest, own);
    }
  }
  maxTo(total, largest);
  for (const [name, quantity] of wholeRequests(pod, isInfeasible)) total.set(name, quantity);
  addTo(total, amountsOf(spec.overhead));
  return total;
}

/** What is asked for the pod as a whole; while that is being resized the most of what it had, has and wants. */
function wholeRequests({ spec, status }: Pod, isInfeasible: boolean): Amounts {
  const wanted = amountsOf(spec.resources?.requests);
  for (const name of wanted.keys()) if (!isOfWholePods(name)) wanted.delete(name);
  if (wanted.size === 0 || (status?.resources === undefined && status?.allocatedResources === undefined)) return wanted;
  const most: Amounts = isInfeasible ? new Map() : wanted;
  for (const list of [status.resources?.requests, status.allocatedResources]) {
    const there = amountsOf(list);
    for (const name of there.keys()) if (!isOfWholePods(name)) there.delete(name);
    maxTo(most, there);
  }
  return most;
}

/** A container that is being resized counts as the most of what it had, has and wants; what it cannot get does not count. */
function resized(requests: Amounts, { resources, allocatedResources }: ContainerStatus, isInfeasible: boolean): Amounts {
  const most: Amounts = isInfeasible ? new Map() : new Map(requests);
  maxTo(most, amountsOf(resources?.requests));
  maxTo(most, amountsOf(allocatedResources));
  return most;
}

function amountsOf(list: ResourceList): Amounts {
  const amounts: Amounts = new Map();
  for (const name in list) amounts.set(name, amount(name, list[name] ?? "0"));
  return amounts;
}

const noScalars: ReadonlyMap<string, number> = new Map();

function asResources(amounts: ReadonlyMap<string, number>): Resources {
  let scalars: Map<string, number> | undefined;
  for (const [name, value] of amounts) {
    if (!isScalar(name)) continue;
    scalars ??= new Map();
    scalars.set(name, value);
  }
  return { milliCpu: amounts.get("cpu") ?? 0, memory: amounts.get("memory") ?? 0, ephemeralStorage: amounts.get("ephemeral-storage") ?? 0, scalars: scalars ?? noScalars };
}

/** @upstream pkg/scheduler/util/utils.go IsScalarResourceName */
function isScalar(name: string): boolean {
  return name.includes("/") || name.startsWith("hugepages-") || name.startsWith("attachable-volumes-");
}

function addTo(target: Amounts, other: ReadonlyMap<string, number>): void {
  for (const [name, value] of other) target.set(name, (target.get(name) ?? 0) + value);
}

function maxTo(target: Amounts, other: ReadonlyMap<string, number>): void {
  for (const [name, value] of other) target.set(name, Math.max(target.get(name) ?? 0, value));
}
